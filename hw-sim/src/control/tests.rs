//! The grammar: what is written is read again, and what is wrong is named together with what is known.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::device::{Network, Press};
use crate::line::{Channel, Direction, EchoMode, JunkKind, LineFault, LineFaultKind};
use crate::physics::{ProbeFault, ProbeFaultKind};

fn line_faults() -> Vec<LineFault> {
    let (delay, text) = (Duration::from_millis(1500), "RDY \"now\" \\ = é");
    let mut faults = vec![LineFault::Stuck, LineFault::NeverReads, LineFault::Swapped, LineFault::Frozen];
    for direction in [Direction::Both, Direction::ToHost, Direction::ToSensor] {
        faults.push(LineFault::Noise { rate: 0.001, direction });
        faults.push(LineFault::Baud { rate: 115_200, direction });
    }
    for once in [true, false] {
        faults.push(LineFault::Truncated { bytes: 12, once });
        faults.push(LineFault::Unsolicited { text: text.to_owned(), after: 3, once });
        faults.push(LineFault::Late { delay, once });
        faults.push(LineFault::Reboot { bytes: 7, forgets: once });
    }
    for (mode, bytes) in [(EchoMode::On, None), (EchoMode::Off, Some(0)), (EchoMode::Partial, Some(9))] {
        faults.push(LineFault::Echo { mode, part: 0.25, after: 2, bytes });
    }
    for bytes in [None, Some(67_108_864)] {
        faults.push(LineFault::Endless { byte: 0, bytes });
    }
    faults.push(LineFault::Drip { every: Duration::from_nanos(1) });
    for (channel, text) in [(Channel::Idc, "NaN"), (Channel::Vdc, ""), (Channel::Idc, "-0.00"), (Channel::Vdc, text)] {
        faults.push(LineFault::Value { text: text.to_owned(), channel });
    }
    for kind in [JunkKind::All, JunkKind::Utf8, JunkKind::Nul, JunkKind::Ansi] {
        faults.push(LineFault::Junk { kind, rate: 1.0 });
    }
    faults
}

fn faults() -> Vec<Fault> {
    let mut faults: Vec<Fault> = line_faults().into_iter().map(Fault::Line).collect();
    let probe = ProbeFaultKind::ALL.into_iter().map(|kind| {
        let values: &[(&str, &str)] = if has_value(kind) { &[("value", "3.59")] } else { &[] };
        Fault::Probe(ProbeFault::parse(kind.name(), values).unwrap())
    });
    faults.extend(probe);
    for (pin, every) in [(None, None), (Some("abc123"), None), (None, Some(30)), (Some("1"), Some(86_400))] {
        let (pin, every) = (pin.map(str::to_owned), every.map(Duration::from_secs));
        faults.push(Fault::Password(PasswordFault { pin, every }));
    }
    faults.push(Fault::Unplug);
    faults.extend([None, Some("/tmp/tty S2".into())].map(Fault::Replug));
    faults.extend([None, Some("864003349087055".parse().unwrap())].map(Fault::Swap));
    faults
}

fn has_value(kind: ProbeFaultKind) -> bool {
    matches!(kind, ProbeFaultKind::Drift | ProbeFaultKind::Noise | ProbeFaultKind::Current | ProbeFaultKind::Lead)
}

fn commands() -> Vec<Command> {
    let mut commands = vec![Command::Reset, Command::Unplug, Command::Defrost, Command::Restock];
    commands.extend([Command::Status, Command::Help, Command::Clear(None)]);
    commands.extend([Press::Short, Press::Long, Press::Five].map(Command::Press));
    commands.extend([None, Some("/dev/serial/by id".into()), Some(PathBuf::new())].map(Command::Replug));
    for on in [true, false] {
        commands.extend([Command::Isp(on), Command::Silence(on), Command::Mains(on)]);
        commands.extend([Command::Door { open: on }, Command::Compressor { fails: on }]);
    }
    commands.extend([0, 250, 2_678_400_000].map(Duration::from_millis).map(Command::PowerCut));
    commands.extend([None, Some(-200.0), Some(4.25)].map(Command::Temperature));
    commands.extend([None, Some(0.0), Some(3.3)].map(Command::Battery));
    commands.extend([None, Some(0), Some(31), Some(99)].map(Command::Csq));
    commands.extend(Network::ALL.map(Command::Network));
    commands.push(Command::Pin("another1".to_owned()));
    for fault in faults() {
        if let Some(name) = fault.name() {
            commands.push(Command::Clear(Some(name)));
            commands.push(Command::Fault { fault: fault.clone(), lasts: Some(Duration::from_millis(4100)) });
        }
        commands.push(Command::Fault { fault, lasts: None });
    }
    commands
}

#[test]
fn every_command_and_fault_is_read_as_it_is_written() {
    for command in commands() {
        assert_eq!(command.to_string().parse(), Ok(command.clone()), "{command}");
    }
}

