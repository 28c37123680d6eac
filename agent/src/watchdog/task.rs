//! Tells the service manager how it goes: ready, alive, stopping. Works the same where there is none.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::{Verdict, Watched, judge};
use crate::clock::shared::{SharedClock, slept};
use crate::log;
use crate::observation::Moment;
use crate::recorded::Recorded;
use crate::repeats::Repeats;

/// How often to judge where no service manager waits for it: for the log and the status.
const JUDGE_EVERY: Duration = Duration::from_secs(30);

/// How often to judge within the time after which the service manager gives up: one verdict is not the end.
const LOOKS: u32 = 4;

/// Watches that every due round ends.
pub struct Watchdog {
    watched: Vec<Watched>,
    recorded: watch::Receiver<Recorded>,
    clock: SharedClock,
    shown: watch::Sender<Verdict>,
    starved: Repeats,
    slept: Duration,
    awake: Moment,
}

impl Watchdog {
    /// Watches these sensors by what comes on disk.
    pub fn new(watched: Vec<Watched>, recorded: watch::Receiver<Recorded>, clock: SharedClock) -> Self {
        let (shown, starved) = (watch::Sender::new(Verdict::Fed), Repeats::default());
        Self { watched, recorded, clock, shown, starved, slept: slept(), awake: Moment(Duration::ZERO) }
    }

    /// The last verdict.
    pub fn shown(&self) -> watch::Receiver<Verdict> {
        self.shown.subscribe()
    }

    /// Runs until told to end. All other tasks have been started by now.
    pub async fn run(mut self, shutdown: CancellationToken) {
        tell(&[NotifyState::Ready]);
        let period = sd_notify::watchdog_enabled().map_or(JUDGE_EVERY, |within| within / LOOKS);
        loop {
            self.look();
            log::say_left_out();
            if shutdown.run_until_cancelled(sleep(period)).await.is_none() {
                break;
            }
        }
    }

    fn look(&mut self) {
        let now = self.clock.now();
        let slept = slept();
        if slept != self.slept {
            (self.slept, self.awake) = (slept, now);
        }
        let verdict = judge(now, self.awake, &self.watched, &self.recorded.borrow());
        match &verdict {
            Verdict::Fed => {
                if self.starved.recovered() {
                    info!("the watchdog is fed again");
                }
                tell(&[NotifyState::Watchdog]);
            }
            Verdict::Starved { by, .. } => {
                if self.starved.failed(now, &format!("{by:?}")).is_some() {
                    error!(reason = %verdict, "the watchdog is not fed: the service manager will restart the agent");
                }
            }
        }
        if *self.shown.borrow() != verdict {
            tell(&[NotifyState::Status(&verdict.to_string())]);
            self.shown.send_replace(verdict);
        }
    }
}

/// The end has begun; nobody is watched any more.
pub fn say_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!(%error, "the service manager was not told");
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::watchdog::Starving;

    #[tokio::test(start_paused = true)]
    async fn a_recorder_that_is_stuck_starves_it() {
        let (_recorder, recorded) = watch::channel(Recorded::default());
        let watched = vec![Watched { device_id: "fridge-1".parse().unwrap(), within: Duration::from_secs(240) }];
        let watchdog = Watchdog::new(watched, recorded, SharedClock::new(Instant::now()));
        let (mut shown, shutdown) = (watchdog.shown(), CancellationToken::new());
        let task = tokio::spawn(watchdog.run(shutdown.clone()));
        let starved = |verdict: &Verdict| matches!(verdict, Verdict::Starved { by: Starving::Sensor(_), .. });
        let begin = Instant::now();
        shown.wait_for(starved).await.unwrap();
        assert!((240..=270).contains(&begin.elapsed().as_secs()));
        shutdown.cancel();
        task.await.unwrap();
    }
}
