//! The quirks of the device reference, section 12, each a switch of the profile.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;

/// One quirk, by what it does; the number is that of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    /// Q1: a command sent before the `OK` of the one before is lost.
    LossWhileBusy = 1,
    /// Q2: replies come late, behind a log line, while the modem works.
    LateReplies,
    /// Q3: the console locks again.
    Relock,
    /// Q4: deaf after a reset.
    Blackout,
    /// Q5: Bluetooth control lines.
    BluetoothLines,
    /// Q6: `AT+X?` is help.
    HelpNotQuery,
    /// Q7: an unknown line stalls for the modem.
    ModemStall,
    /// Q8: integers wrap before they are checked.
    Wraps,
    /// Q9: SERVADDR rewritten at boot.
    ServerRewritten,
    /// Q10: `Failed to send` after success.
    FailedToSend,
    /// Q11: 0x1A at the end of LDATA.
    Substitute,
    /// Q12: phantom first hit of report on change, and limits that report again and again.
    PhantomHit,
    /// Q13: the transmitter's start-up current is read as a value.
    StartUpCurrent,
    /// Q14: unused history entries are sent as zeros of 1970.
    ZeroHistory,
    /// Q15: silent gaps.
    SilentGaps,
    /// Q16: `AT+FDR1` without `OK`, and less than its name says.
    QuietFactoryReset,
    /// Q17: `AT+TDC` takes effect at the next expiry.
    OldPeriod,
    /// Q18: the last CSQ stays in the payload.
    StaleSignal,
    /// Q19: quick bursts of commands reset the processor.
    BurstReset,
    /// Q20: the first character after sleep is lost.
    WakeLoss,
    /// Q21: a negative converter code reads near full scale.
    NegativeReadsHigh,
    /// Q22: secrets in clear.
    SecretsInClear,
    /// Q23: the mistaken notes of third parties are true.
    MistakenNotes,
}

/// How many there are.
const QUIRKS: usize = Quirk::MistakenNotes as usize;

/// Which quirks a firmware has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, bool>")]
pub struct Quirks([bool; QUIRKS]);

/// Not a quirk, or one that is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuirkError {
    /// There is no such quirk.
    #[error("unknown quirk `{0}`: they are q1 to q{QUIRKS}")]
    Unknown(String),
    /// A profile has to say all of them.
    #[error("quirk `q{0}` is missing")]
    Missing(usize),
}

impl Quirks {
    /// Whether the firmware has it.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.0[quirk as usize - 1]
    }

    /// Switches one by its number as written: `q7`.
    pub fn set(&mut self, id: &str, on: bool) -> Result<(), QuirkError> {
        self.0[number(id)? - 1] = on;
        Ok(())
    }
}

impl TryFrom<BTreeMap<String, bool>> for Quirks {
    type Error = QuirkError;

    fn try_from(said: BTreeMap<String, bool>) -> Result<Self, QuirkError> {
        let mut switches = [None; QUIRKS];
        for (id, on) in said {
            switches[number(&id)? - 1] = Some(on);
        }
        let missing = switches.iter().position(Option::is_none);
        missing.map_or(Ok(Self(switches.map(Option::unwrap_or_default))), |at| Err(QuirkError::Missing(at + 1)))
    }
}

/// `q1`, or `q01` as files are sorted by it.
fn number(id: &str) -> Result<usize, QuirkError> {
    let number = id.strip_prefix('q').and_then(|digits| usize::from_str(digits).ok());
    number.filter(|number| (1..=QUIRKS).contains(number)).ok_or_else(|| QuirkError::Unknown(id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_to_be_said_and_no_other() {
        let all: BTreeMap<String, bool> = (1..=QUIRKS).map(|number| (format!("q{number}"), number == 5)).collect();
        let quirks = Quirks::try_from(all.clone()).unwrap();
        assert!(quirks.has(Quirk::BluetoothLines) && !quirks.has(Quirk::MistakenNotes));
        let mut missing = all.clone();
        missing.remove("q23");
        assert_eq!(Quirks::try_from(missing), Err(QuirkError::Missing(23)));
        let mut more = all;
        more.insert("q24".to_owned(), true);
        assert_eq!(Quirks::try_from(more), Err(QuirkError::Unknown("q24".to_owned())));
    }

    #[test]
    fn a_quirk_is_switched_by_its_number() {
        let mut quirks = Quirks([false; QUIRKS]);
        quirks.set("q07", true).unwrap();
        assert!(quirks.has(Quirk::ModemStall));
        assert!(quirks.set("q0", true).is_err() && quirks.set("7", true).is_err());
    }
}
