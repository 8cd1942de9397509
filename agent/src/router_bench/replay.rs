//! The work of a worker: recorded games ask the real router, as fast as they are answered.

use super::oracle::{Oracle, Shared, truth};
use super::plan::{Measure, Plan};
use super::simulated::{self, Latency};
use crate::bench::percentiles;
use crate::failure::Failure;
use actix::Actor as _;
use actors::port::{Asked, Port};
use actors::router::packing::Packing as _;
use actors::router::prompt::Packer;
use actors::router::recording::{Recorded, Recording};
use actors::router::{AskRouter, Clock, Live, Router, Setup, Tier};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use wire::Instance;
use wire::control::TelemetryTarget;
use wire::decision::{Routed, Source};
use wire::exit;
use wire::log::Log;

/// Frames of the real machine in a second.
const FRAMES_A_SECOND: f64 = 59.7275;
/// Questions that the router's port takes at a time: more than it lets wait, so that the router itself says what is too much.
const PORT_CAPACITY: usize = 1 << 14;
/// The router ends its own waiting; this much later it is not waited for either.
const GRACE: Duration = Duration::from_millis(500);
/// How many times more is asked than can be answered.
const OVERLOAD: f64 = 10.0;
/// The longest wait for an answer under overload.
const OVERLOAD_DEADLINE: Duration = Duration::from_secs(2);
/// The tick of overload.
const TICK: Duration = Duration::from_millis(5);

/// What became of questions.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    decisions: u64,
    by_source: BTreeMap<&'static str, u64>,
    fallbacks: BTreeMap<&'static str, u64>,
    differing: u64,
    /// Answers that were for another step or game.
    misled: u64,
    of_game: BTreeMap<Instance, u64>,
    /// Decisions a second of the games, each until its own last answer, added up.
    per_s: f64,
}

/// What the games of a replay share.
struct Stage {
    port: Port<Router>,
    oracle: Shared,
    frames: Arc<AtomicU64>,
    deadline: Duration,
    tally: RefCell<Tally>,
}

/// Measures; everything happens in this process.
pub fn work(plan: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(plan).map_err(|error| Failure::NoInput {
        path: plan.to_path_buf(),
        error,
        remedy: "a worker that measures the router needs a plan",
    })?;
    let plan: Plan = serde_json::from_str(&text).map_err(|error| failed(format!("the plan: {error}")))?;
    match plan.what {
        Measure::Play => play(&plan),
        Measure::Sequential { instances, decisions } => sequential(&plan, instances, decisions),
        Measure::Routed { .. } | Measure::Whole | Measure::Overload { .. } => {
            actix::System::new().block_on(async { routed(&plan).await })
        }
    }
}

/// What was recorded.
fn play(plan: &Plan) -> Result<Value, Failure> {
    let (mut steps, mut choices, mut unknown) = (0_u64, 0_u64, 0_u64);
    for game in 0..plan.games.len() {
        for recorded in open(plan, game)? {
            let recorded = recorded?;
            steps += 1;
            choices += u64::from(is_choice(&recorded));
            unknown += u64::from(is_choice(&recorded) && truth(&recorded) != recorded.acted);
        }
    }
    Ok(
        json!({ "games": plan.games.len(), "steps": steps, "choices": choices, "choices_nobody_on_offer_took": unknown }),
    )
}

/// One loop, one blocking call a decision.
fn sequential(plan: &Plan, instances: usize, decisions: u64) -> Result<Value, Failure> {
    let (packer, tier) = (packer(plan), &plan.settings.tiers[0]);
    let (oracle, mut latency) = (Oracle::default(), Latency::new(plan.model));
    let mut games = (0..instances).map(|game| open(plan, game)).collect::<Result<Vec<_>, _>>()?;
    let (began, mut made, mut turn) = (Instant::now(), 0, 0);
    while made < decisions {
        let game = turn % games.len();
        turn += 1;
        let Some(recorded) = games[game].next() else {
            return Err(failed("the recorded games are too short: record more --steps".to_string()));
        };
        let recorded = recorded?;
        if !is_choice(&recorded) {
            continue;
        }
        let inquiry = &recorded.inquiry;
        let mut prompt = packer.pack(tier, inquiry);
        prompt.picture = packer.picture(tier, inquiry);
        std::thread::sleep(latency.next(1));
        oracle.expect(inquiry.instance, inquiry.step, truth(&recorded));
        let ask = actors::router::model::Ask {
            instance: inquiry.instance,
            step: inquiry.step,
            importance: Default::default(),
            deadline: Instant::now(),
            prompt: Arc::new(prompt),
        };
        packer.read(&oracle.reply(&ask), inquiry).map_err(failed)?;
        oracle.forget(inquiry.instance, inquiry.step);
        made += 1;
    }
    Ok(json!({ "decisions": made, "per_s": rounded(made as f64 / began.elapsed().as_secs_f64()) }))
}

