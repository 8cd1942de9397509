//! The router with models that do as they are told, on tokio's paused clock.

use super::inquiry::{Inquiry, Offer, Outcome};
use super::model::{Answering, Ask, Model, ModelError, Prompt, Reply, Standing};
use super::packing::{Answer, Packing};
use super::*;
use crate::port::{Asked, Port};
use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64};
use wire::control::TelemetryTarget;
use wire::decision::{Basis, Decision, Source};
use wire::hash::Hash;
use wire::log::Line;
use wire::observation::{Meter, Monster, Observation, Position, Screen};
use wire::ring::Snapshot;
use wire::skill::Bearings;
use wire::{Instance, Step};

mod cached;
mod deciding;
mod faults;

/// What an inquiry is made of, as far as tests care.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub instance: Instance,
    pub step: Step,
    pub life: u32,
    pub x: i16,
    /// Of 40.
    pub hp: i32,
    pub floor: u8,
    /// A foe so many steps away.
    pub foe: Option<i16>,
    pub offers: Vec<&'static str>,
    pub running: Option<&'static str>,
    pub screen: Screen,
    pub text: &'static str,
    pub fruitless: u32,
    pub stairs: bool,
    pub novelty: Option<f32>,
    pub picture: u64,
}

impl Default for Scene {
    fn default() -> Scene {
        Scene {
            instance: 0,
            step: 1,
            life: 1,
            x: 5,
            hp: 38,
            floor: 1,
            foe: None,
            offers: vec!["explore", "fight"],
            running: None,
            screen: Screen::Command,
            text: "",
            fruitless: 0,
            stairs: false,
            novelty: None,
            picture: 0,
        }
    }
}

pub(super) fn inquiry(scene: &Scene) -> Inquiry {
    let here = Position { x: scene.x, y: 10 };
    let hp = Some(Meter { value: scene.hp, max: 40 });
    let mut monsters = vec![Monster { is_team: true, is_leader: true, position: here, hp, ..Monster::default() }];
    monsters.extend(scene.foe.map(|distance| {
        let position = Position { x: scene.x + distance, y: 10 };
        Monster { slot: 4, spawn_id: 1, position, ..Monster::default() }
    }));
    let mut seen = Observation { screen: scene.screen, floor: scene.floor, leader: Some(0), ..Observation::default() };
    seen.monsters = monsters;
    seen.dialogue.text = scene.text.to_string();
    seen.stairs = scene.stairs.then_some(Position { x: 1, y: 1 });
    let offers = scene.offers.iter().map(|name| Offer {
        skill: name.to_string(),
        description: format!("does {name}"),
        parameters: Vec::new(),
        arguments: Vec::new(),
        why: String::new(),
        priority: 0,
        is_running: scene.running == Some(*name),
    });
    Inquiry {
        instance: scene.instance,
        step: scene.step,
        life: scene.life,
        basis: Basis { frame: scene.step * 10, ..Basis::default() },
        frame: Arc::new(Snapshot::default()),
        picture: scene.picture,
        seen: Arc::new(seen),
        bearings: Bearings { fruitless: scene.fruitless, ..Bearings::default() },
        offers: offers.collect(),
        outcomes: Vec::new(),
        memories: Vec::new(),
        novelty: scene.novelty,
        guidance: Arc::default(),
    }
}

/// Shows place and hit points, and takes answers as `skill` or `skill confidence`; anything else is complained of.
#[derive(Default)]
struct Plain {
    problems: Mutex<Vec<String>>,
}

impl Packing for Plain {
    fn pack(&self, tier: &TierSettings, inquiry: &Inquiry) -> Prompt {
        let leader = inquiry.seen.leader().copied().unwrap_or_default();
        let skills: Vec<_> = inquiry.offers.iter().map(|offer| offer.skill.as_str()).collect();
        let foes: Vec<_> = inquiry.seen.monsters.iter().skip(1).map(|foe| foe.position).collect();
        let user = format!("{:?} {:?} {foes:?} {} {skills:?}", leader.position, leader.hp, inquiry.seen.dialogue.text);
        let key = Hash::of([tier.name.as_bytes(), &[tier.pictures as u8], user.as_bytes()]);
        Prompt { user, key, tokens: 100, answer_tokens: 20, ..Prompt::default() }
    }

