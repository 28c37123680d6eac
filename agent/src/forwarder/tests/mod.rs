//! The state machine, event by event.

use std::time::Duration;

use kitchen_contract::ack::RefuseReason;
use kitchen_contract::id::Epoch;
use proptest::prelude::*;

use super::event::{Action, Backlog, Event, Refusal};
use super::line::Line;
use super::online::{Next, Pace, pace};
use super::state::{Machine, State};
use super::timing::Timing;
use super::window::Sent;
use crate::observation::Moment;
use crate::speed::Speed;

mod closed_loop;

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(seconds))
}

fn epoch() -> Epoch {
    Epoch::from_entropy([1; 15])
}

fn timing() -> Timing {
    Timing::new(Duration::from_secs(60), Speed::REAL)
}

/// With so many records, of which nothing is known but that they are there.
fn waiting(records: u64) -> Backlog {
    Backlog { records, newest: 0 }
}

/// A line of which it is known that it takes everything.
fn on_a_fast_line(addresses: usize, backlog: Backlog) -> Machine {
    let mut machine = Machine::new(timing(), addresses, backlog);
    machine.line = Line::FAST;
    machine
}

fn machine(backlog: u64) -> Machine {
    on_a_fast_line(1, waiting(backlog))
}

fn connect() -> Action {
    Action::Connect { address: 0 }
}

fn answered() -> Event {
    Event::Answered { records_per_s: None }
}

fn refused(from: u64, to: u64, reason: RefuseReason) -> Event {
    Event::Refused(Refusal { epoch: epoch(), ranges: vec![(from, to)].into(), reason, retry_after: None })
}

fn tick() -> Event {
    Event::Tick { chance: 0.5 }
}

fn envelope(from: u64, to: u64) -> Sent {
    let kitchen_id = "kitchen-1".parse().unwrap();
    Sent { kitchen_id, epoch: epoch(), seqs: vec![(from, to)].into(), last_index: to }
}

fn sent(from: u64, to: u64) -> Event {
    Event::Sent(envelope(from, to))
}

fn acknowledged(from: u64, to: u64) -> Event {
    Event::Acknowledged { epoch: epoch(), ranges: vec![(from, to)].into() }
}

fn next(after: u64, pace: Pace) -> Action {
    Action::SendNext(Next { after, until: u64::MAX, pace, halvings: 0 })
}

/// Feeds events and checks the actions of each.
fn check(mut machine: Machine, dialogue: &[(u64, Event, &[Action])]) -> Machine {
    for (seconds, event, expected) in dialogue {
        let (stepped, actions) = machine.step(at(*seconds), event.clone());
        assert_eq!(actions, *expected, "after {event:?} at {seconds} s");
        machine = stepped;
    }
    machine
}

fn online(backlog: u64) -> Machine {
    let pace = pace(backlog);
    check(
        machine(backlog),
        &[
            (0, tick(), &[connect()]),
            (1, Event::Opened, &[Action::Subscribe]),
            (1, Event::Subscribed, &[Action::SendBirth]),
            (2, answered(), &[next(0, pace)]),
        ],
    )
}

#[test]
fn no_record_is_sent_before_the_birth_is_answered() {
    let machine = online(1);
    assert!(matches!(machine.state(), State::Online(online) if online.pace == Pace::Live));
}

#[test]
fn a_backlog_goes_in_large_envelopes_and_the_window_is_bounded() {
    let mut dialogue = Vec::new();
    let full: &[Action] = &[];
    let room: Vec<[Action; 1]> = (1..=8).map(|number| [next(number * 500, Pace::CatchingUp)]).collect();
    for number in 1..=8u64 {
        let actions = if number < 8 { &room[number as usize - 1][..] } else { full };
        dialogue.push((3, sent(number * 500 - 499, number * 500), actions));
    }
    let more = [next(4000, Pace::CatchingUp)];
    dialogue.push((4, acknowledged(1, 499), full));
    dialogue.push((4, acknowledged(500, 500), &more));
    check(online(10_000), &dialogue);
}

