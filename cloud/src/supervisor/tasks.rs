//! A set of named tasks: watched together, stopped together.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::supervisor::error::ServeError;

/// How long stopping may take in all; systemd kills after 90 s, people before.
pub const GRACE: Duration = Duration::from_secs(10);

/// Named tasks that share a shutdown.
pub struct Tasks {
    set: JoinSet<Result<(), String>>,
    names: HashMap<Id, &'static str>,
    shutdown: CancellationToken,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { set: JoinSet::new(), names: HashMap::new(), shutdown: CancellationToken::new() }
    }
}

impl Tasks {
    /// Told when these tasks shall stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Starts a task.
    pub fn spawn<E: ToString>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let task = async { task.await.map_err(|error| error.to_string()) };
        let handle = self.set.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits until a task ends, which none should. Never returns while there is no task.
    pub async fn watch(&mut self) -> ServeError {
        match self.set.join_next_with_id().await {
            Some(ended) => self.reason(ended),
            None => std::future::pending().await,
        }
    }

    /// Tells all tasks to stop and waits for them, at most so long; what still runs then is dropped.
    pub async fn stop(&mut self, within: Duration) {
        self.shutdown.cancel();
        let all = async {
            while let Some(ended) = self.set.join_next_with_id().await {
                if let Err(error) = ended {
                    tracing::error!(task = self.name(error.id()), %error, "task failed while stopping");
                }
            }
        };
        if timeout(within, all).await.is_err() {
            tracing::warn!(open = self.set.len(), "some tasks did not stop in time");
            self.set.shutdown().await;
        }
    }

    fn reason(&self, ended: Result<(Id, Result<(), String>), JoinError>) -> ServeError {
        let (id, reason) = match ended {
            Ok((id, Ok(()))) => (id, "it stopped by itself".to_owned()),
            Ok((id, Err(error))) => (id, error),
            Err(error) => (error.id(), error.to_string()),
        };
        ServeError::TaskEnded { task: self.name(id), reason }
    }

    fn name(&self, id: Id) -> &'static str {
        self.names.get(&id).copied().unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(task: impl Future<Output = Result<(), &'static str>> + Send + 'static) -> String {
        let mut tasks = Tasks::default();
        tasks.spawn("endpoint", task);
        tasks.spawn("api", std::future::pending::<Result<(), &str>>());
        tasks.watch().await.to_string()
    }

    #[tokio::test]
    async fn a_task_that_ends_is_named_with_its_reason() {
        assert_eq!(check(async { Ok(()) }).await, "`endpoint` ended: it stopped by itself");
        assert_eq!(check(async { Err("no more sockets") }).await, "`endpoint` ended: no more sockets");
        assert!(check(async { panic!("bug") }).await.starts_with("`endpoint` ended: task"));
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_is_bounded() {
        let mut tasks = Tasks::default();
        tasks.spawn("stubborn", std::future::pending::<Result<(), &str>>());
        let shutdown = tasks.shutdown();
        tasks.spawn("good", async move {
            shutdown.cancelled().await;
            Ok::<(), &str>(())
        });
        let started = tokio::time::Instant::now();
        tasks.stop(Duration::from_secs(3)).await;
        assert_eq!(started.elapsed(), Duration::from_secs(3));
    }
}
