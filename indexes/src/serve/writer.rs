//! The thread that opens spaces and keeps memories, in the order in which it is told to.
//!
//! Batches that wait are kept in one transaction, so that a slow disk makes batches larger and not the queue longer. A
//! batch that was taken is answered, also when the role ends.

use super::peer::Peer;
use super::post::Post;
use super::{Desk, Open};
use crate::archive::{ArchiveError, Kept, lock};
use crate::pool::Searchers;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use wire::event::Event;
use wire::recall::{FromIndexes, NewMemory, Space, Standing};

/// Batches that wait at most.
const WAITING_MAX: usize = 64;
/// Batches that are kept in one transaction.
const AT_ONCE: usize = 16;
/// What was kept is told this often, and so is how the role stands.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What the writer is told.
pub(super) enum Order {
    /// Open a space, and from now on say how the role stands.
    Open(Arc<Peer>, Space),
    Remember(Batch),
}

/// Memories that are to be kept.
pub(super) struct Batch {
    peer: Arc<Peer>,
    number: u64,
    memories: Vec<NewMemory>,
}

/// The way to the thread.
pub(super) struct Writer {
    orders: Sender<Order>,
    waiting: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(super) fn start(desk: Arc<Desk>, post: Arc<Post>, searchers: Arc<Searchers>) -> io::Result<Writer> {
        let (orders, receiver) = channel();
        let waiting = Arc::<AtomicUsize>::default();
        let pen = Pen {
            desk,
            post,
            searchers,
            waiting: waiting.clone(),
            told: Vec::new(),
            kept: Kept::default(),
            refused: 0,
            last_told: Instant::now(),
        };
        let thread = thread::Builder::new().name("writer".to_string()).spawn(move || pen.write(&receiver))?;
        Ok(Writer { orders, waiting, thread })
    }

    pub(super) fn order(&self, order: Order) {
        // A writer that died has ended the process.
        let _ = self.orders.send(order);
    }

    /// Takes a batch, unless too many wait.
    pub(super) fn take(&self, peer: &Arc<Peer>, number: u64, memories: Vec<NewMemory>) -> bool {
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        self.order(Order::Remember(Batch { peer: peer.clone(), number, memories }));
        true
    }

    /// Waits until all that was taken is kept and answered.
    pub(super) fn finish(self) {
        drop(self.orders);
        let _ = self.thread.join();
    }
}

/// The thread.
struct Pen {
    desk: Arc<Desk>,
    post: Arc<Post>,
    searchers: Arc<Searchers>,
    waiting: Arc<AtomicUsize>,
    /// Who is told how the role stands, and how it stood when each was told last.
    told: Vec<(Arc<Peer>, Option<Standing>)>,
    kept: Kept,
    refused: u64,
    last_told: Instant,
}

impl Pen {
    fn write(mut self, orders: &Receiver<Order>) {
        let mut pending = VecDeque::new();
        loop {
            let order = match pending.pop_front() {
                Some(order) => Ok(order),
                None => orders.recv_timeout(TELL_EVERY.saturating_sub(self.last_told.elapsed())),
            };
            match order {
                Ok(Order::Open(peer, space)) => self.open(peer, space),
                Ok(Order::Remember(batch)) => {
                    let mut batches = vec![batch];
                    while batches.len() < AT_ONCE {
                        match pending.pop_front().or_else(|| orders.try_recv().ok()) {
                            Some(Order::Remember(batch)) => batches.push(batch),
                            Some(other) => {
                                pending.push_front(other);
                                break;
                            }
                            None => break,
                        }
                    }
                    self.remember(batches);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.last_told.elapsed() >= TELL_EVERY {
                self.tell();
            }
        }
        self.tell();
    }

    fn open(&mut self, peer: Arc<Peer>, space: Space) {
        let Some(archive) = &self.desk.archive else { return };
        let opened = archive.open_space(&space).inspect(|space| archive.warm(&self.searchers, space));
        // Another one may have been asked for meanwhile; it comes next.
        let mut open = lock(&self.desk.open);
        if matches!(&*open, Open::Coming(coming) if *coming == space) {
            *open = match opened {
                Ok(space) => Open::Ready(space),
                Err(error) => Open::Failed(space, error.to_string()),
            };
        }
        drop(open);
        self.told.retain(|(other, _)| !Arc::ptr_eq(other, &peer));
        self.told.push((peer, None));
        self.stand();
    }

    fn remember(&mut self, batches: Vec<Batch>) {
        let (envelopes, memories): (Vec<_>, Vec<_>) =
            batches.into_iter().map(|batch| ((batch.peer, batch.number), batch.memories)).unzip();
        let kept = match self.desk.space() {
            Ok((archive, space)) => {
                archive.remember_batches(&space, memories).map_err(|error: ArchiveError| error.to_string())
            }
            Err(trouble) => Err(trouble),
        };
        self.waiting.fetch_sub(envelopes.len(), Ordering::AcqRel);
        for (place, (peer, batch)) in envelopes.into_iter().enumerate() {
            let kept = match &kept {
                Ok(each) => each.get(place).cloned().unwrap_or_else(|| Err("it was lost on the way".to_string())),
                Err(reason) => Err(reason.clone()),
            };
            match kept {
                Ok(Kept { kept, merged }) => {
                    self.kept.kept += kept;
                    self.kept.merged += merged;
                    peer.send(&FromIndexes::Kept { batch, kept, merged });
                }
                Err(reason) => {
                    self.refused += 1;
                    peer.send(&FromIndexes::Refused { batch, reason });
                }
            }
        }
    }

    /// Tells what came together since the last time.
    fn tell(&mut self) {
        self.last_told = Instant::now();
        let (Kept { kept, merged }, refused) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.refused));
        if kept + merged > 0 || refused > 0 {
            self.post.tell(Event::MemoriesKept { kept: kept.into(), merged: merged.into(), refused });
        }
        let slow = self.desk.archive.as_ref().map(|archive| archive.slow_statements()).unwrap_or_default();
        for slow in slow {
            let took_us = u64::try_from(slow.took.as_micros()).unwrap_or(u64::MAX);
            self.post.tell(Event::StatementSlowed { statement: slow.statement.to_string(), took_us });
        }
        self.stand();
    }

    /// Says how the role stands, where that has changed.
    fn stand(&mut self) {
        self.told.retain(|(peer, _)| !peer.is_lost());
        let standing = self.desk.standing();
        for (peer, told) in self.told.iter_mut().filter(|(_, told)| told.as_ref() != Some(&standing)) {
            peer.send(&FromIndexes::Standing(standing.clone()));
            *told = Some(standing.clone());
        }
    }
}
