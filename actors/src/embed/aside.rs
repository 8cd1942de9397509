//! Vectors made by a network in this process, on a thread of its own: that takes milliseconds, which an actor's thread has not.
//!
//! The thread loads the network when it is first needed, and ends when the embedder is dropped.

use super::{EmbedError, Embedded, Embedder, Embedding, Scene};
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;
use wire::recall::Space;

/// Batches that wait for the thread; the recall actor asks for one at a time.
const WAITING_MAX: usize = 2;

/// Makes vectors of scenes.
pub(super) trait Network: Send + 'static {
    /// The space of its vectors for a game. Loads what is needed.
    ///
    /// # Errors
    /// When the network cannot be had.
    fn space(&mut self, game: &str) -> Result<Space, EmbedError>;

    /// The vectors of a batch, in its order.
    ///
    /// # Errors
    /// When it cannot compute.
    fn embed(&mut self, scenes: &[Scene]) -> Embedded;
}

/// An embedder whose work is done aside.
pub struct Aside {
    jobs: SyncSender<Job>,
}

enum Job {
    Space(String, oneshot::Sender<Result<Space, EmbedError>>),
    Embed(Vec<Scene>, oneshot::Sender<Embedded>),
}

impl Aside {
    pub(super) fn start(network: impl Network) -> Aside {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("embedder".to_string());
        thread.spawn(move || work(network, &waiting)).expect("the system has a thread more");
        Aside { jobs }
    }

    /// Has a job done, once it is waited for.
    fn ask<T: 'static>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, EmbedError>>) -> Job + 'static,
    ) -> Pin<Box<dyn Future<Output = Result<T, EmbedError>>>> {
        let jobs = self.jobs.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let busy = |_| EmbedError::Unusable("its thread is busy".to_string());
            jobs.try_send(job(answer)).map_err(busy)?;
            answered.await.unwrap_or_else(|_| Err(EmbedError::Unusable("its thread has ended".to_string())))
        })
    }
}

impl Embedder for Aside {
    fn space(&mut self, game: &str) -> Pin<Box<dyn Future<Output = Result<Space, EmbedError>>>> {
        let game = game.to_string();
        self.ask(move |answer| Job::Space(game, answer))
    }

    fn sees_frames(&self) -> bool {
        true
    }

    fn embed(&self, scenes: &[Scene]) -> Embedding {
        let scenes = scenes.to_vec();
        Embedding::Later(self.ask(move |answer| Job::Embed(scenes, answer)))
    }
}

fn work(mut network: impl Network, waiting: &Receiver<Job>) {
    while let Ok(job) = waiting.recv() {
        // Whoever does not wait any more need not know.
        match job {
            Job::Space(game, answer) => drop(answer.send(network.space(&game))),
            Job::Embed(scenes, answer) => drop(answer.send(network.embed(&scenes))),
        }
    }
}
