//! A gateway that may come in and means harm, or is broken: what it costs us has a limit.

use std::io::Write;
use std::sync::{Arc, Mutex};

use kitchen_cloud::endpoint::limits::{FILTERS_MAX, FORBIDDEN_MAX, SHOWN_BYTES_MAX};
use tracing_subscriber::fmt::MakeWriter;

use super::door::Door;
use super::wire::{BOTH, DISCONNECT, SUBACK, Version, subscribe};

const OWN: &str = "visiondrive/gateway/gw-a/ack";
const FOREIGN: &str = "visiondrive/gateway/gw-b/ack";
const NOT_AUTHORISED: u8 = 0x87;
const QUOTA_EXCEEDED: u8 = 0x97;

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines_with(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn one_subscribe_names_a_limited_number_of_topics() {
    let door = Door::open().await;
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        a.send(&subscribe(version, &[OWN; FILTERS_MAX])).await;
        assert!(a.expect(SUBACK).await.body.ends_with(&[1; FILTERS_MAX]));
        a.send(&subscribe(version, &[OWN; FILTERS_MAX + 1])).await;
        if version == Version::V5 {
            assert_eq!(a.expect(DISCONNECT).await.body[0], QUOTA_EXCEEDED);
        }
        a.is_closed().await;
    }
}

#[tokio::test]
async fn what_is_forbidden_is_refused_some_times_and_then_ends_the_connection() {
    let door = Door::open().await;
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        for _ in 0..FORBIDDEN_MAX {
            assert!(a.subscribe(FOREIGN).await >= 0x80);
        }
        a.is_quiet().await;
        a.send(&subscribe(version, &[FOREIGN])).await;
        if version == Version::V5 {
            assert_eq!(a.expect(DISCONNECT).await.body[0], NOT_AUTHORISED);
        }
        a.is_closed().await;
    }
    let mut a = door.enter(&door.a, Version::V5).await;
    for _ in 0..FORBIDDEN_MAX {
        assert_eq!(a.confirmed(FOREIGN, b"x").await, NOT_AUTHORISED);
    }
    a.publish(FOREIGN, Some(7), b"x").await;
    assert_eq!(a.expect(DISCONNECT).await.body[0], NOT_AUTHORISED);
    a.is_closed().await;
}

#[tokio::test]
async fn a_nuisance_gets_one_short_line_in_the_log() {
    let (log, _listening) = Log::listen();
    let door = Door::open().await;
    let endless = "é".repeat(30_000);
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut a = door.enter(&door.a, Version::V5).await;
        assert_eq!(a.confirmed(&endless, b"x").await, NOT_AUTHORISED);
        assert!(a.subscribe(&endless).await >= 0x80);
        connections.push(a);
    }
    let mut b = door.enter(&door.b, Version::V5).await;
    assert!(b.subscribe(OWN).await >= 0x80);
    let lines = log.lines_with("tries a topic that is not its own");
    assert_eq!(lines.len(), 2, "one of each gateway: {lines:?}");
    assert!(lines[0].contains("gw-a") && lines[1].contains("gw-b"), "{lines:?}");
    assert_eq!(lines[0].matches('é').count(), SHOWN_BYTES_MAX / 'é'.len_utf8());
    assert_eq!(log.lines_with("takes over").len(), 1, "the gateway took over from itself twice");
}

#[tokio::test]
async fn strangers_do_not_fill_the_log() {
    let (log, _listening) = Log::listen();
    let door = Door::open().await;
    for _ in 0..5 {
        if let Ok(mut stranger) = door.knock(None, Version::V5).await {
            stranger.is_closed().await;
        }
    }
    assert_eq!(log.lines_with("gateway connection ended").len(), 1);
}
