//! What every setting takes and refuses at its limits, and that what it takes is what it prints.

use crate::support::{Bench, config};

const OK: &str = "\r\nOK\r\n\r\n";
const PARAM_ERROR: &str = "\r\nAT_PARAM_ERROR\r\n";

#[test]
fn texts_have_their_lengths() {
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+PWORD=0");
    let lengths = [
        ("APN", 40),
        ("CLIENT", 128),
        ("UNAME", 128),
        ("PWD", 200),
        ("PUBTOPIC", 128),
        ("SUBTOPIC", 128),
        ("DNSCFG", 40),
    ];
    for (name, most) in lengths {
        let fitting = "x".repeat(most);
        bench.set(&format!("AT+{name}={fitting}"));
        assert_eq!(bench.ask(&format!("AT+{name}={fitting}x")), PARAM_ERROR, "{name}");
        assert_eq!(bench.ask(&format!("AT+{name}=?")), format!("{fitting}\r\n{OK}"));
    }
    bench.set("AT+APN=");
    assert_eq!(bench.ask("AT+APN=?"), format!("\r\n{OK}"));
    bench.set(&format!("AT+SERVADDR={},1", "x".repeat(67)));
    assert_eq!(bench.ask(&format!("AT+SERVADDR={},1", "x".repeat(68))), PARAM_ERROR);
}

#[test]
fn numbers_have_their_limits() {
    let checks = [
        ("TDC", "60", "59"),
        ("TDC", "16777215", "16777216"),
        ("3V3T", "180000", "180001"),
        ("5VT", "180000", "180001"),
        ("12VT", "180000", "180001"),
        ("CSQTIME", "1", "0"),
        ("CSQTIME", "10", "11"),
        ("MQOS", "2", "3"),
        ("TLSMOD", "2,0", "3,0"),
        ("INTMOD", "3", "4"),
        ("REDPT", "1", "2"),
        ("STDC", "2,65535,120", "2,65535,121"),
        ("STDC", "1,1,1", "3,1,1"),
        ("BKDNS", "2,56", "2,57"),
        ("BKDNS", "0,0", "3,0"),
        ("CLOCKLOG", "1,3599,255,32", "1,3599,255,33"),
    ];
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+PWORD=0");
    for (name, good, bad) in checks {
        let set = bench.ask(&format!("AT+{name}={good}"));
        assert!(set.ends_with(OK), "{name}={good}: {set}");
        assert_eq!(bench.ask(&format!("AT+{name}={bad}")), PARAM_ERROR, "{name}={bad}");
        assert!(bench.ask(&format!("AT+{name}=?")).starts_with(good), "{name}");
    }
}