    fn picture(&self, tier: &TierSettings, _: &Inquiry) -> Option<Arc<[u8]>> {
        (tier.pictures > 0).then(|| Arc::from(&b"png"[..]))
    }

    fn read(&self, reply: &Reply, inquiry: &Inquiry) -> Result<Answer, String> {
        let (skill, confidence) = match reply.text.split_once(' ') {
            None => (reply.text.as_str(), None),
            Some((skill, confidence)) => (skill, Some(confidence.parse().map_err(|_| "no number".to_string())?)),
        };
        if !inquiry.offers.iter().any(|offer| offer.skill == skill) {
            return Err(format!("`{skill}` is not on offer"));
        }
        Ok(Answer { skill: skill.to_string(), confidence, ..Answer::default() })
    }

    fn problems(&self) -> Vec<String> {
        std::mem::take(&mut self.problems.lock().unwrap())
    }
}

/// What a model does with one question.
#[derive(Clone, Debug)]
struct Play {
    after_ms: u64,
    says: Result<&'static str, ModelError>,
}

fn says(text: &'static str) -> Play {
    Play { after_ms: 10, says: Ok(text) }
}

fn fails(error: ModelError) -> Play {
    Play { after_ms: 10, says: Err(error) }
}

fn slow(after_ms: u64, text: &'static str) -> Play {
    Play { after_ms, says: Ok(text) }
}

/// A model that does as it is told.
struct Scripted {
    plays: Mutex<VecDeque<Play>>,
    otherwise: Mutex<Play>,
    asked: Mutex<Vec<Ask>>,
    is_ready: AtomicBool,
    is_blind: AtomicBool,
    /// Asks whose futures live.
    alive: Arc<()>,
    answered: AtomicU64,
}

impl Scripted {
    fn new(otherwise: Play) -> Arc<Scripted> {
        Arc::new(Scripted {
            plays: Mutex::default(),
            otherwise: Mutex::new(otherwise),
            asked: Mutex::default(),
            is_ready: AtomicBool::new(true),
            is_blind: AtomicBool::new(false),
            alive: Arc::new(()),
            answered: AtomicU64::new(0),
        })
    }

