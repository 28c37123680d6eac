//! What the service manager is told, on a socket as systemd's.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::service::{command, configured};

/// How often the service manager wants to hear of the agent.
const WATCHDOG: Duration = Duration::from_secs(1);

/// A service under a manager.
struct Managed {
    socket: UnixDatagram,
    child: Child,
}

impl Managed {
    fn start(dir: &std::path::Path) -> Self {
        let path = dir.join("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut command = command(dir);
        command.env("NOTIFY_SOCKET", path).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        command.stderr(std::process::Stdio::null());
        Self { socket, child: command.spawn().unwrap() }
    }

    /// The next thing that the manager is told, if anything comes in time.
    fn told(&self, within: Duration) -> Option<String> {
        let mut buffer = [0; 1024];
        self.socket.set_read_timeout(Some(within)).unwrap();
        match self.socket.recv(&mut buffer) {
            Ok(count) => Some(String::from_utf8_lossy(&buffer[..count]).trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_says_that_it_is_ready_alive_without_any_sensor_and_stopping() {
    let dir = configured();
    let mut managed = Managed::start(dir.path());
    assert_eq!(managed.told(Duration::from_secs(10)).as_deref(), Some("READY=1"));
    let begin = Instant::now();
    for _ in 0..5 {
        assert_eq!(managed.told(WATCHDOG).as_deref(), Some("WATCHDOG=1"));
    }
    assert!(begin.elapsed() > WATCHDOG, "twice in its time is enough");
    let id = managed.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let told = std::iter::from_fn(|| managed.told(WATCHDOG)).find(|told| told != "WATCHDOG=1");
    assert_eq!(told.as_deref(), Some("STOPPING=1"));
    let asked = Instant::now();
    assert!(managed.child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(5));
}
