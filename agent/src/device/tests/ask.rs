//! Lines of any text: what is their answer, what is not, and how often they are sent.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::peer::{BLOCK, PIN, hear, pause_ms, play, say};
use crate::at::reply::End;
use crate::device::ask::AskError;
use crate::device::error::DeviceError;

const INCORRECT: &str = "[52340]Password Incorrect¶";
const OK: &str = "¶OK¶¶";

fn lines(reply: &crate::at::reply::Reply) -> Vec<String> {
    reply.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_its_lines_and_its_end() {
    let (mut session, peer) = play(vec![
        hear("AT+TDC=?"),
        say("[1]Exit sleep mode¶AT+PWRM2¶7200¶¶OK¶¶"),
        hear("AT+TDC=45"),
        say("¶AT_PARAM_ERROR¶"),
        hear("AT+FOO"),
        say("[9]Signal Strength:17¶¶ERROR¶"),
    ]);
    let reply = session.ask("AT+TDC=?").await.unwrap();
    assert_eq!((lines(&reply), reply.end), (vec!["7200".to_owned()], End::Ok));
    assert_eq!(session.ask("AT+TDC=45").await.unwrap().end, End::ParameterError);
    assert_eq!(session.ask("AT+FOO").await.unwrap().end, End::ModemError);
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_is_whole() {
    let rows = (0..40).map(|row| format!("AT+X{row}={row}¶")).collect::<String>();
    let (mut session, _peer) = play(vec![hear("AT+CFG"), say(format!("¶{rows}")), say(OK)]);
    assert_eq!(session.ask("AT+CFG").await.unwrap().lines.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn the_block_of_a_measurement_is_its_answer_and_another_is_overheard() {
    let own = BLOCK.replace("9.216", "9.300");
    let (mut session, _peer) = play(vec![
        hear("AT+GETSENSORVALUE=0"),
        pause_ms(100_000),
        say(BLOCK),
        say("[1500]*****End of upload*****¶¶"),
        say(own.as_str()),
        say(OK),
        hear("AT+GETSENSORVALUE=0"),
        say(BLOCK),
        say(own.as_str()),
        say(OK),
        hear("AT+TDC=?"),
        say(BLOCK),
        say(OK),
    ]);
    for _ in 0..2 {
        let reply = session.ask("AT+GETSENSORVALUE=0").await.unwrap();
        assert_eq!((reply.lines.len(), lines(&reply)[4].as_str()), (6, "IDC_Input:9.300 mA"));
        assert_eq!(session.heard().map(|block| block.measurement.current.get()), Some(9.216));
        assert_eq!(session.heard(), None);
    }
    assert!(session.ask("AT+TDC=?").await.unwrap().lines.is_empty());
    assert!(session.heard().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_log_is_no_news() {
    let log = format!("[616]reboot error:Software!¶[617]Password Incorrect¶{BLOCK}");
    let (mut session, peer) = play(vec![hear("AT+GETLOG"), say(log), pause_ms(15_000), say(OK)]);
    let reply = session.ask("AT+GETLOG").await.unwrap();
    assert_eq!((reply.lines.len(), lines(&reply)[0].as_str()), (8, "[616]reboot error:Software!"));
    assert_eq!((session.heard(), session.take_restarted()), (None, false));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_locked_console_is_read_behind_a_login() {
    let login = vec![hear("AT"), say(INCORRECT), hear(PIN), say("[54102]Password Correct¶")];
    let locked = vec![hear("AT+GETLOG"), say(INCORRECT)];
    let (mut session, _peer) = play([locked, login, vec![hear("AT+GETLOG"), say("x¶¶OK¶¶")]].concat());
    assert_eq!(lines(&session.ask("AT+GETLOG").await.unwrap()), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_answer_and_the_line_is_not_sent_again() {
    let (mut session, peer) = play(vec![hear("AT+FOO=secret"), pause_ms(9000), hear("AT"), say(OK)]);
    let begin = Instant::now();
    let error = session.ask("AT+FOO=secret").await.unwrap_err();
    assert!(matches!(error, AskError::Device(DeviceError::NoAnswer { .. })));
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert!(begin.elapsed() < Duration::from_secs(12));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn behind_a_lock_it_is_sent_again() {
    let login = || vec![hear("AT"), say(INCORRECT), hear(PIN), say("[54102]Password Correct¶")];
    let again = vec![hear("AT+APN=x"), say(INCORRECT)];
    let (mut session, peer) = play([login(), again, login(), vec![hear("AT+APN=x"), say(OK)]].concat());
    session.login().await.unwrap();
    sleep(Duration::from_secs(296)).await;
    assert_eq!(session.ask("AT+APN=x").await.unwrap().end, End::Ok);
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_line_is_not_sent() {
    let (mut session, peer) = play(vec![hear("AT"), say(OK)]);
    for text in ["", "AT\rATZ", "AT\n", &"x".repeat(201)] {
        assert!(matches!(session.ask(text).await, Err(AskError::Line(_))), "{text:?}");
    }
    session.ask("AT").await.unwrap();
    assert!(peer.await.unwrap().is_some());
}
