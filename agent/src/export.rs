//! What a run does, for the eyes of other programs: metrics that Prometheus fetches, traces and metrics that an OpenTelemetry collector
//! is sent.
//!
//! One thread of the run's parent follows the log as `agent attach` does, from outside: nobody who plays waits for it, and a fault of
//! a collector is a line in the log and no more. It has an async runtime of its own, for sockets alone. Bounded: spans that wait for the
//! collector, one request at a time, so long for an answer, so long at the end.
//!
//! Files: `news` what is read of a line, `instruments` and `metrics` what is counted, `scrape` Prometheus's page, `spans` and `gen_ai`
//! what a trace is made of, `exchanges` the words of models, `queue` what waits for the collector and when it is sent, `otlp` how.

use crate::config::{Backend, Config};
use crate::failure::Failure;
use crate::run_folder::RunFolder;
use crate::run_log::{Follower, RunLog, Start};
use exchanges::Exchanges;
use metrics::{About, Metrics};
use news::News;
use otlp::{HEADERS_VARIABLE, Sender, Target};
use queue::Queue;
use spans::Tracer;
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wire::event::Event;

mod exchanges;
mod gen_ai;
mod instruments;
mod metrics;
mod news;
mod otlp;
mod queue;
mod scrape;
mod spans;

pub use scrape::{PATH, listen, loopback};

/// The log is looked at this often.
const LOOK: Duration = Duration::from_millis(200);
/// What is left at the end of a run may take this long to be sent.
const FLUSH: Duration = Duration::from_millis(1_800);
/// The end may take this long in all, with reading and connections.
const END: Duration = Duration::from_secs(2);
/// Notices that nobody took yet.
const NOTICES_MAX: usize = 16;

/// What is exported of a run.
#[derive(Debug)]
pub struct Exports {
    stop: Option<oneshot::Sender<()>>,
    notices: Receiver<Event>,
}

/// What the thread works with.
struct Work {
    follower: Follower,
    metrics: Metrics,
    collector: Option<Collector>,
    notices: SyncSender<Event>,
}

struct Collector {
    tracer: Tracer,
    exchanges: Option<Exchanges>,
    queue: Queue,
}

/// What is wrong with an address of a collector, as far as it can be seen.
pub fn check_target(url: &str) -> Result<(), String> {
    Target::read(url, "").map(drop)
}

impl Exports {
    /// Begins to export what is written into the log from now on, if that is wanted. `listener` is what [`listen`] took.
    ///
    /// # Errors
    /// One line, when headers for the collector make no sense, or there can be no thread.
    pub fn start(
        config: &Config,
        listener: Option<TcpListener>,
        folder: &RunFolder,
    ) -> Result<Option<Exports>, Failure> {
        let export = &config.export;
        if (listener.is_none() && export.otlp.is_empty()) || config.telemetry.backend != Backend::File {
            return Ok(None);
        }
        let os = |error| Failure::Os { what: "the thread that exports".to_string(), error };
        let name = folder.name.clone();
        let headers = std::env::var(HEADERS_VARIABLE).unwrap_or_default();
        let target =
            Some(&export.otlp).filter(|url| !url.is_empty()).map(|url| Target::read(url, &headers)).transpose();
        let target = target.map_err(|message| Failure::Settings(format!("export.otlp {message}")))?;
        let about = About { run: name.clone(), brain: config.run.brain.clone(), instances: config.run.instances };
        let mut follower = Follower::new(RunLog::at(&folder.log_path()), Start::Last(0));
        // From here on; what a run that goes on wrote before was exported then.
        follower.advance(&mut |_| ControlFlow::Continue(())).map(drop).map_err(os)?;
        let mut exchanges = export.tells_content().then(|| Exchanges::new(&folder.path));
        exchanges.iter_mut().for_each(Exchanges::pass);
        let (notices, told) = sync_channel(NOTICES_MAX);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(os)?;
        let tracer = Tracer::new(&name, export.tells_content());
        let work = move || {
            runtime.block_on(async move {
                let collector = target.map(|target| {
                    let queue = Queue::new(Sender::new(target, &name), news::nanoseconds(&wire::log::now()));
                    Collector { tracer, exchanges, queue }
                });
                let mut work = Work { follower, metrics: Metrics::new(&about), collector, notices };
                if let Some(listener) = listener {
                    tokio::spawn(scrape::serve(listener, work.metrics.instruments()));
                }
                work.go_on(stopped).await;
            });
            // A look-up of a name may still be under way; nobody waits for it.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("exports".to_string()).spawn(work).map_err(os)?;
        Ok(Some(Exports { stop: Some(stop), notices: told }))
    }

    /// What is to be written into the log.
    pub fn notices(&self) -> Vec<Event> {
        self.notices.try_iter().collect()
    }

    /// Sends what is left, for a moment; returns what is to be written into the log.
    pub fn finish(&mut self) -> Vec<Event> {
        if let Some(stop) = self.stop.take() {
            // A thread that is gone is finished.
            let _ = stop.send(());
        }
        let until = Instant::now() + END;
        let mut events = Vec::new();
        loop {
            match self.notices.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(event) => events.push(event),
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return events,
            }
        }
    }
}

impl Work {
    async fn go_on(&mut self, mut stopped: oneshot::Receiver<()>) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let sent = async {
                match &mut self.collector {
                    Some(collector) => collector.queue.sent().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                sent = sent => self.settle(sent),
                _ = look.tick() => self.read(),
            }
            self.send();
        }
        self.read();
        if let Some(collector) = &mut self.collector {
            let rest = collector.exchanges.as_mut().map(|exchanges| exchanges.release_all(Instant::now()));
            collector.queue.push(rest.unwrap_or_default());
            let instruments = self.metrics.instruments();
            let event = collector.queue.flush(&instruments, FLUSH).await;
            event.into_iter().for_each(|event| self.tell(event));
        }
    }

    /// Reads what was written.
    fn read(&mut self) {
        let Work { follower, metrics, collector, .. } = self;
        let now = Instant::now();
        let read = follower.advance(&mut |line| {
            let news = News::read(line);
            metrics.take(&news, line.len() + 1);
            if let Some(collector) = collector {
                collector.take(&news, now);
            }
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            tracing::warn!("the log cannot be exported: {error}");
        }
        if let Some(Collector { exchanges: Some(exchanges), queue, .. }) = collector {
            queue.push(exchanges.release(now));
        }
    }

    fn send(&mut self) {
        if let Some(collector) = &mut self.collector {
            self.metrics.drop_spans(collector.queue.newly_dropped());
            let event = collector.queue.send(&self.metrics.instruments(), Instant::now());
            event.into_iter().for_each(|event| self.tell(event));
        }
    }

    fn settle(&mut self, sent: queue::Sent) {
        let event = self.collector.as_mut().and_then(|collector| collector.queue.settle(sent, Instant::now()));
        event.into_iter().for_each(|event| self.tell(event));
    }

    fn tell(&self, event: Event) {
        if let Err(TrySendError::Full(event)) = self.notices.try_send(event) {
            tracing::warn!("nobody takes what the export has to say: {event:?}");
        }
    }
}

impl Collector {
    fn take(&mut self, news: &News, now: Instant) {
        let spans = self.tracer.take(news);
        match (&mut self.exchanges, news) {
            (Some(exchanges), News::Other(line)) => spans.into_iter().for_each(|span| exchanges.hold(line, span, now)),
            _ => self.queue.push(spans),
        }
    }
}
