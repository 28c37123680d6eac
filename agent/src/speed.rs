//! For tests only: one factor by which the agent's own waiting is shortened, so that no test needs real minutes.
//!
//! The environment variable `KITCHEN_TEST_SPEED`, a number of at least 1, divides the time-outs of the device, of the
//! connection, of acknowledgements and of the backoff, the sampling interval and the heartbeat. Timestamps and what is
//! written to the sensor are never touched. It is hidden on purpose: no configuration key, no option, never set in the
//! field.

use std::time::Duration;

/// The name of the environment variable.
pub const VARIABLE: &str = "KITCHEN_TEST_SPEED";

/// By how much waiting is shortened; 1 in the field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

/// The variable holds something else than a number of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{VARIABLE}` is not a number of at least 1")]
#[diagnostic(code(config::test_speed), help("this variable is for tests: unset it"))]
pub struct SpeedError;

impl Speed {
    /// As in the field.
    pub const REAL: Self = Self(1.0);

    /// Reads the text of the variable; absent means [`Speed::REAL`].
    ///
    /// # Errors
    /// Not a finite number of at least 1.
    pub fn parse(text: Option<&str>) -> Result<Self, SpeedError> {
        let Some(text) = text else { return Ok(Self::REAL) };
        let factor: f64 = text.parse().map_err(|_| SpeedError)?;
        if factor.is_finite() && factor >= 1.0 { Ok(Self(factor)) } else { Err(SpeedError) }
    }

    /// The factor.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// How long to wait instead.
    pub fn shorten(self, duration: Duration) -> Duration {
        duration.div_f64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_factor_that_shortens_is_taken() {
        assert_eq!(Speed::parse(None), Ok(Speed::REAL));
        assert_eq!(Speed::parse(Some("4")).unwrap().shorten(Duration::from_secs(2)), Duration::from_millis(500));
        for bad in ["", "0.5", "-1", "inf", "NaN", "fast"] {
            assert_eq!(Speed::parse(Some(bad)), Err(SpeedError), "{bad}");
        }
    }
}
