//! A model in this process that answers several questions at once: gathers them into batches, fairly and without blind waiting.
//!
//! A thread of its own owns the model, and gets it ready. Only when the model is free does it look at the line and take a batch, so batches grow
//! while it works. A batch is taken when it is full, when every game alive waits in it, when the oldest question has waited
//! long enough, or at once where the model is cheap. Nobody is answered what was meant for another: rows are matched one to
//! one, and a model that gives another number of rows has given none. Absent: what a model computes.

use super::Live;
use super::line::Line;
use super::model::{Answering, Ask, Model, ModelError, Reply, Standing};
use super::remote::Probed;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A model that answers several questions at once.
pub trait BatchModel: Send {
    /// Gets ready on the thread that will run it: loads what it needs, and answers something once. Questions wait meanwhile.
    ///
    /// # Errors
    /// When it cannot be had; it is let go then, and says so to whoever asks.
    fn prepare(&mut self) -> Result<Probed, ModelError> {
        Ok(Probed::default())
    }

    /// Answers each of these, in their order.
    fn run(&mut self, asks: &[Ask]) -> Vec<Result<Reply, ModelError>>;
}

/// Hears what a model was found to be once it is ready, or why it is not, and how long that took.
pub type Heard = Box<dyn FnOnce(&Result<Probed, ModelError>, Duration) + Send>;

/// How questions are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// Questions in a batch, at most.
    pub size: usize,
    /// The longest that a question waits for others while the model is free; nothing for a cheap model.
    pub wait: Duration,
    /// Questions that may wait; more are answered `Busy`.
    pub waiting_max: usize,
}

impl Default for BatchShape {
    fn default() -> BatchShape {
        BatchShape { size: 8, wait: Duration::from_millis(50), waiting_max: 64 }
    }
}

/// A model behind a line of questions. Its thread ends when this is dropped and the batch under way is done.
pub struct Batched {
    counter: Arc<Counter>,
}

/// Where questions wait, and the thread for them.
struct Counter {
    shape: BatchShape,
    live: Live,
    queue: Mutex<Queue>,
    has_changed: Condvar,
    late: AtomicU64,
}

struct Queue {
    line: Line<Row>,
    is_closed: bool,
    /// Why it could not be had.
    missing: Option<ModelError>,
}

/// A question that waits.
struct Row {
    ask: Ask,
    since: Instant,
    answer: oneshot::Sender<Result<Reply, ModelError>>,
}

/// When a batch is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    After(Duration),
    /// When somebody asks.
    Never,
}

impl Batched {
    /// Starts the model's thread.
    pub fn start(model: Box<dyn BatchModel>, shape: BatchShape, live: Live, heard: Heard) -> Batched {
        let queue = Mutex::new(Queue { line: Line::new(shape.waiting_max), is_closed: false, missing: None });
        let counter = Counter { shape, live, queue, has_changed: Condvar::new(), late: AtomicU64::new(0) };
        let counter = Arc::new(counter);
        let served = counter.clone();
        let thread = std::thread::Builder::new().name("model".to_string());
        thread.spawn(move || serve(&served, model, heard)).expect("the system has a thread more");
        Batched { counter }
    }
}

impl Drop for Batched {
    fn drop(&mut self) {
        self.counter.queue().is_closed = true;
        self.counter.has_changed.notify_all();
    }
}

impl Model for Batched {
    fn ask(&self, ask: Ask) -> Answering {
        let (counter, deadline) = (self.counter.clone(), ask.deadline);
        let entered = counter.enter(ask);
        Box::pin(async move {
            let answer = entered?;
            match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(Ok(answered)) => answered,
                Ok(Err(_)) if counter.queue().is_closed => Err(counter.queue().gone()),
                // Pruned, or the time is just up.
                Ok(Err(_)) | Err(_) => Err(ModelError::Late),
            }
        })
    }

    fn standing(&self) -> Standing {
        let queue = self.counter.queue();
        let limit = self.counter.shape.size;
        Standing { is_ready: !queue.is_closed, takes_pictures: true, waiting: queue.line.len(), limit }
    }

    fn late_answers(&self) -> u64 {
        self.counter.late.load(Ordering::Relaxed)
    }
}

