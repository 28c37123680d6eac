//! The session against scripted devices: what the reference says can happen on the line, each once.

use std::time::Duration;

use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

use super::peer::{BLOCK, PIN, Turn, hear, pause_ms, play, say, session};
use crate::at::command::Value;
use crate::at::identity::Imei;
use crate::at::report_interval::ReportInterval;
use crate::at::report_on_change::ReportOnChange;
use crate::at::warm_up::WarmUp;
use crate::device::error::DeviceError;
use crate::device::setup::{self, Wanted};

const INCORRECT: &str = "[52340]Password Incorrect¶";
const CORRECT: &str = "[54102]Password Correct¶";
const OK: &str = "¶OK¶¶";
const WARM_UP: Duration = Duration::from_secs(6);

/// The four turns of an ordinary login.
fn login() -> Vec<Turn> {
    vec![hear("AT"), say(INCORRECT), hear(PIN), say(CORRECT)]
}

fn script(parts: impl IntoIterator<Item = Vec<Turn>>) -> Vec<Turn> {
    parts.into_iter().flatten().collect()
}

fn seconds(number: u64) -> ReportInterval {
    ReportInterval::new(number).unwrap()
}

#[tokio::test(start_paused = true)]
async fn logs_in_with_the_pin() {
    let (mut session, peer) = play(login());
    session.login().await.unwrap();
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_open_console_needs_no_pin() {
    let (mut session, peer) = play(vec![hear("AT"), say(OK)]);
    session.login().await.unwrap();
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn waits_out_the_deafness_after_a_reset() {
    let deaf = (0..12).map(|_| hear("AT")).collect();
    let (mut session, peer) = play(script([deaf, vec![say("[7000]NB module is initializing...¶")], login()]));
    session.login().await.unwrap();
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_meant_for_an_earlier_line_is_no_wrong_pin() {
    let (mut session, peer) = play(vec![
        hear("AT"),
        pause_ms(2100),
        hear("AT"),
        say(INCORRECT),
        hear(PIN),
        say(INCORRECT),
        say(CORRECT),
        hear("AT"),
        say(OK),
    ]);
    session.login().await.unwrap();
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_pin_has_a_name_and_is_never_shown() {
    let refused = vec![hear("AT"), say(INCORRECT), hear(PIN), say(INCORRECT)];
    let (mut session, peer) = play(script([refused.clone(), refused]));
    let error = session.login().await.unwrap_err();
    assert!(matches!(error, DeviceError::WrongPin { .. }));
    assert!(!format!("{error} {error:?}").contains(PIN));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lost_welcome_is_found_by_knocking_again() {
    let (mut session, peer) =
        play(vec![hear("AT"), say(INCORRECT), hear(PIN), say("[1]Passw\u{fffd}¶"), hear("AT"), say(OK)]);
    session.login().await.unwrap();
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_login_after_a_minute() {
    let (mut session, _peer) = play(Vec::new());
    let begin = Instant::now();
    assert!(matches!(session.login().await, Err(DeviceError::NoAnswer { .. })));
    assert!((60..65).contains(&begin.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_lock_during_a_command_is_met_with_a_login_and_the_command_again() {
    let again = vec![hear("AT+TDC=?"), say(INCORRECT)];
    let answer = vec![hear("AT+TDC=?"), say("1500¶¶OK¶¶")];
    let (mut session, peer) = play(script([login(), again, login(), answer]));
    session.login().await.unwrap();
    sleep(Duration::from_secs(296)).await;
    assert_eq!(session.get::<ReportInterval>().await.unwrap(), seconds(1500));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lock_before_its_time_is_a_restart() {
    let (mut session, _peer) = play(script([login(), vec![hear("AT+TDC=?"), say(INCORRECT)]]));
    session.login().await.unwrap();
    sleep(Duration::from_secs(100)).await;
    assert!(matches!(session.get::<ReportInterval>().await, Err(DeviceError::Restarted { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_change_waits_until_the_lock_is_over() {
    let (mut session, _peer) = play(login());
    session.login().await.unwrap();
    let begin = Instant::now();
    session.hold_back().await.unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    sleep(Duration::from_secs(290)).await;
    session.hold_back().await.unwrap();
    assert!((300..304).contains(&begin.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_is_credited_to_nothing() {
    let (mut session, peer) = play(vec![
        hear("AT+TDC=?"),
        pause_ms(9000),
        say("7200¶¶OK¶¶"),
        hear("AT"),
        pause_ms(200),
        say(OK),
        hear("AT+TDC=?"),
        say("1500¶¶OK¶¶"),
    ]);
    assert_eq!(session.get::<ReportInterval>().await.unwrap(), seconds(1500));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_after_the_place_was_given_up_is_credited_to_nothing() {
    let (mut session, peer) = play(vec![
        hear("AT+TDC=?"),
        hear("AT"),
        hear("AT"),
        hear("AT"),
        // Given up; only then the device goes on, and the next command is already there.
        pause_ms(3000),
        say("7200¶¶OK¶¶¶OK¶¶¶OK¶¶¶OK¶¶"),
        hear("AT"),
        say(OK),
        hear("AT+TDC=?"),
        say("1500¶¶OK¶¶"),
    ]);
    assert!(matches!(session.get::<ReportInterval>().await, Err(DeviceError::NoAnswer { .. })));
    assert_eq!(session.get::<ReportInterval>().await.unwrap(), seconds(1500));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn boot_text_during_a_command_is_a_restart() {
    let (mut session, _peer) = play(vec![hear("AT+TDC=?"), say("¶DRAGINO NB bootloader v1.3¶")]);
    assert!(matches!(session.get::<ReportInterval>().await, Err(DeviceError::Restarted { .. })));
    assert!(session.take_restarted());
    assert!(!session.take_restarted());
}

#[tokio::test(start_paused = true)]
async fn an_unplugged_line_is_noticed_at_once() {
    let (mut session, _peer) = play(vec![hear("AT+TDC=?"), say("72"), Turn::HangUp]);
    let begin = Instant::now();
    assert!(matches!(session.get::<ReportInterval>().await, Err(DeviceError::Unplugged { .. })));
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_answer_in_bounded_time() {
    let (mut session, _peer) = play(Vec::new());
    let begin = Instant::now();
    assert!(matches!(session.measure(WARM_UP).await, Err(DeviceError::NoAnswer { .. })));
    assert!((16..30).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_measurement_is_the_block_right_before_its_ok() {
    let own = BLOCK.replace("9.216", "9.300");
    let (mut session, _peer) =
        play(vec![hear("AT+GETSENSORVALUE=0"), say(BLOCK), say("[1500]*****End of upload*****¶¶"), say(own), say(OK)]);
    let block = session.measure(WARM_UP).await.unwrap();
    assert_eq!(block.measurement.current.get(), 9.3);
    assert_eq!(session.heard().map(|block| block.measurement.current.get()), Some(9.216));
    assert_eq!(session.heard(), None);
}

#[tokio::test(start_paused = true)]
async fn a_block_between_a_command_and_its_reply_is_overheard() {
    let (mut session, _peer) = play(vec![hear("AT+TDC=?"), say(BLOCK), say("7200¶¶OK¶¶")]);
    assert_eq!(session.get::<ReportInterval>().await.unwrap(), seconds(7200));
    assert_eq!(session.heard().map(|block| block.measurement.current.get()), Some(9.216));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_measurement_is_asked_for_once_more() {
    let damaged = BLOCK.replace("9.216 mA", "9.2x6 mA");
    let measure = |block: &str| vec![hear("AT+GETSENSORVALUE=0"), say(block), say(OK)];
    let bad = || [measure(&damaged), vec![hear("AT"), say(OK)]].concat();
    let (mut session, _peer) = play(script([bad(), measure(BLOCK), bad(), bad()]));
    assert!(session.measure(WARM_UP).await.is_ok());
    assert!(matches!(session.measure(WARM_UP).await, Err(DeviceError::Damaged { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_torn_answer_is_not_the_next_ones() {
    let (mut session, peer) = play(vec![
        hear("AT+TDC=?"),
        say("72x0¶¶OK¶¶"),
        pause_ms(100),
        say("7200¶¶OK¶¶"),
        hear("AT"),
        say(OK),
        hear("AT+TDC=?"),
        say("1500¶¶OK¶¶"),
    ]);
    assert_eq!(session.get::<ReportInterval>().await.unwrap(), seconds(1500));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn another_sensor_behind_a_login_is_a_restart() {
    let ask = |imei: &str| vec![hear("AT+DEUI=?"), say(format!("{imei}¶¶OK¶¶"))];
    let (mut session, _peer) = play(script([login(), ask("861234509876543"), login(), ask("861234509876550")]));
    let expected = Imei::parse("861234509876543").unwrap();
    session.login().await.unwrap();
    session.confirm(&expected).await.unwrap();
    session.confirm(&expected).await.unwrap();
    session.login().await.unwrap();
    assert!(matches!(session.confirm(&expected).await, Err(DeviceError::Restarted { .. })));
}

#[tokio::test(start_paused = true)]
async fn listening_hears_blocks_and_ends_in_time() {
    let (mut session, _peer) = play(vec![pause_ms(3000), say(BLOCK)]);
    let begin = Instant::now();
    let block = session.listen(begin + Duration::from_secs(10)).await.unwrap().unwrap();
    assert_eq!(block.arrived, Duration::from_secs(3));
    assert_eq!(session.listen(begin + Duration::from_secs(10)).await.unwrap(), None);
    assert_eq!(begin.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn endless_bytes_without_an_end_are_no_answer() {
    let (ours, mut theirs) = duplex(4096);
    let noise = tokio::spawn(async move {
        while theirs.write_all(&[b'A'; 1024]).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    let begin = Instant::now();
    let mut session = session(ours);
    assert!(matches!(session.get::<Imei>().await, Err(DeviceError::NoAnswer { .. })));
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    noise.abort();
}

#[tokio::test(start_paused = true)]
async fn dripping_bytes_do_not_stretch_the_deadline() {
    let drip = (0..400).flat_map(|_| [pause_ms(500), say("x")]).collect();
    let (mut session, _peer) = play(script([vec![hear("AT+DEUI=?")], drip]));
    let begin = Instant::now();
    assert!(matches!(session.get::<Imei>().await, Err(DeviceError::NoAnswer { .. })));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_completes_is_given_up() {
    let (ours, _theirs) = duplex(2);
    let begin = Instant::now();
    assert!(matches!(session(ours).get::<Imei>().await, Err(DeviceError::WriteStuck { .. })));
    assert!(begin.elapsed() < Duration::from_secs(3));
}

fn wanted() -> Wanted {
    Wanted {
        warm_up: WarmUp::new(6000).unwrap(),
        report_interval: seconds(1200),
        report_on_change: ReportOnChange::on(300, 320).unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_differs_is_written_and_it_is_read_back() {
    let (mut session, peer) = play(vec![
        hear("AT+12VT=?"),
        say("500¶¶OK¶¶"),
        hear("AT+12VT=6000"),
        say(OK),
        hear("AT+12VT=?"),
        say("6000¶¶OK¶¶"),
        hear("AT+TDC=?"),
        say("1200¶¶OK¶¶"),
        hear("AT+ROC=?"),
        say("1,300,320,0¶¶OK¶¶"),
    ]);
    let applied = setup::apply(&mut session, &wanted()).await.unwrap();
    assert!(applied.not_taken.is_empty());
    assert_eq!((applied.warm_up_before, applied.warm_up), (WarmUp::new(500).unwrap(), wanted().warm_up));
    assert!(peer.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_is_not_taken_is_named_and_the_others_are_set() {
    let stays = vec![hear("AT+TDC=1200"), say(OK), hear("AT+TDC=?"), say("7200¶¶OK¶¶")];
    let (mut session, peer) = play(script([
        vec![hear("AT+12VT=?"), say("500¶¶OK¶¶")],
        vec![hear("AT+12VT=6000"), say("¶AT_PARAM_ERROR¶"), hear("AT+12VT=?"), say("500¶¶OK¶¶")],
        vec![hear("AT+TDC=?"), say("7200¶¶OK¶¶")],
        stays.clone(),
        stays,
        vec![hear("AT+ROC=?"), say("1,300,320,0¶¶OK¶¶")],
    ]));
    let applied = setup::apply(&mut session, &wanted()).await.unwrap();
    assert_eq!(applied.warm_up, applied.warm_up_before);
    let problems = applied.not_taken;
    assert!(matches!(problems[..], [DeviceError::Refused { .. }, DeviceError::NotApplied { .. }]), "{problems:?}");
    assert!(peer.await.unwrap().is_some());
}