#[test]
fn without_an_acknowledgement_everything_is_sent_again_one_at_a_time() {
    let machine = check(
        online(2),
        &[
            (2, sent(1, 1), &[next(1, Pace::Live)]),
            (2, sent(2, 2), &[next(2, Pace::Live)]),
            (2, Event::NothingToSend, &[]),
            (11, tick(), &[]),
            (12, tick(), &[next(0, Pace::Live)]),
            (12, sent(1, 1), &[]),
            (31, tick(), &[]),
            (32, tick(), &[next(0, Pace::Live)]),
            (32, sent(1, 1), &[]),
            (33, acknowledged(1, 1), &[next(1, Pace::Live)]),
            // The line has shown that it takes little at once.
            (33, sent(2, 2), &[]),
            (34, acknowledged(2, 2), &[next(2, Pace::Live)]),
        ],
    );
    assert!(matches!(machine.state(), State::Online(online) if !online.is_probing()));
}

#[test]
fn what_comes_back_behind_the_cursor_is_found_with_the_next_heartbeat() {
    let left = |records| Event::Backlog(waiting(records));
    check(
        online(1),
        &[
            (2, sent(1, 1), &[next(1, Pace::Live)]),
            (2, Event::NothingToSend, &[]),
            (3, acknowledged(1, 1), &[]),
            (3, left(0), &[next(1, Pace::Live)]),
            (3, Event::NothingToSend, &[]),
            (62, tick(), &[Action::SendHeartbeat]),
            (63, left(1), &[next(1, Pace::Live)]),
            (63, Event::NothingToSend, &[]),
            (122, tick(), &[Action::SendHeartbeat, next(0, Pace::Live)]),
        ],
    );
}

/// Time-outs of the first of two envelopes: three, with a heartbeat answered in between.
fn passed_over() -> Machine {
    check(
        online(2),
        &[
            (2, sent(1, 1), &[next(1, Pace::Live)]),
            (12, tick(), &[next(0, Pace::Live)]),
            (12, sent(1, 1), &[]),
            (32, tick(), &[next(0, Pace::Live)]),
            (32, sent(1, 1), &[]),
            (62, tick(), &[Action::SendHeartbeat]),
            (63, answered(), &[]),
            (72, tick(), &[Action::TellPassedOver(envelope(1, 1)), next(1, Pace::Live)]),
            (72, sent(2, 2), &[]),
            (73, acknowledged(2, 2), &[next(2, Pace::Live)]),
            (73, Event::NothingToSend, &[]),
        ],
    )
}

#[test]
fn what_the_sink_takes_no_notice_of_does_not_hold_up_the_rest_and_is_tried_again() {
    let machine = check(
        passed_over(),
        &[
            (371, answered(), &[next(2, Pace::Live)]),
            (371, Event::NothingToSend, &[]),
            (372, tick(), &[Action::SendHeartbeat, next(0, Pace::Live)]),
            (372, sent(1, 1), &[]),
            (382, tick(), &[Action::TellPassedOver(envelope(1, 1)), next(1, Pace::Live)]),
            (382, Event::NothingToSend, &[]),
            (673, tick(), &[Action::SendHeartbeat, next(0, Pace::Live)]),
            (673, sent(1, 1), &[]),
            (674, acknowledged(1, 1), &[next(1, Pace::Live)]),
        ],
    );
    assert!(matches!(machine.state(), State::Online(online) if !online.is_probing()));
}

#[test]
fn a_connection_that_ends_over_the_same_envelope_reads_on_behind_it() {
    let lost = || Event::Lost { chance: 0.0 };
    let (connect, again) = ([connect()], [next(0, Pace::Live)]);
    let machine = check(
        online(2),
        &[
            (2, sent(1, 1), &[next(1, Pace::Live)]),
            (3, lost(), &[Action::Close]),
            (10, tick(), &connect),
            (10, answered(), &again),
            (10, sent(1, 1), &[]),
            (11, lost(), &[Action::Close]),
            (20, tick(), &connect),
            (20, answered(), &again),
            (20, sent(1, 1), &[]),
            (21, lost(), &[Action::TellPassedOver(envelope(1, 1)), Action::Close]),
            (30, tick(), &connect),
            (30, answered(), &[next(1, Pace::Live)]),
        ],
    );
    assert!(matches!(machine.state(), State::Online(_)));
}

