//! What waits to be sent to one client.
//!
//! The emulator's thread puts messages in and never waits: of frames that a client does not take, the newest are kept
//! and the others counted; a client that leaves too many replies lying is let go.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::Notify;
use wire::emulator::{Answer, FramePush, Reply, ServerMessage};

/// The most replies that wait for one client.
pub(crate) const REPLIES_MAX: usize = 256;
/// The most bytes in replies that wait for one client.
pub(crate) const REPLY_BYTES_MAX: usize = 64 << 20;
/// The most frames that wait for one client.
pub(crate) const PUSHES_MAX: usize = 32;

/// The queue between the emulator and one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    closed: AtomicBool,
    changed: Notify,
    broken: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<ServerMessage>,
    replies: usize,
    reply_bytes: usize,
    pushes: usize,
    pushes_lost: u64,
}

impl Outbox {
    /// Queues the answer to a request.
    pub(crate) fn reply(&self, reply: Reply) {
        if self.is_closed() {
            return;
        }
        let bytes = payload_bytes(&reply.body);
        let mut queue = self.queue();
        if queue.replies == REPLIES_MAX || queue.reply_bytes + bytes > REPLY_BYTES_MAX {
            drop(queue);
            tracing::warn!("a client does not take its replies; it is let go");
            self.close();
            return;
        }
        queue.replies += 1;
        queue.reply_bytes += bytes;
        queue.messages.push_back(ServerMessage::Reply(reply));
        drop(queue);
        self.changed.notify_one();
    }

    /// Queues a frame, in place of the oldest where too many wait.
    pub(crate) fn push(&self, push: FramePush) {
        if self.is_closed() {
            return;
        }
        let mut queue = self.queue();
        if queue.pushes == PUSHES_MAX {
            let oldest = queue.messages.iter().position(|message| matches!(message, ServerMessage::Push(_)));
            let oldest = oldest.and_then(|index| queue.messages.remove(index));
            queue.pushes -= usize::from(oldest.is_some());
            queue.pushes_lost += 1;
        }
        queue.pushes += 1;
        queue.messages.push_back(ServerMessage::Push(push));
        drop(queue);
        self.changed.notify_one();
    }

    /// Takes the oldest message, waiting for one.
    pub(crate) async fn next(&self) -> ServerMessage {
        loop {
            if let Some(message) = self.try_next() {
                return message;
            }
            self.changed.notified().await;
        }
    }

    /// Takes the oldest message if there is one.
    pub(crate) fn try_next(&self) -> Option<ServerMessage> {
        let mut queue = self.queue();
        let message = queue.messages.pop_front()?;
        match &message {
            ServerMessage::Reply(reply) => {
                queue.replies -= 1;
                queue.reply_bytes -= payload_bytes(&reply.body);
            }
            ServerMessage::Push(_) => queue.pushes -= 1,
        }
        Some(message)
    }

    /// Ends the connection, from either side.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        *self.queue() = Queue { pushes_lost: self.pushes_lost(), ..Queue::default() };
        self.broken.notify_one();
    }

    /// Waits until the connection is to end.
    pub(crate) async fn closed(&self) {
        while !self.is_closed() {
            self.broken.notified().await;
        }
    }

    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Frames that the client did not take in time.
    pub(crate) fn pushes_lost(&self) -> u64 {
        self.queue().pushes_lost
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("a panic ends the process, so none leaves the lock poisoned")
    }
}

/// The part of an answer whose size the client chose.
fn payload_bytes(answer: &Answer) -> usize {
    match answer {
        Answer::Memory { bytes } => bytes.len(),
        Answer::State { state, .. } => state.len(),
        Answer::Picture(push) => push.pixels.len() + push.memory.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::emulator::PixelFormat;

    fn reply(id: u64) -> Reply {
        Reply { id, instance: 0, epoch: 1, frame: 0, body: Answer::Done }
    }

    fn push(frame: u64) -> FramePush {
        let format = PixelFormat::Rgb565;
        let (pixels, regions, memory) = (Vec::new(), Vec::new(), Vec::new());
        FramePush { frame, epoch: 1, width: 0, height: 0, format, pixels, regions, memory }
    }

    #[test]
    fn the_newest_frames_are_kept_and_the_lost_ones_counted() {
        let outbox = Outbox::default();
        outbox.reply(reply(1));
        (0..PUSHES_MAX as u64 + 3).for_each(|frame| outbox.push(push(frame)));
        assert_eq!(outbox.pushes_lost(), 3);
        assert_eq!(outbox.try_next(), Some(ServerMessage::Reply(reply(1))));
        assert_eq!(outbox.try_next(), Some(ServerMessage::Push(push(3))));
    }

    #[test]
    fn a_client_that_leaves_replies_lying_is_let_go() {
        let outbox = Outbox::default();
        (0..REPLIES_MAX as u64).for_each(|id| outbox.reply(reply(id)));
        assert!(!outbox.is_closed());
        outbox.reply(reply(0));
        assert!(outbox.is_closed());
        assert_eq!(outbox.try_next(), None);
    }
}
