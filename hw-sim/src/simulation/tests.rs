//! Time and agenda: what happens does not depend on how often somebody looks, and nothing is looked at in vain.

use std::time::Duration;

use proptest::prelude::*;

use super::Simulation;
use crate::control::{Command, CommandError};
use crate::device::DeviceConfig;
use crate::profile::Profile;

/// Boot and first uplink are over.
const BOOTED: Duration = Duration::from_secs(75);

fn simulation(seed: u64) -> Simulation {
    let mut simulation = Simulation::new(DeviceConfig::new(Profile::load("nb-1.1").unwrap(), seed));
    simulation.advance(BOOTED);
    simulation.take_output(BOOTED);
    simulation
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn command(text: &str) -> Command {
    text.parse().unwrap()
}

fn told(simulation: &mut Simulation, now: Duration, text: &str) {
    assert_eq!(simulation.run(now, &command(text)), Ok(String::new()), "{text}");
}

fn faults(simulation: &mut Simulation) -> Vec<String> {
    simulation.faults().iter().map(ToString::to_string).collect()
}

#[test]
fn scheduled_commands_happen_in_order_and_at_their_time() {
    let mut simulation = simulation(1);
    let steps = [(3.0, "unplug"), (1.0, "fault stuck for=1.5"), (2.0, "set pin other1"), (1.0, "fault echo")];
    simulation.schedule(steps.map(|(after, text)| (seconds(after), command(text))).into()).unwrap();
    simulation.advance(BOOTED + seconds(0.999));
    assert_eq!(simulation.take_executed(), []);
    simulation.advance(BOOTED + seconds(10.0));
    let executed = simulation.take_executed();
    let told: Vec<(f64, String)> =
        executed.iter().map(|done| ((done.at - BOOTED).as_secs_f64(), done.command.to_string())).collect();
    assert_eq!(told[0], (1.0, "fault stuck for=1.5".to_owned()));
    assert_eq!(told[1], (1.0, "fault echo mode=on part=0.5 after=0".to_owned()));
    assert_eq!(told[2], (2.0, "set pin other1".to_owned()));
    assert_eq!(executed[3].outcome, Err(CommandError::Adapter("unplug".to_owned())));
    assert_eq!(faults(&mut simulation), ["echo mode=on part=0.5 after=0"]);
    assert_eq!(simulation.take_executed(), []);
}

#[test]
fn no_more_is_scheduled_than_can_wait() {
    let mut simulation = simulation(1);
    let steps = |count| vec![(seconds(1.0), Command::Help); count];
    simulation.schedule(steps(10_000)).unwrap();
    assert!(matches!(simulation.schedule(steps(1)), Err(CommandError::Refused(_))));
    simulation.advance(BOOTED + seconds(2.0));
    assert_eq!(simulation.take_executed().len(), 1024, "the last answers");
    simulation.schedule(steps(1)).unwrap();
}

#[test]
fn a_fault_that_is_told_again_lasts_as_told_last() {
    let mut simulation = simulation(1);
    told(&mut simulation, BOOTED, "fault stuck for=5");
    told(&mut simulation, BOOTED + seconds(4.0), "fault stuck for=5");
    simulation.advance(BOOTED + seconds(8.0));
    assert_eq!(faults(&mut simulation), ["stuck"]);
    told(&mut simulation, BOOTED + seconds(8.0), "fault stuck");
    simulation.advance(BOOTED + seconds(1000.0));
    assert_eq!(faults(&mut simulation), ["stuck"]);
    told(&mut simulation, BOOTED + seconds(1000.0), "fault stuck for=0");
    assert!(faults(&mut simulation).is_empty());
}

#[test]
fn supply_and_switch_are_both_needed() {
    let mut simulation = simulation(1);
    let powered = |simulation: &mut Simulation| simulation.status()["powered"] == true;
    told(&mut simulation, BOOTED, "power-cut 5");
    told(&mut simulation, BOOTED + seconds(1.0), "isp on");
    simulation.advance(BOOTED + seconds(6.0));
    assert!(!powered(&mut simulation), "at ISP");
    told(&mut simulation, BOOTED + seconds(7.0), "power-cut 5");
    told(&mut simulation, BOOTED + seconds(8.0), "isp off");
    assert!(!powered(&mut simulation), "no supply");
    let silence = simulation.take_output(BOOTED + seconds(8.0));
    assert!(silence.is_empty(), "{silence:?}");
    told(&mut simulation, BOOTED + seconds(9.0), "fault swap");
    simulation.advance(BOOTED + seconds(11.9));
    assert!(simulation.take_output(BOOTED + seconds(11.9)).is_empty());
    simulation.advance(BOOTED + seconds(12.0));
    assert!(powered(&mut simulation));
    told(&mut simulation, BOOTED + seconds(60.0), "power-cut 0");
    assert!(powered(&mut simulation), "off and on at once");
    simulation.advance(BOOTED + seconds(61.0));
    let boot = simulation.take_output(BOOTED + seconds(61.0));
    assert!(String::from_utf8_lossy(&boot).contains("bootloader"));
}

#[test]
fn values_from_code_beyond_all_limits_do_no_harm() {
    use crate::control::Fault;
    use crate::line::{Direction, EchoMode, LineFault};
    let mut simulation = simulation(1);
    let run = |simulation: &mut Simulation, fault| {
        let command = Command::Fault { fault: Fault::Line(fault), lasts: Some(Duration::MAX) };
        simulation.run(BOOTED, &command).unwrap();
    };
    run(&mut simulation, LineFault::Noise { rate: 7.0, direction: Direction::Both });
    run(&mut simulation, LineFault::Echo { mode: EchoMode::Partial, part: f64::NAN, after: 0, bytes: None });
    run(&mut simulation, LineFault::Late { delay: Duration::MAX, once: false });
    run(&mut simulation, LineFault::Baud { rate: 0, direction: Direction::Both });
    run(&mut simulation, LineFault::Endless { byte: 1, bytes: Some(0) });
    simulation.run(BOOTED, &Command::PowerCut(Duration::MAX)).unwrap();
    simulation.feed(BOOTED, b"AT\r");
    simulation.advance(BOOTED + seconds(9.0));
    simulation.take_output(BOOTED + seconds(9.0));
}

/// Something that is told or typed.
fn act() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "604218\r",
        "AT\r",
        "AT+CFG\r",
        "AT+TDC=?\r",
        "AT+GETSENSORVALUE=0\r",
        ":fault noise rate=0.1 for=3",
        ":fault truncated bytes=5 once=yes",
        ":fault echo",
        ":fault echo mode=partial after=3 bytes=9",
        ":fault unsolicited once=yes",
        ":fault late delay=2.5 for=9",
        ":fault reboot bytes=3",
        ":fault reboot",
        ":fault baud rate=4800",
        ":fault baud rate=115200 for=2",
        ":fault stuck for=1",
        ":fault never-reads for=4",
        ":fault endless bytes=300",
        ":fault drip every=0.1",
        ":fault value text=NaN",
        ":fault swapped",
        ":fault frozen",
        ":fault junk",
        ":fault password every=2",
        ":fault swap",
        ":clear",
        ":clear baud",
        ":clear late",
        ":power-cut 1",
    ])
}

/// A day in which somebody looks whenever there is something to see, or only when something is told.
fn day(acts: &[(&'static str, u16)], looks: bool) -> Vec<u8> {
    let mut simulation = simulation(3);
    let (mut now, mut seen) = (BOOTED, Vec::new());
    for (act, pause_ms) in acts {
        match act.strip_prefix(':') {
            Some(text) => told(&mut simulation, now, text),
            None => simulation.feed(now, act.as_bytes()),
        }
        let end = now + Duration::from_millis((*pause_ms).into());
        while let Some(at) = simulation.next_wakeup().filter(|at| looks && *at <= end) {
            now = at.max(now);
            simulation.advance(now);
            seen.extend(simulation.take_output(now));
            assert!(simulation.next_wakeup().is_none_or(|next| next > now), "woken in vain at {now:?}");
        }
        now = end;
        simulation.advance(now);
        seen.extend(simulation.take_output(now));
    }
    seen
}

proptest! {
    #[test]
    fn what_happens_does_not_depend_on_who_looks(acts in prop::collection::vec((act(), 0..9000_u16), 1..12)) {
        prop_assert_eq!(day(&acts, true), day(&acts, false));
    }
}