#[test]
fn after_an_outage_the_newest_go_first_and_the_backlog_beside_them() {
    let machine = on_a_fast_line(1, Backlog { records: 5_000, newest: 9_000 });
    let live = |after| Action::SendNext(Next { after, until: u64::MAX, pace: Pace::Live, halvings: 0 });
    let old = |after| Action::SendNext(Next { after, until: 8_936, pace: Pace::CatchingUp, halvings: 0 });
    let backlog = Backlog { records: 5_001, newest: 9_001 };
    check(
        machine,
        &[
            (0, tick(), &[connect()]),
            (1, answered(), &[live(8_936)]),
            (1, sent(8_937, 9_000), &[live(9_000)]),
            (1, Event::NothingToSend, &[old(0)]),
            (1, sent(4_000, 4_499), &[old(4_499)]),
            (1, sent(4_500, 4_999), &[old(4_999)]),
            (2, Event::Backlog(backlog), &[live(9_000)]),
            (2, sent(9_001, 9_001), &[live(9_001)]),
            (2, Event::NothingToSend, &[old(4_999)]),
            (2, Event::NothingToSend, &[]),
        ],
    );
}

#[test]
fn a_backlog_keeps_to_the_rate_that_the_cloud_sets_and_what_is_measured_now_does_not_wait() {
    let machine = on_a_fast_line(1, Backlog { records: 5_000, newest: 5_000 });
    let live = |after| Action::SendNext(Next { after, until: u64::MAX, pace: Pace::Live, halvings: 0 });
    let old = |after| Action::SendNext(Next { after, until: 4_936, pace: Pace::CatchingUp, halvings: 0 });
    let machine = check(
        machine,
        &[
            (0, tick(), &[connect()]),
            (1, Event::Answered { records_per_s: Some(100) }, &[live(4_936)]),
            (1, Event::NothingToSend, &[old(0)]),
            (1, sent(1, 500), &[]),
            (3, Event::Backlog(Backlog { records: 5_001, newest: 5_001 }), &[live(4_936)]),
            (3, sent(5_001, 5_001), &[live(5_001)]),
            (3, Event::NothingToSend, &[]),
        ],
    );
    assert_eq!(machine.deadline(), Some(at(6)));
    check(machine, &[(5, tick(), &[]), (6, tick(), &[old(500)])]);
}

#[test]
fn what_is_too_large_is_halved_until_it_fits() {
    let halved = |after, halvings| Action::SendNext(Next { after, until: u64::MAX, pace: Pace::CatchingUp, halvings });
    let too_large = |from, to| refused(from, to, RefuseReason::TooLarge);
    check(
        online(500),
        &[
            (3, sent(1, 500), &[next(500, Pace::Live)]),
            (3, Event::NothingToSend, &[]),
            (4, too_large(1, 500), &[halved(0, 1)]),
            (4, sent(1, 250), &[halved(250, 1)]),
            (
                4,
                sent(251, 500),
                &[Action::SendNext(Next { after: 500, until: u64::MAX, pace: Pace::Live, halvings: 1 })],
            ),
            (5, too_large(1, 250), &[halved(0, 2)]),
            (5, too_large(9_000, 9_001), &[halved(0, 2)]),
        ],
    );
    let one = [Action::TellPassedOver(envelope(1, 1)), next(1, Pace::Live)];
    check(online(2), &[(3, sent(1, 1), &[next(1, Pace::Live)]), (4, too_large(1, 1), &one)]);
}

#[test]
fn over_the_quota_nothing_is_sent_for_as_long_as_the_cloud_says() {
    let quota = |retry_after| {
        let ranges = vec![(1, 2)].into();
        Event::Refused(Refusal { epoch: epoch(), ranges, reason: RefuseReason::Quota, retry_after })
    };
    let machine = check(
        online(2),
        &[
            (2, sent(1, 2), &[next(2, Pace::Live)]),
            (3, quota(Some(Duration::from_secs(20))), &[]),
            (4, Event::Backlog(waiting(3)), &[]),
            (22, tick(), &[]),
        ],
    );
    assert_eq!(machine.deadline(), Some(at(23)));
    let State::Online(online) = machine.state() else { panic!() };
    assert_eq!(online.refused, Some(RefuseReason::Quota));
    let machine = check(machine, &[(23, tick(), &[next(0, Pace::Live)]), (23, sent(1, 2), &[next(2, Pace::Live)])]);
    let machine = check(machine, &[(24, acknowledged(1, 2), &[next(2, Pace::Live)])]);
    assert!(matches!(machine.state(), State::Online(online) if online.refused.is_none()));
}

