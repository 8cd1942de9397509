//! What waits for the collector, and when it is sent: batches, one request at a time; tried again later and later while the collector
//! is down; dropped and counted when there are too many.
//!
//! A person hears of it once a minute at most. A batch that was refused for good is not sent again.

use super::instruments::Instruments;
use super::news::nanoseconds;
use super::otlp::{Refusal, Sender};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use wire::event::Event;

/// Spans that wait; further ones are dropped.
const SPANS_MAX: usize = 8_192;
/// Spans of a request.
const BATCH: usize = 512;
/// Fewer spans wait for more to come, for this long.
const LINGER: Duration = Duration::from_secs(1);
/// Metrics are sent this often.
const METRICS: Duration = Duration::from_secs(10);
/// The first new try comes after this long, each further one after twice as long, ...
const RETRY: Duration = Duration::from_secs(1);
/// ... and the last ones after this long.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A person hears of a failure this often.
const NOTICE: Duration = Duration::from_secs(60);

/// What came of a request.
#[derive(Debug)]
pub enum Sent {
    /// Of spans, and how many of them were rejected.
    Spans(Vec<Span>, Result<u64, Refusal>),
    /// Of metrics.
    Metrics(Result<(), Refusal>),
}

/// What waits, and what became of what did.
#[derive(Debug)]
pub struct Queue {
    sender: Arc<Sender>,
    began: u64,
    waiting: VecDeque<Span>,
    under_way: Option<JoinHandle<Sent>>,
    /// Spans that are under way.
    sending: u64,
    /// Since when spans wait, and when metrics were sent.
    since: Option<Instant>,
    metrics_at: Option<Instant>,
    takes_metrics: bool,
    /// Failures in a row, and when the next try is due.
    failures: u32,
    due: Option<Instant>,
    trouble: Trouble,
}

/// What went wrong, and what of it a person was told.
#[derive(Debug, Default)]
struct Trouble {
    dropped: u64,
    /// Of these, those that were told in numbers and in words.
    counted: u64,
    told: u64,
    told_at: Option<Instant>,
    /// Since when a person knows that nothing is taken.
    since: Option<Instant>,
}

impl Queue {
    /// Nothing waits. `began` is when counting began, in nanoseconds since 1970.
    pub fn new(sender: Sender, began: u64) -> Queue {
        Queue {
            sender: Arc::new(sender),
            began,
            waiting: VecDeque::new(),
            under_way: None,
            sending: 0,
            since: None,
            metrics_at: None,
            takes_metrics: true,
            failures: 0,
            due: None,
            trouble: Trouble::default(),
        }
    }

    /// Lets spans wait, as far as there is room.
    pub fn push(&mut self, spans: Vec<Span>) {
        let room = SPANS_MAX.saturating_sub(self.waiting.len());
        self.trouble.dropped += spans.len().saturating_sub(room) as u64;
        if !spans.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
        self.waiting.extend(spans.into_iter().take(room));
    }

    /// How many spans were dropped since this was asked last.
    pub fn newly_dropped(&mut self) -> u64 {
        let newly = self.trouble.dropped - self.trouble.counted;
        self.trouble.counted = self.trouble.dropped;
        newly
    }

    /// Sends what is due, unless something is under way; returns what is to be said.
    pub fn send(&mut self, instruments: &Arc<Instruments>, now: Instant) -> Option<Event> {
        let is_waiting = self.waiting.len() >= BATCH || self.since.is_some_and(|since| now >= since + LINGER);
        let are_metrics_due = self.takes_metrics && self.metrics_at.is_none_or(|at| now >= at + METRICS);
        if self.under_way.is_none() && self.due.is_none_or(|due| now >= due) {
            if are_metrics_due {
                self.metrics_at = Some(now);
                self.begin_metrics(instruments);
            } else if is_waiting {
                self.begin_spans();
            }
        }
        let is_overrun = self.failures == 0 && self.trouble.dropped > self.trouble.told;
        is_overrun.then(|| self.complain("spans come faster than it takes them", now)).flatten()
    }

    /// Waits for what came of the request that is under way; for ever if none is.
    pub async fn sent(&mut self) -> Sent {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let sent = under_way.await;
        self.under_way = None;
        sent.unwrap_or_else(|error| Sent::Metrics(Err(Refusal { reason: error.to_string(), again: Some(None) })))
    }

