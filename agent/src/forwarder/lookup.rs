//! One name look-up at a time.
//!
//! The system's resolver blocks a thread, for minutes if no name server answers, and cannot be interrupted. So a look-up is
//! given up while it goes on, and while one goes on no other is begun: an attempt to connect may fail for that, but never do
//! the threads run out that the buffer and the ports need too. What is found is not handed on: the resolver that has just
//! answered is asked again by rumqttc, which needs the name for TLS.

use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Looks names up; clones share the one look-up.
#[derive(Clone, Debug)]
pub struct Lookup {
    one: Arc<Semaphore>,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { one: Arc::new(Semaphore::new(1)) }
    }
}

impl Lookup {
    /// Whether a name leads anywhere.
    ///
    /// # Errors
    /// It does not, or an earlier look-up has not come back.
    pub async fn find(&self, host: &str, port: u16) -> io::Result<()> {
        let host = host.to_owned();
        self.run(move || (host.as_str(), port).to_socket_addrs().map(drop)).await
    }

    async fn run(&self, find: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let silent = || io::Error::new(io::ErrorKind::TimedOut, SILENT);
        let permit = Arc::clone(&self.one).try_acquire_owned().map_err(|_| silent())?;
        let looking = spawn_blocking(move || {
            let found = find();
            drop(permit);
            found
        });
        looking.await.map_err(io::Error::other)?
    }
}

/// What is said of a resolver that does not come back.
pub const SILENT: &str = "the name server does not answer";

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn while_a_look_up_hangs_no_other_takes_a_thread_and_afterwards_it_works_again() {
        let lookup = Lookup::default();
        let (answer, waiting) = mpsc::channel::<()>();
        let hangs = lookup.run(move || waiting.recv().map_err(io::Error::other));
        assert!(timeout(Duration::from_millis(20), hangs).await.is_err(), "it is given up");
        for _ in 0..100 {
            let error = lookup.run(|| panic!("a second look-up")).await.unwrap_err();
            assert_eq!(error.to_string(), SILENT);
        }
        answer.send(()).unwrap();
        let free = async { while lookup.run(|| Ok(())).await.is_err() {} };
        timeout(Duration::from_secs(10), free).await.unwrap();
    }

    #[tokio::test]
    async fn an_address_needs_no_name_server() {
        Lookup::default().find("127.0.0.1", 8883).await.unwrap();
        Lookup::default().find("::1", 8883).await.unwrap();
    }
}