#[test]
fn what_is_not_authorised_waits_behind_the_rest() {
    let not_authorised = refused(1, 1, RefuseReason::NotAuthorised);
    let machine = check(
        online(2),
        &[
            (2, sent(1, 1), &[next(1, Pace::Live)]),
            (3, not_authorised, &[Action::TellPassedOver(envelope(1, 1)), next(1, Pace::Live)]),
            (3, sent(2, 2), &[next(2, Pace::Live)]),
            (4, acknowledged(2, 2), &[next(2, Pace::Live)]),
        ],
    );
    assert!(machine.is_passing_over());
}

#[test]
fn newest_records_that_are_not_authorised_do_not_hold_up_the_backlog_behind_them() {
    let live = |after| Action::SendNext(Next { after, until: u64::MAX, pace: Pace::Live, halvings: 0 });
    let old = |after| Action::SendNext(Next { after, until: 4_936, pace: Pace::CatchingUp, halvings: 0 });
    let no = |from, to| refused(from, to, RefuseReason::NotAuthorised);
    let machine = check(
        on_a_fast_line(1, Backlog { records: 5_000, newest: 5_000 }),
        &[
            (0, tick(), &[connect()]),
            (1, answered(), &[live(4_936)]),
            (1, sent(4_937, 5_000), &[live(5_000)]),
            (1, Event::NothingToSend, &[old(0)]),
            (2, no(4_937, 5_000), &[next(0, Pace::CatchingUp)]),
            (2, sent(1, 4_936), &[next(4_936, Pace::Live)]),
            (3, acknowledged(1, 4_936), &[next(4_936, Pace::CatchingUp)]),
            (3, sent(4_937, 5_000), &[next(5_000, Pace::CatchingUp)]),
            (4, no(4_937, 5_000), &[Action::TellPassedOver(envelope(4_937, 5_000)), next(5_000, Pace::CatchingUp)]),
        ],
    );
    assert!(machine.is_passing_over());
}

#[test]
fn a_backlog_that_cannot_be_read_now_is_read_again_soon() {
    let live = |after| Action::SendNext(Next { after, until: u64::MAX, pace: Pace::Live, halvings: 0 });
    let old = |after| Action::SendNext(Next { after, until: 4_936, pace: Pace::CatchingUp, halvings: 0 });
    let machine = check(
        on_a_fast_line(1, Backlog { records: 5_000, newest: 5_000 }),
        &[
            (0, tick(), &[connect()]),
            (1, answered(), &[live(4_936)]),
            (1, Event::NothingToSend, &[old(0)]),
            (1, Event::Unreadable, &[]),
            (2, Event::Backlog(Backlog { records: 5_000, newest: 5_000 }), &[]),
        ],
    );
    assert_eq!(machine.deadline(), Some(at(6)));
    check(machine, &[(6, tick(), &[live(4_936)]), (6, Event::NothingToSend, &[old(0)])]);
}

#[test]
fn the_addresses_are_tried_in_order_and_the_preferred_one_again_later() {
    let lost = || Event::Lost { chance: 1.0 };
    let to = |address| [Action::Connect { address }];
    let machine = check(
        on_a_fast_line(3, Backlog::default()),
        &[
            (0, tick(), &to(0)),
            (1, lost(), &[Action::Close]),
            (3, tick(), &to(1)),
            (4, lost(), &[Action::Close]),
            (6, tick(), &to(2)),
            (7, lost(), &[Action::Close]),
            (8, tick(), &[]),
            (9, tick(), &to(0)),
            (10, lost(), &[Action::Close]),
            (12, tick(), &to(1)),
            (12, answered(), &[next(0, Pace::Live)]),
            (12, Event::NothingToSend, &[]),
            (911, Event::Backlog(waiting(0)), &[next(0, Pace::Live)]),
            (911, Event::NothingToSend, &[]),
            (912, Event::Tick { chance: 0.0 }, &[Action::Close]),
        ],
    );
    assert_eq!(machine.address(), 0);
    check(machine, &[(914, tick(), &to(0)), (915, lost(), &[Action::Close]), (917, tick(), &to(1))]);
}

