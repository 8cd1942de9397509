//! A campaign against a model's server that fails at random, over real sockets: whatever it does, each question ends within
//! its deadline, no answer reaches another step than its own, and nothing is left behind.
//!
//! The ordinary run is short; `make soak` runs ten thousand faults.

use actors::router::Importance;
use actors::router::model::{Ask, Model as _, ModelError, Prompt};
use actors::router::remote::Limits;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::asking::{KEY, prompt, remote, tier};
use tests::model_server::{Act, Kind, ModelServer};
use wire::random::SplitMix64;

const GAMES: u16 = 8;
const DEADLINE: Duration = Duration::from_millis(250);
/// A question that takes so much longer than its deadline hangs. It is no measure of speed: the machine may be busy.
const HANGS: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_millis(200);

/// What became of the questions.
#[derive(Debug, Default)]
struct Count {
    questions: u64,
    answers: u64,
    tried_again: u64,
    failures: BTreeMap<String, u64>,
}

#[test]
fn questions_to_a_server_that_fails_at_random_end_in_time_and_at_their_own_step() {
    let faults = if tests::is_soak() { 10_000 } else { 300 };
    let seed = 20_26;
    println!("{faults} faults, seed {seed}");
    let server = ModelServer::start(Kind::vllm());
    let served = Arc::new(AtomicU64::new(0));
    let (mut random, counted) = (SplitMix64(seed), served.clone());
    let mut known = HashSet::new();
    server.script(move |asked| {
        // Half of the questions meet a fault at first; later requests do seldom, so that the server is not left alone for
        // most of the time.
        let seldom = if known.insert(asked.text().to_string()) { 2 } else { 8 };
        if asked.is_probe() || random.below(seldom) > 0 {
            return Act::Answer;
        }
        counted.fetch_add(1, Ordering::Relaxed);
        Act::random(&mut random, LONGEST)
    });
    server.mind(|asked| {
        let reason = asked.text();
        serde_json::json!({"skill": "explore", "confidence": 0.5, "reason": reason}).to_string()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let count = runtime.block_on(async {
        let tier = tier(&server.url());
        let limits =
            Limits { waiting_max: 32, concurrency_max: 6, hedge: true, probe: Duration::from_millis(20), seed: 9 };
        let remote = Arc::new(remote(&tier, limits));
        let games = (0..GAMES).map(|game| tokio::spawn(play(game, remote.clone(), served.clone(), faults)));
        let mut count = Count::default();
        for game in games.collect::<Vec<_>>() {
            count.add(game.await.expect("no game panics"));
        }
        assert_eq!((remote.running(), remote.standing().waiting), (0, 0));
        let kept = tier.concurrency as usize;
        tests::asking::until("only kept connections to be open", async || server.connections() <= kept).await;
        drop(remote);
        // What kept the connections ends with them.
        let metrics = tokio::runtime::Handle::current().metrics();
        tests::asking::until("all tasks to end", async || metrics.num_alive_tasks() == 0).await;
        count
    });
    tests::wait_for("all connections to end", || (server.connections() == 0).then_some(()));
    println!("{count:#?}");
    assert!(served.load(Ordering::Relaxed) >= faults);
    assert!(count.answers > 0 && count.tried_again > 0, "{count:?}");
    let met = |name: &&str| count.failures.contains_key(*name);
    assert!(["late", "refused", "unusable"].iter().all(met), "{count:?}");
}

/// One game asks one question after the other until there were so many faults.
async fn play(game: u16, remote: Arc<actors::router::remote::Remote>, served: Arc<AtomicU64>, faults: u64) -> Count {
    let mut count = Count::default();
    let mut step = 0;
    while served.load(Ordering::Relaxed) < faults {
        step += 1;
        let text = format!("game {game} step {step}");
        let prompt = Arc::new(Prompt { picture: None, ..prompt(&text) });
        let asked = Instant::now();
        let ask = Ask { instance: game, step, importance: Importance::Ordinary, deadline: asked + DEADLINE, prompt };
        let outcome = tokio::time::timeout(DEADLINE + HANGS, remote.ask(ask)).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("{text} hangs"));
        count.questions += 1;
        match outcome {
            Ok(reply) => {
                count.answers += 1;
                count.tried_again += u64::from(reply.attempts > 1);
                let is_own = reply.text.contains(&format!(r#""reason":"{text}""#));
                assert!(is_own || reply.text == "I would rather not.", "{text} is answered {}", reply.text);
            }
            Err(error) => {
                assert!(!error.to_string().contains(KEY), "{error}");
                *count.failures.entry(name(&error).to_string()).or_default() += 1;
                if matches!(error, ModelError::Open(_)) {
                    // The planner plays meanwhile.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    }
    count
}

fn name(error: &ModelError) -> &'static str {
    match error {
        ModelError::Busy => "busy",
        ModelError::Late => "late",
        ModelError::Open(_) => "open",
        ModelError::Unreachable(_) => "unreachable",
        ModelError::Refused { .. } => "refused",
        ModelError::Unusable(_) => "unusable",
    }
}

impl Count {
    fn add(&mut self, other: Count) {
        self.questions += other.questions;
        self.answers += other.answers;
        self.tried_again += other.tried_again;
        for (name, number) in other.failures {
            *self.failures.entry(name).or_default() += number;
        }
    }
}
