//! For tests: the other end of the line, played from a script.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::device::pace::Pace;
use crate::device::session::{Access, Session};
use crate::speed::Speed;

/// The PIN of every session made here.
pub(crate) const PIN: &str = "604218";
/// A clean block of 9.216 mA.
pub(crate) const BLOCK: &str =
    "[100]BAT:3.572 V¶[120]IN1:0¶[135]IN2:0¶[150]GPIO_EXTI:0¶[171]IDC_Input:9.216 mA¶[199]VDC_Input:0.012 V¶";

/// One thing that the device does.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Reads exactly this line.
    Hear(&'static str),
    /// Sends this; `¶` is CR LF.
    Say(String),
    /// Lets time pass.
    Pause(Duration),
    /// Is unplugged.
    HangUp,
}

pub(crate) fn hear(line: &'static str) -> Turn {
    Turn::Hear(line)
}

pub(crate) fn say(text: impl Into<String>) -> Turn {
    Turn::Say(text.into())
}

pub(crate) fn pause_ms(milliseconds: u64) -> Turn {
    Turn::Pause(Duration::from_millis(milliseconds))
}

/// A session with a device that plays `script`; the task ends when all of it has been played.
pub(crate) fn play(script: Vec<Turn>) -> (Session<DuplexStream>, JoinHandle<Option<DuplexStream>>) {
    let (ours, theirs) = duplex(4096);
    let peer = tokio::spawn(perform(script, theirs));
    (session(ours), peer)
}

/// A session over these bytes, at real speed.
pub(crate) fn session<Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(io: Io) -> Session<Io> {
    let access = Access {
        port: "/dev/ttyTest".to_owned(),
        pin: Some(PIN.into()),
        pace: Pace::new(Speed::REAL),
        start: Instant::now(),
    };
    Session::new(io, access)
}

async fn perform(script: Vec<Turn>, mut io: DuplexStream) -> Option<DuplexStream> {
    for turn in script {
        match turn {
            Turn::Hear(line) => {
                let mut heard = Vec::new();
                while heard.last() != Some(&b'\r') {
                    heard.push(io.read_u8().await.unwrap());
                }
                assert_eq!(String::from_utf8_lossy(&heard), format!("{line}\r"));
            }
            Turn::Say(text) => io.write_all(text.replace('¶', "\r\n").as_bytes()).await.unwrap(),
            Turn::Pause(time) => sleep(time).await,
            Turn::HangUp => return None,
        }
    }
    Some(io)
}