#[test]
fn a_sink_that_answers_nothing_is_waited_for_in_order() {
    check(
        online(2),
        &[
            (2, sent(1, 1), &[next(1, Pace::Live)]),
            (12, tick(), &[next(0, Pace::Live)]),
            (12, sent(1, 1), &[]),
            (32, tick(), &[next(0, Pace::Live)]),
            (32, sent(1, 1), &[]),
            (72, tick(), &[Action::SendHeartbeat, next(0, Pace::Live)]),
            (72, sent(1, 1), &[]),
            (152, tick(), &[Action::SendHeartbeat, next(0, Pace::Live)]),
        ],
    );
}

#[test]
fn a_new_record_wakes_and_a_heartbeat_goes_out_in_time() {
    check(
        online(0),
        &[
            (2, Event::NothingToSend, &[]),
            (61, tick(), &[]),
            (62, tick(), &[Action::SendHeartbeat]),
            (63, Event::Backlog(waiting(2)), &[next(0, Pace::Live)]),
        ],
    );
}

#[test]
fn a_lost_connection_waits_longer_each_time_and_forgets_after_stable_minutes() {
    let lost = || Event::Lost { chance: 1.0 };
    let waits = |machine: &Machine| machine.deadline().map(|at| at.0.as_secs());
    let machine = check(online(0), &[(3, lost(), &[Action::Close])]);
    assert_eq!(waits(&machine), Some(3 + 2));
    let machine = check(machine, &[(4, tick(), &[]), (5, tick(), &[connect()]), (6, lost(), &[Action::Close])]);
    assert_eq!(waits(&machine), Some(6 + 4));
    let machine = check(
        machine,
        &[(10, tick(), &[connect()]), (10, answered(), &[next(0, Pace::Live)]), (10 + 119, lost(), &[Action::Close])],
    );
    assert_eq!(waits(&machine), Some(129 + 8));
    let machine = check(
        machine,
        &[(200, tick(), &[connect()]), (200, answered(), &[next(0, Pace::Live)]), (320, lost(), &[Action::Close])],
    );
    assert_eq!(waits(&machine), Some(320 + 2));
}

#[test]
fn a_connection_that_comes_to_nothing_is_given_up() {
    let dialogue: &[(u64, Event, &[Action])] =
        &[(0, tick(), &[connect()]), (19, tick(), &[]), (20, tick(), &[Action::Close])];
    assert!(matches!(check(machine(0), dialogue).state(), State::Offline { .. }));
}

#[test]
fn stopping_waits_a_moment_for_what_is_under_way() {
    let idle = check(online(0), &[(3, Event::Stop, &[Action::Close])]);
    assert_eq!(*idle.state(), State::Stopped);
    let busy = [(3, sent(1, 2), &[next(2, Pace::Live)][..]), (4, Event::Stop, &[])];
    let answered = check(check(online(2), &busy), &[(5, acknowledged(1, 2), &[Action::Close])]);
    assert_eq!(*answered.state(), State::Stopped);
    let silent = check(check(online(2), &busy), &[(5, tick(), &[]), (6, tick(), &[Action::Close])]);
    assert_eq!(*silent.state(), State::Stopped);
    let connecting = check(machine(0), &[(0, tick(), &[connect()]), (1, Event::Stop, &[Action::Close])]);
    assert_eq!(*connecting.state(), State::Stopped);
}

#[test]
fn a_renewed_certificate_is_used_at_once_at_the_same_address_and_is_no_failure() {
    let to = |address| [Action::Connect { address }];
    let lost = || Event::Lost { chance: 1.0 };
    let fallback = check(
        on_a_fast_line(2, Backlog::default()),
        &[
            (0, tick(), &to(0)),
            (1, lost(), &[Action::Close]),
            (3, tick(), &to(1)),
            (4, answered(), &[next(0, Pace::Live)]),
        ],
    );
    let again = [Action::Close, Action::Connect { address: 1 }];
    let renewed = check(fallback, &[(4, Event::NothingToSend, &[]), (5, Event::Renewed, &again)]);
    assert_eq!((renewed.deadline(), renewed.address(), renewed.resent()), (Some(at(25)), 1, 0));
    let failed = check(renewed, &[(6, lost(), &[Action::Close])]);
    assert_eq!(failed.deadline(), Some(at(6 + 2)), "the first failure");
}