async fn routed(plan: &Plan) -> Result<Value, Failure> {
    let log = Log::open(&TelemetryTarget::Null, "bench").map_err(|error| failed(error.to_string()))?;
    let (log, live, oracle) = (Arc::new(log), Live::default(), Shared::default());
    let instances = match plan.what {
        Measure::Routed { instances, .. } | Measure::Overload { instances, .. } => instances,
        _ => plan.games.len(),
    };
    live.set(instances);
    let frames = Arc::new(AtomicU64::new(0));
    let counted = frames.clone();
    // All games go on together: the clock is that of the mean game.
    let clock: Clock = Arc::new(move || {
        (counted.load(Ordering::Relaxed) as f64 * 1_000.0 / (FRAMES_A_SECOND * instances as f64)) as u64
    });
    let model = simulated::model(plan.model, &oracle, &plan.settings, &live, &log);
    let tiers = vec![Tier { settings: plan.settings.tiers[0].clone(), model: model.clone() }];
    // The client of a server asks it what it is before it is used.
    let watchdog = Instant::now() + Duration::from_secs(10);
    while !model.standing().is_ready && Instant::now() < watchdog {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let packer = Arc::new(packer(plan));
    let (settings, parent, exchanges) = (plan.settings.clone(), None, None);
    let router = Router::new(Setup { settings, tiers, packer, log, live, clock, parent, exchanges });
    let address = Router::create(|context| {
        context.set_mailbox_capacity(PORT_CAPACITY);
        router
    });
    let deadline = Duration::from_millis(plan.settings.deadline_ms);
    let port = Port::new("router", address, PORT_CAPACITY);
    let stage = Rc::new(Stage { port, oracle, frames, deadline, tally: RefCell::default() });
    let (began, memory_before) = (Instant::now(), memory_kib("VmRSS:"));
    let most_waiting = match plan.what {
        Measure::Overload { for_ms, .. } => Some(overload(plan, &stage, instances, for_ms, &model).await?),
        _ => {
            all_games(plan, &stage, instances).await?;
            None
        }
    };
    let mut figures = figures(&stage, began.elapsed(), instances);
    if let Some(most_waiting) = most_waiting {
        figures["most_waiting"] = json!(most_waiting);
        figures["grew_by_kib"] = json!(memory_kib("VmHWM:").saturating_sub(memory_before));
    }
    Ok(figures)
}

/// Plays games until their end, or until the time is up; what is asked by then is still answered. So each game is measured
/// until its last answer, and nothing that is under way is left out.
async fn all_games(plan: &Plan, stage: &Rc<Stage>, instances: usize) -> Result<(), Failure> {
    let (until, is_paced) = match plan.what {
        Measure::Routed { for_ms, is_paced, .. } => (Some(Duration::from_millis(for_ms)), is_paced),
        _ => (None, false),
    };
    let began = Instant::now();
    let mut games = Vec::new();
    for game in 0..instances {
        let (stage, recording) = (stage.clone(), open(plan, game)?);
        games.push(actix::spawn(async move {
            for recorded in recording {
                let recorded = recorded?;
                let frames = recorded.frames;
                ask(&stage, recorded, stage.deadline).await;
                stage.frames.fetch_add(frames.into(), Ordering::Relaxed);
                if until.is_some_and(|until| began.elapsed() >= until) {
                    break;
                }
                if is_paced {
                    tokio::time::sleep(Duration::from_secs_f64(f64::from(frames) / FRAMES_A_SECOND)).await;
                }
            }
            let mut tally = stage.tally.borrow_mut();
            let decisions = tally.of_game.get(&(game as Instance)).copied().unwrap_or(0);
            tally.per_s += decisions as f64 / began.elapsed().as_secs_f64();
            Ok::<(), Failure>(())
        }));
    }
    for game in games {
        game.await.map_err(|error| failed(error.to_string()))??;
    }
    Ok(())
}

/// Asks ten times what the model can answer, whether or not anything is answered; half of it for one game.
async fn overload(
    plan: &Plan,
    stage: &Rc<Stage>,
    instances: usize,
    for_ms: u64,
    model: &Arc<dyn actors::router::Model>,
) -> Result<usize, Failure> {
    let mut recording = open(plan, 0)?;
    let first = recording.find(|recorded| recorded.as_ref().map_or(true, is_choice));
    let recorded = first.ok_or_else(|| failed("nothing to choose was recorded: record more --steps".to_string()))??;
    let capacity = 8.0 * 1_000.0 / plan.model.alone_ms() as f64;
    let a_tick = capacity * OVERLOAD * TICK.as_secs_f64();
    // A game that asks of a later step waits for no older answer, so all ask of the same one.
    let step = recorded.inquiry.step;
    (0..instances).for_each(|game| stage.oracle.expect(game as Instance, step, truth(&recorded)));
    let (mut owed, mut most_waiting) = (0.0, 0);
    let mut ticks = tokio::time::interval(TICK);
    let until = Instant::now() + Duration::from_millis(for_ms);
    let mut asked = 0_usize;
    while Instant::now() < until {
        ticks.tick().await;
        owed += a_tick;
        while owed >= 1.0 {
            owed -= 1.0;
            // Every other question is of the first game, the others in turn.
            let instance = if asked.is_multiple_of(2) { 0 } else { 1 + (asked / 2) % (instances - 1) };
            asked += 1;
            let mut recorded = recorded.clone();
            recorded.inquiry.instance = instance as Instance;
            let stage = stage.clone();
            actix::spawn(async move { count(&stage, recorded, OVERLOAD_DEADLINE).await });
        }
        most_waiting = most_waiting.max(model.standing().waiting);
    }
    Ok(most_waiting)
}

/// Asks the router what a recorded game asked.
async fn ask(stage: &Stage, recorded: Recorded, deadline: Duration) {
    let (instance, step) = (recorded.inquiry.instance, recorded.inquiry.step);
    stage.oracle.expect(instance, step, truth(&recorded));
    count(stage, recorded, deadline).await;
    stage.oracle.forget(instance, step);
}

/// Asks, and counts what came of it.
async fn count(stage: &Stage, recorded: Recorded, deadline: Duration) {
    let (instance, step) = (recorded.inquiry.instance, recorded.inquiry.step);
    let (is_choice, expected) = (is_choice(&recorded), truth(&recorded).to_string());
    stage.tally.borrow_mut().asked += u64::from(is_choice);
    let question = AskRouter { inquiry: Box::new(recorded.inquiry), deadline };
    let asked = stage.port.ask(question, deadline + GRACE).await;
    let mut tally = stage.tally.borrow_mut();
    match asked {
        Asked::Answer(Routed::Decided(decision)) => {
            tally.decisions += 1;
            *tally.by_source.entry(decision.source.name()).or_default() += 1;
            *tally.of_game.entry(instance).or_default() += 1;
            tally.differing += u64::from(decision.skill != expected);
            tally.misled += u64::from((decision.instance, decision.step) != (instance, step));
        }
        Asked::Answer(Routed::Planner { cause, .. }) if is_choice => {
            *tally.fallbacks.entry(cause.name()).or_default() += 1;
        }
        Asked::Answer(Routed::Planner { .. }) => {}
        Asked::Busy => *tally.fallbacks.entry("busy").or_default() += 1,
        Asked::Late | Asked::Gone => *tally.fallbacks.entry("unanswered").or_default() += 1,
    }
}

fn figures(stage: &Stage, took: Duration, instances: usize) -> Value {
    let tally = stage.tally.borrow();
    let (decisions, calls) = (tally.decisions, stage.oracle.calls());
    let share = |part: u64, whole: u64| rounded(part as f64 / whole.max(1) as f64);
    let sources: BTreeMap<_, _> =
        Source::ALL.map(|source| (source.name(), tally.by_source.get(source.name()).copied().unwrap_or(0))).into();
    let of_game = |game: usize| tally.of_game.get(&(game as Instance)).copied().unwrap_or(0);
    let least = (0..instances).map(of_game).min().unwrap_or(0) as f64;
    let fair = decisions as f64 / instances.max(1) as f64;
    json!({
        "asked": tally.asked,
        "decisions": decisions,
        "seconds": rounded(took.as_secs_f64()),
        "per_s": rounded(if tally.per_s > 0.0 { tally.per_s } else { decisions as f64 / took.as_secs_f64() }),
        "calls": calls,
        "saved_share": rounded(1.0 - calls as f64 / decisions.max(1) as f64),
        "by_source": sources,
        "fallbacks": tally.fallbacks,
        "differing": tally.differing,
        "differing_share": share(tally.differing, decisions),
        "answers_of_another_step": tally.misled,
        "wait_us": percentiles(stage.oracle.waits()),
        "slowest_of_fair_share": rounded(least / fair.max(1.0)),
    })
}

fn packer(plan: &Plan) -> Packer {
    Packer::new(None, plan.settings.objective.clone())
}

fn is_choice(recorded: &Recorded) -> bool {
    recorded.inquiry.offers.len() > 1
}

/// A recorded game as this instance.
fn open(plan: &Plan, game: usize) -> Result<impl Iterator<Item = Result<Recorded, Failure>> + 'static, Failure> {
    let path = plan.games.get(game).ok_or_else(|| failed(format!("game {game} was not recorded")))?;
    let recording = Recording::open(path).map_err(|error| failed(error.to_string()))?;
    Ok(recording.map(move |recorded| {
        let mut recorded = recorded.map_err(|error| failed(error.to_string()))?;
        recorded.inquiry.instance = game as Instance;
        Ok(recorded)
    }))
}

/// Memory of this process, as the system counts it under this name.
fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or_default()
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn failed(message: String) -> Failure {
    Failure::Role { status: exit::SOFTWARE, message }
}