#[test]
fn every_kind_of_fault_is_among_them() {
    let written: Vec<String> = commands().iter().map(Command::to_string).collect();
    for kind in LineFaultKind::all() {
        assert!(written.iter().any(|line| line.starts_with(&format!("fault {kind}"))), "{kind}");
        assert_eq!(LineFaultKind::find(kind.id()), Some(kind), "the row is a name too");
    }
    for verb in Command::help().split(", ").filter_map(|usage| usage.split(' ').next()) {
        assert!(written.iter().any(|line| line.split(' ').next() == Some(verb)), "{verb}");
    }
}

/// What a line means, as it is written in full.
fn check(line: &str, expected: &str) {
    let command: Command = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
    assert_eq!(command.to_string(), expected);
}

#[test]
fn what_is_not_said_is_as_usual() {
    check(" power-cut ", "power-cut 2");
    check("fault s1", "fault noise rate=0.01 direction=both");
    check("fault truncated", "fault truncated bytes=0 once=no");
    check("fault s3", "fault echo mode=on part=0.5 after=0");
    check("fault s4", "fault unsolicited text=RDY after=1 once=no");
    check("fault s5", "fault late delay=3 once=no");
    check("fault s6", "fault reboot bytes=0 forgets=no");
    check("fault s10 rate=4800", "fault baud rate=4800 direction=both");
    check("fault s13", "fault endless byte=65");
    check("fault s14", "fault drip every=0.5");
    check("fault s20", "fault junk kind=all rate=0.05");
    check("fault late delay=250ms for=2m", "fault late delay=0.25 once=no for=120");
}

#[test]
fn line_and_probe_share_some_names() {
    check("fault noise rate=0.1", "fault noise rate=0.1 direction=both");
    check("fault probe-noise=0.1", "fault probe-noise ma=0.1");
    check("fault stuck", "fault stuck");
    check("clear probe-stuck", "clear probe-stuck");
    check("fault probe-wire-break", "fault wire-break");
    check("fault s16 ma=3.59", "fault current ma=3.59");
    check("fault s16 text=3.59", "fault value text=3.59 channel=idc");
}

/// What is wrong with a line; every expected text is in the message.
fn refuse(line: &str, expected: &[&str]) {
    let message = line.parse::<Command>().unwrap_err().to_string();
    for text in expected {
        assert!(message.contains(text), "{line}: `{text}` is not in {message:?}");
    }
    assert!(!message.contains('\n'), "one line: {message}");
}

#[test]
fn an_unknown_word_is_named_with_what_is_known() {
    refuse("", &["an empty line", "press short|long|five"]);
    refuse("pres short", &["unknown command `pres`", "did you mean `press`?", "restock"]);
    refuse("press twice", &["`press` wants one of short, long, five", "`twice`"]);
    refuse("silence maybe", &["`silence` wants one of on, off", "`maybe`"]);
    refuse("set colour red", &["unknown setting `colour`", "temperature, network, csq, battery, pin"]);
    refuse("set network 5g", &["unknown network `5g`", "no-sim"]);
    refuse("fault truncate", &["unknown fault `truncate`", "did you mean `truncated`?", "swap", "s1 to s21"]);
    refuse("fault s22", &["unknown fault `s22`", "noise"]);
    refuse("clear everything", &["unknown fault `everything`", "noise"]);
    refuse("fault noise level=3", &["`noise` has no key `level`", "rate, direction", "`probe-noise`"]);
    refuse("fault stuck ma=3", &["`stuck` has no key `ma`", "no keys", "`probe-stuck`"]);
    refuse("fault echo mode=loud", &["`mode` of `echo`", "`loud`", "on, off, partial"]);
    refuse("fault late once=maybe", &["`once` of `late`", "`maybe`", "yes, no"]);
    refuse("fault junk kind=latin1", &["`latin1`", "all, utf8, nul, ansi"]);
    refuse("fault swap serial=3", &["`swap` has no key `serial`", "imei"]);
    refuse("fault unplug now=1", &["`unplug` has no key `now`"]);
}

#[test]
fn missing_words_and_words_too_many_are_named() {
    refuse("press", &["`press` wants one of short, long, five", "got nothing"]);
    refuse("reset now", &["`reset` takes nothing more", "`now`"]);
    refuse("status all of it", &["`status` takes nothing more", "`all of it`"]);
    refuse("power-cut 3 s", &["`power-cut` takes one word", "`3 s`"]);
    refuse("replug a b", &["`replug` takes one word", "`a b`"]);
    refuse("set", &["`set` wants a setting and its value", "got nothing", "pin PIN"]);
    refuse("set pin", &["`set` wants a setting and its value", "`pin`"]);
    refuse("set temperature 3 4", &["got `temperature 3 4`"]);
    refuse("fault", &["`fault` wants its name", "fault noise rate=0.01"]);
    refuse("fault noise fast", &["KEY=VALUE behind `noise`", "`fast`"]);
    refuse("fault baud", &["`baud` needs its `rate`", "baud rate=115200"]);
    refuse("fault value", &["`value` needs its `text` or `ma`", "value text=NaN"]);
    refuse("fault current", &["`current` needs its value in mA"]);
    refuse("fault probe-noise", &["`probe-noise` needs its value in mA: write `probe-noise ma=0.2`"]);
    refuse("clear noise echo", &["`clear` takes one word", "`noise echo`"]);
}

