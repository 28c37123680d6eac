//! The log: to the journal with its fields where the service manager gives us one, else to stderr.
//!
//! A line that keeps coming must not fill a gateway's flash: each place in the code may say [`LINES_MAX`] lines a minute at
//! `info` and above, and what it had to leave out is counted and said. What repeats for hours is told apart before that, by
//! [`crate::repeats`].

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::prelude::*;

use crate::config::sections::{LogFormat, LogLevel, LogSection};

/// Lines that one place in the code may say within [`WINDOW`].
pub const LINES_MAX: u32 = 10;
/// See [`LINES_MAX`].
pub const WINDOW: Duration = Duration::from_secs(60);
/// What stderr is.
const STDERR: &str = "/proc/self/fd/2";

static LIMITER: LazyLock<Limiter> = LazyLock::new(Limiter::default);

/// Starts the log: our own events at the configured level, those of the crates below from warnings up. What panics is
/// logged too.
pub fn start(log: LogSection) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_target("kitchen_agent", level).with_default(level.min(LevelFilter::WARN));
    let journal = to_journal().then(|| tracing_journald::layer().ok()).flatten();
    let layer = match journal {
        Some(journal) => journal.boxed(),
        None => stderr(log.format),
    };
    // A second service in the same process, which only a test makes, keeps the first one's log.
    drop(tracing_subscriber::registry().with(layer.with_filter(targets.and(&*LIMITER))).try_init());
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
}

fn stderr<S>(format: LogFormat) -> Box<dyn tracing_subscriber::Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let colour = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    match format {
        LogFormat::Text => layer.with_ansi(colour).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// Whether stderr is the journal's, as the service manager says by device and inode.
fn to_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let stderr = Path::new(STDERR).metadata().ok();
    stderr.is_some_and(|stderr| stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Says how many lines were left out since the last call, and where in the code they come from.
pub fn say_left_out() {
    for (place, lines) in LIMITER.take_left_out() {
        tracing::warn!(place, lines, "lines left out of the log: they came too often");
    }
}

/// What each place in the code has said.
#[derive(Debug, Default)]
struct Limiter {
    places: Mutex<HashMap<Identifier, (String, Window)>>,
}

/// What one place has said within a window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: Option<Instant>,
    said: u32,
    left_out: u64,
}

impl Window {
    /// Whether a line may be said at `now`.
    fn allows(&mut self, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.saturating_duration_since(began) >= WINDOW) {
            (self.began, self.said) = (Some(now), 0);
        }
        let allowed = self.said < LINES_MAX;
        self.said += u32::from(allowed);
        self.left_out += u64::from(!allowed);
        allowed
    }
}

impl Limiter {
    fn take_left_out(&self) -> Vec<(String, u64)> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = places.values_mut().filter(|(_, window)| window.left_out > 0);
        left_out.map(|(place, window)| (place.clone(), std::mem::take(&mut window.left_out))).collect()
    }
}

impl<S> Filter<S> for &'static Limiter {
    fn enabled(&self, place: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        if !is_limited(place) {
            return true;
        }
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let window = places.entry(place.callsite()).or_insert_with(|| (place.name().to_owned(), Window::default()));
        window.1.allows(Instant::now())
    }

    /// Each line is asked about.
    fn callsite_enabled(&self, place: &'static Metadata<'static>) -> Interest {
        if is_limited(place) { Interest::sometimes() } else { Interest::always() }
    }
}

/// Whoever asks for more than `info` wants all of it.
fn is_limited(place: &Metadata<'_>) -> bool {
    *place.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_keeps_talking_is_cut_off_for_the_rest_of_the_minute() {
        let (mut window, begin) = (Window::default(), Instant::now());
        let said = |window: &mut Window, second| window.allows(begin + Duration::from_secs(second));
        assert_eq!((0..30).filter(|second| said(&mut window, *second)).count(), LINES_MAX as usize);
        assert_eq!(window.left_out, 20);
        assert!(!said(&mut window, 59) && said(&mut window, 60));
    }

    #[test]
    fn every_place_has_its_own_share_and_says_what_it_left_out() {
        static LIMITER: LazyLock<Limiter> = LazyLock::new(Limiter::default);
        let (writer, written) = Written::new();
        let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(&*LIMITER));
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..25 {
                tracing::warn!(number, "often");
                tracing::debug!(number, "asked for");
            }
            tracing::warn!("once");
        });
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let count = |what| text.lines().filter(|line| line.contains(what)).count();
        assert_eq!((count("often"), count("asked for"), count("once")), (10, 25, 1), "{text}");
        let left_out = LIMITER.take_left_out();
        assert!(matches!(&left_out[..], [(place, 15)] if place.contains("log.rs")), "{left_out:?}");
        assert_eq!(LIMITER.take_left_out(), []);
    }

    /// Keeps what is written.
    #[derive(Clone)]
    struct Written(std::sync::Arc<Mutex<Vec<u8>>>);

    impl Written {
        fn new() -> (Self, std::sync::Arc<Mutex<Vec<u8>>>) {
            let written = std::sync::Arc::default();
            (Self(std::sync::Arc::clone(&written)), written)
        }
    }

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }
}
