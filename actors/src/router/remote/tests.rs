//! A server that is made up, in time that is made up.

use super::*;
use crate::router::inquiry::Importance;
use crate::router::model::Prompt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;
use wire::control::TelemetryTarget;
use wire::event::Event;

mod dispatch;
mod failing;

const FAST: Duration = Duration::from_millis(300);
const NEVER: Duration = Duration::from_secs(1_000_000);
const PROBE: Duration = Duration::from_secs(5);

type Outcome = Result<Reply, Failure>;
type Script = Box<dyn FnMut(usize, &Ask) -> (Duration, Outcome) + Send>;

/// A server that does with its n-th request what the script says, after so long.
struct Scripted {
    script: Mutex<Script>,
    is_there: Mutex<bool>,
    sent: AtomicUsize,
    probes: AtomicUsize,
    under_way: Arc<AtomicUsize>,
    most: AtomicUsize,
}

struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scripted {
    fn new(script: impl FnMut(usize, &Ask) -> (Duration, Outcome) + Send + 'static) -> Arc<Scripted> {
        Arc::new(Scripted {
            script: Mutex::new(Box::new(script)),
            is_there: Mutex::new(true),
            sent: AtomicUsize::new(0),
            probes: AtomicUsize::new(0),
            under_way: Arc::default(),
            most: AtomicUsize::new(0),
        })
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    fn probes(&self) -> usize {
        self.probes.load(Ordering::SeqCst)
    }
}

impl Exchange for Scripted {
    fn send(&self, ask: &Ask) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let (after, outcome) = (self.script.lock().expect("no panic"))(number, ask);
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        let guard = UnderWay(self.under_way.clone());
        Box::pin(async move {
            tokio::time::sleep(after).await;
            drop(guard);
            outcome
        })
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = Result<Probed, ModelError>> + Send>> {
        self.probes.fetch_add(1, Ordering::SeqCst);
        let is_there = *self.is_there.lock().expect("no panic");
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let missing = || ModelError::Unreachable("no model server at http://x; start one".to_string());
            is_there.then(|| Probed { takes_pictures: true, ..Probed::default() }).ok_or_else(missing)
        })
    }
}

fn answer(text: &str) -> Outcome {
    Ok(Reply { text: text.to_string(), ..Reply::default() })
}

fn refusal(status: u16, retry_after: Option<Duration>) -> Outcome {
    let error = ModelError::Refused { status, message: "as the script says".to_string() };
    Err(Failure { error, is_retryable: status != 400, retry_after })
}

fn tier() -> TierSettings {
    let text = r#"{"name":"small","backend":"server","folder":"","dtype":"auto","batch":0,"url":"http://x",
        "model":"","dialect":"auto","key_variable":"","pictures":1,"picture_scale":2,"state":"text","map":true,
        "memories":3,"context_tokens":4096,"answer_tokens":64,"concurrency":8,"input_price":0,"output_price":0}"#;
    serde_json::from_str(text).expect("a tier")
}

fn limits() -> Limits {
    Limits { waiting_max: 64, concurrency_max: 8, hedge: false, probe: PROBE, seed: 11 }
}

/// A remote that has looked for its server.
async fn remote(server: &Arc<Scripted>, limits: Limits) -> (Remote, Arc<Log>) {
    let log = Arc::new(Log::open(&TelemetryTarget::Memory, "test").expect("a log"));
    let remote = Remote::start(server.clone(), &tier(), limits, log.clone());
    tokio::time::sleep(Duration::from_millis(30)).await;
    (remote, log)
}

fn ask(instance: u16, within: Duration) -> Ask {
    Ask {
        instance,
        step: 7,
        importance: Importance::Ordinary,
        deadline: (Instant::now() + within).into_std(),
        prompt: Arc::new(Prompt::default()),
    }
}

fn spawn(remote: &Remote, instance: u16, within: Duration) -> JoinHandle<Result<Reply, ModelError>> {
    tokio::spawn(remote.ask(ask(instance, within)))
}

/// What was told of the server, oldest first: the problem, or that there is none.
fn told(log: &Log) -> Vec<Option<String>> {
    let text = String::from_utf8(log.memory()).expect("text");
    let events = text.lines().map(|line| serde_json::from_str::<wire::log::Line>(line).expect("a line").event);
    events
        .map(|event| match event {
            Event::ModelProbed { problem, .. } => problem,
            event => panic!("{event:?}"),
        })
        .collect()
}