impl Counter {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nobody panics while holding the lock")
    }

    /// Lines up, where there is a model and room.
    fn enter(&self, ask: Ask) -> Result<oneshot::Receiver<Result<Reply, ModelError>>, ModelError> {
        let (answer, receiver) = oneshot::channel();
        let (instance, importance) = (ask.instance, ask.importance);
        let row = Row { ask, since: Instant::now(), answer };
        let mut queue = self.queue();
        if queue.is_closed {
            return Err(queue.gone());
        }
        if queue.line.len() >= self.shape.waiting_max {
            // Those who stopped waiting take no room.
            queue.prune();
        }
        let displaced = queue.line.push(instance, importance, row).map_err(|_| ModelError::Busy)?;
        drop(queue);
        if let Some(row) = displaced {
            // Whoever stopped waiting need not know.
            let _ = row.answer.send(Err(ModelError::Busy));
        }
        self.has_changed.notify_one();
        Ok(receiver)
    }

    /// The next batch, once it is due; nothing when the model is let go. The model is free meanwhile.
    fn next_batch(&self) -> Option<Vec<Row>> {
        let mut queue = self.queue();
        loop {
            if queue.is_closed {
                return None;
            }
            let oldest = queue.prune();
            let waited = oldest.map(|since| since.elapsed());
            queue = match due(&self.shape, queue.line.len(), queue.line.games(), self.live.get(), waited) {
                Due::Now => {
                    let rows = std::iter::from_fn(|| queue.line.pop());
                    return Some(rows.take(self.shape.size.max(1)).collect());
                }
                Due::After(wait) => {
                    self.has_changed.wait_timeout(queue, wait).expect("nobody panics while holding the lock").0
                }
                Due::Never => self.has_changed.wait(queue).expect("nobody panics while holding the lock"),
            };
        }
    }

    /// Gives each row its answer.
    fn give(&self, rows: Vec<(Instant, oneshot::Sender<Result<Reply, ModelError>>)>, given: Given) {
        let Given { answers, began } = given;
        let ran_us = micros(began.elapsed());
        for ((since, row), answer) in rows.into_iter().zip(answers) {
            let answer = answer.map(|reply| Reply {
                attempts: reply.attempts.max(1),
                waited_us: micros(began.saturating_duration_since(since)),
                first_byte_us: if reply.first_byte_us > 0 { reply.first_byte_us } else { ran_us },
                took_us: micros(since.elapsed()),
                ..reply
            });
            if row.send(answer).is_err() {
                self.late.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// What a model gave for a batch.
struct Given {
    answers: Vec<Result<Reply, ModelError>>,
    began: Instant,
}

impl Queue {
    /// Why nobody is answered any more.
    fn gone(&self) -> ModelError {
        self.missing.clone().unwrap_or_else(|| ModelError::Unreachable("the model was let go".to_string()))
    }

    /// Lets go of those for whom nobody waits, or whose time is up. Gives since when the oldest of the others waits.
    fn prune(&mut self) -> Option<Instant> {
        let (now, mut oldest) = (Instant::now(), None::<Instant>);
        self.line.retain(|row| {
            let is_wanted = !row.answer.is_closed() && row.ask.deadline > now;
            if is_wanted {
                oldest = Some(oldest.map_or(row.since, |oldest| oldest.min(row.since)));
            }
            is_wanted
        });
        oldest
    }
}

/// Takes batch after batch until the model is let go; whoever waits then is told so.
fn serve(counter: &Counter, mut model: Box<dyn BatchModel>, heard: Heard) {
    let began = Instant::now();
    let found = model.prepare();
    heard(&found, began.elapsed());
    if let Err(why) = found {
        let mut queue = counter.queue();
        (queue.is_closed, queue.missing) = (true, Some(why));
    }
    while let Some(rows) = counter.next_batch() {
        let (mut asks, mut waiting) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for Row { ask, since, answer } in rows {
            asks.push(ask);
            waiting.push((since, answer));
        }
        let began = Instant::now();
        let mut answers = model.run(&asks);
        if answers.len() != asks.len() {
            let message = format!("{} answers to {} questions", answers.len(), asks.len());
            answers = vec![Err(ModelError::Unusable(message)); asks.len()];
        }
        counter.give(waiting, Given { answers, began });
    }
    counter.queue().line.retain(|_| false);
}

/// When a batch is to be taken of so many questions of so many games, the oldest of which has waited so long.
fn due(shape: &BatchShape, waiting: usize, games: usize, live: usize, waited: Option<Duration>) -> Due {
    let Some(waited) = waited else { return Due::Never };
    let is_all = live > 0 && games >= live;
    if waiting >= shape.size || is_all || waited >= shape.wait { Due::Now } else { Due::After(shape.wait - waited) }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