    /// Takes into account what came of a request; returns what is to be said of it.
    pub fn settle(&mut self, sent: Sent, now: Instant) -> Option<Event> {
        self.sending = 0;
        let refusal = match sent {
            Sent::Spans(_, Ok(rejected)) => {
                self.trouble.dropped += rejected;
                (self.failures, self.due) = (0, None);
                let complaint = (rejected > 0).then(|| format!("it rejected {rejected} spans"));
                return complaint.and_then(|reason| self.complain(&reason, now)).or_else(|| self.resume(now));
            }
            Sent::Metrics(Ok(())) => {
                (self.failures, self.due) = (0, None);
                return self.resume(now);
            }
            // Not every collector takes metrics; it gets the spans nevertheless.
            Sent::Metrics(Err(Refusal { reason, again: None })) => {
                self.takes_metrics = false;
                return self.complain(&format!("{reason} to metrics, which are not sent any more"), now);
            }
            Sent::Spans(spans, Err(refusal)) => {
                if refusal.again.is_some() {
                    self.since.get_or_insert(now);
                    spans.into_iter().rev().for_each(|span| self.waiting.push_front(span));
                } else {
                    self.trouble.dropped += spans.len() as u64;
                }
                refusal
            }
            Sent::Metrics(Err(refusal)) => refusal,
        };
        let pause = refusal.again.flatten().unwrap_or_else(|| RETRY * 2_u32.pow(self.failures.min(5)));
        self.due = Some(now + pause.min(RETRY_MAX));
        self.failures = self.failures.saturating_add(1);
        let told = self.complain(&refusal.reason, now);
        if told.is_some() {
            self.trouble.since.get_or_insert(now);
        }
        told
    }

    /// Sends everything that waits, and the metrics, within this time, and drops the rest; returns what is to be said of it.
    pub async fn flush(&mut self, instruments: &Arc<Instruments>, within: Duration) -> Option<Event> {
        let until = tokio::time::Instant::now() + within;
        let mut are_metrics_left = self.takes_metrics;
        let failure = loop {
            if self.under_way.is_none() {
                match (self.waiting.is_empty(), are_metrics_left) {
                    (false, _) => self.begin_spans(),
                    (true, true) => {
                        are_metrics_left = false;
                        self.begin_metrics(instruments);
                    }
                    (true, false) => break None,
                }
            }
            match tokio::time::timeout_at(until, self.sent()).await {
                Ok(Sent::Spans(_, Ok(rejected))) => self.trouble.dropped += rejected,
                Ok(Sent::Metrics(Ok(()) | Err(Refusal { again: None, .. }))) => {}
                Ok(Sent::Metrics(Err(refusal))) => break Some(refusal.reason),
                Ok(Sent::Spans(spans, Err(refusal))) => {
                    self.trouble.dropped += spans.len() as u64;
                    break Some(refusal.reason);
                }
                Err(_) => {
                    self.under_way.take().iter().for_each(JoinHandle::abort);
                    self.trouble.dropped += self.sending;
                    break Some("it did not answer in time for the end of the run".to_string());
                }
            }
            self.sending = 0;
        };
        self.trouble.dropped += std::mem::take(&mut self.waiting).len() as u64;
        let now = Instant::now();
        match failure {
            Some(reason) => {
                // The last word is due whenever it says something new.
                let is_new = self.trouble.dropped > self.trouble.told;
                self.trouble.told_at = self.trouble.told_at.filter(|_| !is_new);
                self.complain(&reason, now)
            }
            None => self.resume(now),
        }
    }

    fn begin_spans(&mut self) {
        let batch: Vec<Span> = self.waiting.drain(..self.waiting.len().min(BATCH)).collect();
        self.sending = batch.len() as u64;
        self.since = (!self.waiting.is_empty()).then(Instant::now);
        let (sender, kept) = (self.sender.clone(), batch.clone());
        self.under_way = Some(tokio::spawn(async move { Sent::Spans(kept, sender.send_spans(batch).await) }));
    }

    fn begin_metrics(&mut self, instruments: &Arc<Instruments>) {
        let (sender, instruments, began) = (self.sender.clone(), instruments.clone(), self.began);
        self.under_way = Some(tokio::spawn(async move {
            let now = nanoseconds(&wire::log::now());
            Sent::Metrics(sender.send_metrics(&instruments, began, now).await)
        }));
    }

    /// Tells a person, unless that was done a moment ago.
    fn complain(&mut self, reason: &str, now: Instant) -> Option<Event> {
        let trouble = &mut self.trouble;
        if trouble.told_at.is_some_and(|at| now < at + NOTICE) {
            return None;
        }
        (trouble.told_at, trouble.told) = (Some(now), trouble.dropped);
        let target = self.sender.address().to_string();
        Some(Event::ExportFailed { target, reason: reason.to_string(), dropped: trouble.dropped })
    }

    /// Tells a person who knows of a failure that it is over.
    fn resume(&mut self, now: Instant) -> Option<Event> {
        let since = self.trouble.since.take()?;
        let silent_ms = u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX);
        let (target, dropped) = (self.sender.address().to_string(), self.trouble.dropped);
        Some(Event::ExportResumed { target, silent_ms, dropped })
    }
}