#[test]
fn numbers_beyond_their_limits_and_no_numbers_are_named() {
    for number in ["-0.1", "1.1", "NaN", "inf", "lots", ""] {
        refuse(&format!("fault noise rate={number}"), &["`rate` of `noise` is 0 to 1", &format!("`{number}`")]);
        refuse(&format!("fault junk rate={number}"), &["`rate` of `junk` is 0 to 1", &format!("`{number}`")]);
    }
    for time in ["-1", "NaN", "inf", "1d", "soon", "1e300", "2678401"] {
        refuse(&format!("power-cut {time}"), &["0 to 2678400 seconds", &format!("`{time}`")]);
        refuse(&format!("fault noise for={time}"), &["0 to 2678400 seconds", &format!("`{time}`")]);
        refuse(&format!("fault late delay={time}"), &["`delay` of `late` is 0 to 86400 seconds", &format!("`{time}`")]);
    }
    refuse("set temperature NaN", &["`temperature` is -200 to 850 or auto", "`NaN`"]);
    refuse("set battery 21", &["`battery` is 0 to 20 or auto", "`21`"]);
    refuse("set csq 32", &["`csq` is 0 to 31, 99 or auto", "`32`"]);
    refuse("set pin TOOLOUD", &["1 to 8 lower-case letters or digits", "`TOOLOUD`"]);
    refuse("fault baud rate=200", &["`rate` of `baud` is 300 to 1000000", "`200`"]);
    refuse("fault truncated bytes=-1", &["`bytes` of `truncated` is 0 to 1000000", "`-1`"]);
    refuse("fault endless byte=256", &["`byte` of `endless` is 0 to 255", "`256`"]);
    refuse("fault endless byte=10", &["no line end", "`10`"]);
    refuse("fault endless bytes=0", &["`bytes` of `endless` is 1 to", "`0`"]);
    refuse("fault value ma=NaN", &["-30 to 30 mA", "`NaN`"]);
    refuse("fault unsolicited text=\"a\\nb\"", &["`text` is one line of at most 256 bytes"]);
    refuse(&format!("fault value text={}", "x".repeat(257)), &["at most 256 bytes"]);
    refuse("fault password every=0.5", &["`every` of `password` is a second at least"]);
    refuse("fault password pin=UPPER", &["1 to 8 lower-case letters or digits", "`UPPER`"]);
    refuse("fault swap imei=123", &["`123`", "15 decimal digits"]);
}

#[test]
fn a_key_comes_once_and_what_happens_once_does_not_last() {
    refuse("fault noise rate=0.1 rate=0.2", &["`noise` has `rate` twice"]);
    refuse("fault noise for=1 for=2", &["`noise` has `for` twice"]);
    refuse("fault current ma=3 ma=4", &["`current` takes one value, got 2"]);
    for once in ["password", "unplug", "replug", "swap"] {
        refuse(&format!("fault {once} for=5"), &[&format!("`{once}` happens once and takes no `for`")]);
    }
    refuse("clear swap", &["`swap` happens once"]);
    refuse("clear s8", &["say `replug`"]);
}

#[test]
fn quotes_are_closed_and_a_command_is_not_endless() {
    refuse("fault value text=\"open", &["is not closed"]);
    refuse("fault value text=\"\\q\"", &["unknown escape `\\q`"]);
    refuse(&"x".repeat(1025), &["at most 1024 bytes, got 1025"]);
}

proptest! {
    #[test]
    fn no_line_panics_the_parser(line in any::<String>()) {
        let _ = line.parse::<Command>();
        let _ = line.parse::<Scenario>();
    }

    #[test]
    fn no_mixture_of_its_words_does_and_what_is_read_is_written_alike(
        words in prop::collection::vec(prop::sample::select(vec![
            "fault", "clear", "set", "press", "power-cut", "noise", "s16", "value", "text=NaN", "ma=3", "rate=1", "late",
            "for=1e9", "for=5", "delay=1h", "delay=1e-9ms", "pin", "=", "\"", "\\", "password", "every=1", "replug", "é",
            "bytes=18446744073709551616", "once=yes", "temperature", "-0.0", "nan", "swap", "current=", "drift=-0",
        ]), 0..6),
    ) {
        let line = words.join(" ");
        if let Ok(command) = line.parse::<Command>() {
            prop_assert_eq!(command.to_string().parse(), Ok(command));
        }
    }
}
