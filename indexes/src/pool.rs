//! Threads that search: silos at the same time, questions in their order, answers when they are due.
//!
//! A question is a task for each silo that it asks. Whoever finishes the last task gives the answer; when the deadline
//! comes first, the timekeeper gives what is there, so that a slow disk never holds an answer back. Absent: fusion.

use crate::note::Note;
use crate::silo::Silo;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use wire::recall::SPANS;

/// Tasks that wait at most: a question beyond that is late at once.
const TASKS_MAX: usize = 256;

/// What one silo found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hit {
    /// Steps that its clips span.
    pub span: u32,
    /// Nearest first, each with its squared distance.
    pub notes: Vec<(f32, Note)>,
}

/// What the silos found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Of the silos that answered in time, in the order in which they were asked.
    pub hits: Vec<Hit>,
    /// Spans of the silos that were late.
    pub late: Vec<u32>,
    /// What went wrong, with the silo's span.
    pub faults: Vec<(u32, String)>,
}

/// A pool of threads that search.
#[derive(Debug)]
pub struct Searchers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

type Reply = Box<dyn FnOnce(Answer) + Send>;

/// A question under way.
struct Question {
    count: usize,
    deadline: Instant,
    state: Mutex<Answering>,
}

struct Answering {
    /// One for each silo: `None` until it answered.
    hits: Vec<(u32, Option<Result<Hit, String>>)>,
    /// Silos that have not answered.
    missing: usize,
    /// `None` once the answer is given.
    reply: Option<Reply>,
}

struct Task {
    question: Arc<Question>,
    silo: Arc<Silo>,
    query: Vec<f32>,
    place: usize,
}

#[derive(Default)]
struct Desk {
    queue: Mutex<Queue>,
    /// Rung when there are tasks, and at the end.
    work: Condvar,
    /// Rung when the first question comes, and at the end.
    clock: Condvar,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    /// Questions that may not be answered yet, in the order of asking.
    questions: VecDeque<Arc<Question>>,
    /// When the timekeeper looks next; `None`: when it is rung for.
    next_look: Option<Instant>,
    is_closed: bool,
}

impl Searchers {
    /// As many threads as silos can use on this machine.
    pub fn start() -> io::Result<Searchers> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Searchers::with(cores.min(SPANS.len()))
    }

    /// So many threads, and one that keeps the time.
    pub fn with(count: usize) -> io::Result<Searchers> {
        let desk = Arc::new(Desk::default());
        let mut searchers = Searchers { desk: desk.clone(), threads: Vec::new() };
        for number in 0..count.max(1) {
            let desk = desk.clone();
            let name = format!("search {number}");
            searchers.threads.push(thread::Builder::new().name(name).spawn(move || desk.search())?);
        }
        let clock = thread::Builder::new().name("search clock".to_string()).spawn(move || desk.keep_time())?;
        searchers.threads.push(clock);
        Ok(searchers)
    }

    /// Asks silos, each with its own query, for `count` memories each. `reply` is called once, on a thread of this pool:
    /// when all have answered, or at the deadline.
    pub fn ask(
        &self,
        probes: Vec<(Arc<Silo>, Vec<f32>)>,
        count: usize,
        deadline: Instant,
        reply: impl FnOnce(Answer) + Send + 'static,
    ) {
        let hits: Vec<_> = probes.iter().map(|(silo, _)| (silo.span(), None)).collect();
        let mut queue = lock(&self.desk.queue);
        let is_full = queue.tasks.len() + probes.len() > TASKS_MAX;
        let missing = probes.len();
        let answering = Answering { hits, missing, reply: Some(Box::new(reply)) };
        let question = Arc::new(Question { count, deadline, state: Mutex::new(answering) });
        if is_full || missing == 0 {
            drop(queue);
            return question.answer();
        }
        for (place, (silo, query)) in probes.into_iter().enumerate() {
            queue.tasks.push_back(Task { question: question.clone(), silo, query, place });
        }
        queue.questions.push_back(question);
        let is_clock_late = queue.next_look.is_none_or(|look| deadline < look);
        drop(queue);
        self.desk.work.notify_all();
        if is_clock_late {
            self.desk.clock.notify_one();
        }
    }

    /// Asks, and waits for the answer.
    pub fn ask_and_wait(&self, probes: Vec<(Arc<Silo>, Vec<f32>)>, count: usize, limit: Duration) -> Answer {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.ask(probes, count, Instant::now() + limit, move |answer| drop(sender.send(answer)));
        receiver.recv().unwrap_or_default()
    }
}

impl Drop for Searchers {
    fn drop(&mut self) {
        lock(&self.desk.queue).is_closed = true;
        self.desk.work.notify_all();
        self.desk.clock.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that died has nothing to say any more.
            let _ = thread.join();
        }
    }
}

impl Desk {
    /// Does tasks until the pool is closed.
    fn search(&self) {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                drop(queue);
                task.run();
                queue = lock(&self.queue);
            } else if queue.is_closed {
                return;
            } else {
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Answers questions whose deadline has come, until the pool is closed.
    fn keep_time(&self) {
        let mut queue = lock(&self.queue);
        while !queue.is_closed {
            let now = Instant::now();
            queue.questions.retain(|question| lock(&question.state).reply.is_some());
            let due: Vec<_> = queue.questions.iter().filter(|question| question.deadline <= now).cloned().collect();
            if !due.is_empty() {
                drop(queue);
                due.iter().for_each(|question| question.answer());
                queue = lock(&self.queue);
                continue;
            }
            queue.next_look = queue.questions.iter().map(|question| question.deadline).min();
            queue = match queue.next_look {
                Some(look) => {
                    let waited = self.clock.wait_timeout(queue, look.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.clock.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let open: Vec<_> = queue.questions.drain(..).collect();
        drop(queue);
        open.iter().for_each(|question| question.answer());
    }
}

impl Task {
    fn run(self) {
        // Nobody waits for a silo that would only begin now.
        if Instant::now() >= self.question.deadline {
            return;
        }
        let found = self.silo.search(&self.query, self.question.count);
        let hit = found.map(|notes| Hit { span: self.silo.span(), notes }).map_err(|error| error.to_string());
        let mut state = lock(&self.question.state);
        if let Some((_, place)) = state.hits.get_mut(self.place) {
            *place = Some(hit);
        }
        state.missing = state.missing.saturating_sub(1);
        let is_last = state.missing == 0;
        drop(state);
        if is_last {
            self.question.answer();
        }
    }
}

impl Question {
    /// Gives the answer with what there is, unless it is given.
    fn answer(&self) {
        let mut state = lock(&self.state);
        let Some(reply) = state.reply.take() else { return };
        let mut answer = Answer::default();
        for (span, hit) in std::mem::take(&mut state.hits) {
            match hit {
                Some(Ok(hit)) => answer.hits.push(hit),
                Some(Err(fault)) => answer.faults.push((span, fault)),
                None => answer.late.push(span),
            }
        }
        drop(state);
        reply(answer);
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").finish_non_exhaustive()
    }
}

// A panic elsewhere leaves a queue or an answer whole: both are changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