#[test]
fn before_a_renewed_certificate_is_used_what_is_under_way_may_be_acknowledged() {
    let again = [Action::Close, connect()];
    let busy =
        || check(online(3), &[(3, sent(1, 2), &[next(2, Pace::Live)]), (4, Event::Renewed, &[]), (4, sent(3, 3), &[])]);
    let acknowledged = check(busy(), &[(5, acknowledged(3, 3), &[]), (5, acknowledged(1, 2), &again)]);
    assert_eq!(acknowledged.resent(), 0);
    let silent = check(busy(), &[(5, tick(), &[]), (6, tick(), &again), (7, answered(), &[next(0, Pace::Live)])]);
    assert_eq!(silent.resent(), 2, "all is sent again");
    check(busy(), &[(5, Event::Lost { chance: 1.0 }, &again)]);
    let stopped = check(busy(), &[(5, Event::Stop, &[]), (6, tick(), &[Action::Close])]);
    assert_eq!(*stopped.state(), State::Stopped);
}

#[test]
fn without_a_connection_a_renewed_certificate_waits_for_the_next() {
    let connecting =
        check(machine(0), &[(0, Event::Renewed, &[]), (0, tick(), &[connect()]), (1, Event::Renewed, &[])]);
    assert!(matches!(connecting.state(), State::Connecting { .. }));
    let stable = check(online(0), &[(3, Event::Lost { chance: 1.0 }, &[Action::Close]), (9, tick(), &[connect()])]);
    let stable = check(stable, &[(10, answered(), &[next(0, Pace::Live)]), (10, Event::NothingToSend, &[])]);
    let renewed = check(stable, &[(130, Event::Renewed, &[Action::Close, connect()])]);
    let failed = check(renewed, &[(131, Event::Lost { chance: 1.0 }, &[Action::Close])]);
    assert_eq!(failed.deadline(), Some(at(131 + 2)), "what failed before stable minutes is forgotten");
}

fn reason() -> impl Strategy<Value = RefuseReason> {
    use RefuseReason::{NotAuthorised, Quota, TooLarge, Unknown};
    prop_oneof![Just(TooLarge), Just(Quota), Just(NotAuthorised), Just(Unknown)]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(tick()),
        Just(Event::Opened),
        Just(Event::Subscribed),
        Just(answered()),
        (1u32..900).prop_map(|rate| Event::Answered { records_per_s: Some(rate) }),
        (1u64..50, reason()).prop_map(|(seq, reason)| refused(seq, seq + 3, reason)),
        (1u64..50, 0u64..9).prop_map(|(from, len)| acknowledged(from, from + len)),
        (1u64..50, 0u64..9).prop_map(|(from, len)| sent(from, from + len)),
        Just(Event::NothingToSend),
        Just(Event::Unreadable),
        Just(Event::Renewed),
        (0u64..200).prop_map(|records| Event::Backlog(Backlog { records, newest: records })),
        (0.0f64..1.0).prop_map(|chance| Event::Lost { chance }),
    ]
}

proptest! {
    /// Whatever happens, records are asked for only with a connection that has been answered, and there is always a next deadline.
    #[test]
    fn never_sends_offline_and_never_gets_stuck(events in prop::collection::vec((0u64..40, event()), 0..80)) {
        let mut machine = machine(0);
        let mut seconds = 0;
        for (pause, event) in events {
            seconds += pause;
            let (stepped, actions) = machine.step(at(seconds), event);
            machine = stepped;
            let sends = actions.iter().any(|action| matches!(action, Action::SendNext(_) | Action::SendHeartbeat));
            prop_assert!(!sends || matches!(machine.state(), State::Online(_)));
            prop_assert!(machine.deadline().is_some());
            prop_assert!(actions.len() <= 3);
        }
    }
}