    fn then(&self, plays: impl IntoIterator<Item = Play>) {
        self.plays.lock().unwrap().extend(plays);
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn alive(&self) -> usize {
        Arc::strong_count(&self.alive) - 1
    }
}

impl Model for Scripted {
    fn ask(&self, ask: Ask) -> Answering {
        let play = self.plays.lock().unwrap().pop_front();
        let play = play.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
        self.asked.lock().unwrap().push(ask);
        let alive = self.alive.clone();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(play.after_ms)).await;
            drop(alive);
            let reply = |text: &str| Reply {
                text: text.to_string(),
                model: "scripted".to_string(),
                tokens_in: 100,
                tokens_out: 10,
                attempts: 1,
                took_us: play.after_ms * 1_000,
                ..Reply::default()
            };
            play.says.map(reply)
        })
    }

    fn standing(&self) -> Standing {
        Standing {
            is_ready: self.is_ready.load(Ordering::Relaxed),
            takes_pictures: !self.is_blind.load(Ordering::Relaxed),
            waiting: 0,
            limit: 1,
        }
    }

    fn late_answers(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

fn tier(name: &str, model: &Arc<Scripted>) -> Tier {
    let settings = TierSettings {
        name: name.to_string(),
        backend: "server".to_string(),
        folder: PathBuf::new(),
        dtype: "auto".to_string(),
        batch: 0,
        url: String::new(),
        model: String::new(),
        dialect: "auto".to_string(),
        key_variable: String::new(),
        pictures: 1,
        picture_scale: 1,
        state: "text".to_string(),
        map: false,
        memories: 0,
        context_tokens: 4_096,
        answer_tokens: 20,
        concurrency: 4,
        input_price: 1.0,
        output_price: 10.0,
    };
    Tier { settings, model: model.clone() }
}

fn settings() -> RouterSettings {
    RouterSettings {
        is_used: true,
        deadline_ms: 1_000,
        waiting_max: 64,
        escalate_below: 0.5,
        stay_steps: 5,
        is_cached: true,
        cache_bytes: 1 << 20,
        similar_bits: 4,
        ..RouterSettings::default()
    }
}

/// A router with its tiers `t0`, `t1`, … and a log in memory.
struct Rig {
    port: Port<Router>,
    log: Arc<Log>,
    now_ms: Arc<AtomicU64>,
    packer: Arc<Plain>,
    live: Live,
}

impl Rig {
    fn new(models: &[&Arc<Scripted>], change: impl FnOnce(&mut RouterSettings)) -> Rig {
        let mut settings = settings();
        change(&mut settings);
        let log = Arc::new(Log::open(&TelemetryTarget::Memory, "actors").unwrap());
        let now_ms = Arc::new(AtomicU64::new(0));
        let clock = now_ms.clone();
        let (packer, live) = (Arc::new(Plain::default()), Live::default());
        let exchanges = settings.exchanges.clone();
        let router = Router::new(Setup {
            settings,
            tiers: models.iter().enumerate().map(|(level, model)| tier(&format!("t{level}"), model)).collect(),
            packer: packer.clone(),
            log: log.clone(),
            live: live.clone(),
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            parent: None,
            exchanges: exchanges.map(|path| Exchanges::open(&path).expect("the file can be written")),
        });
        Rig { port: Port::new("router", router.start(), 64), log, now_ms, packer, live }
    }

    async fn ask(&self, scene: &Scene) -> Routed {
        self.ask_inquiry(inquiry(scene)).await
    }

    async fn ask_inquiry(&self, inquiry: Inquiry) -> Routed {
        let deadline = Duration::from_millis(1_000);
        let asked = self.port.ask(AskRouter { inquiry: Box::new(inquiry), deadline }, deadline).await;
        asked.answer().expect("the router answers within the deadline")
    }

    /// Asks with a change to the ordinary scene.
    async fn with(&self, change: impl FnOnce(&mut Scene)) -> Routed {
        let mut scene = Scene::default();
        change(&mut scene);
        self.ask(&scene).await
    }

    async fn counts(&self) -> Counts {
        self.port.ask(AskCounts, Duration::from_secs(1)).await.answer().expect("the router answers")
    }

    /// The events of this name.
    fn told(&self, name: &str) -> Vec<serde_json::Value> {
        let bytes = self.log.memory();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let values = lines.map(|line| {
            serde_json::from_slice::<Line>(line).expect("each line is one of the log");
            serde_json::from_slice::<serde_json::Value>(line).unwrap()
        });
        values.filter(|value| value["event"] == name).collect()
    }

    /// Outcomes of all calls so far.
    fn outcomes(&self) -> Vec<String> {
        self.told("ModelCalled").iter().map(|call| call["outcome"].as_str().unwrap().to_string()).collect()
    }
}

/// Runs a test on one thread, as the actors do, with a clock that jumps to whatever is waited for.
fn play<F: Future<Output = ()>>(test: F) {
    let paused = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    actix::System::with_tokio_rt(paused).block_on(test);
}

fn decided(routed: Routed) -> Decision {
    match routed {
        Routed::Decided(decision) => decision,
        Routed::Planner { cause, reason } => panic!("the planner decides: {cause:?}, {reason}"),
    }
}

fn fallback(routed: Routed) -> Fallback {
    match routed {
        Routed::Planner { cause, .. } => cause,
        Routed::Decided(decision) => panic!("a model decided: {decision:?}"),
    }
}
