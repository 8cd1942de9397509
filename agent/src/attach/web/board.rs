//! What is shown of a run, in pieces of JSON, each with a number that grows when it changes: a page is told the pieces that changed
//! since it was told last, whatever happened in between.

use super::super::App;
use super::super::floor::{SIZE, Spot};
use crate::spectator::{Process, Spectator, Step};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::Instance;
use wire::event::StepCompleted;
use wire::hash::Hash;

/// Steps of a game that a page can be told at once; what it missed beyond them it asks for.
const STEPS_MAX: usize = 64;
/// Notices that are shown.
const NOTICES_MAX: usize = 200;
/// Seconds that charts show.
const CHART_SECONDS: usize = 180;

/// What a piece is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The run: what it is, its games, alerts.
    Run,
    /// The processes.
    Processes,
    /// Tiers and caches.
    Models,
    /// What happened besides steps.
    Notices,
    /// What a game is after.
    Game(Instance),
    /// Its newest step.
    Step(Instance),
    /// The map as it is known.
    Map(Instance),
    /// How fast it goes and how it stands, second by second.
    Charts(Instance),
}

impl Part {
    /// The name that a page knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Part::Run => "run",
            Part::Processes => "processes",
            Part::Models => "models",
            Part::Notices => "notices",
            Part::Game(_) => "game",
            Part::Step(_) => "step",
            Part::Map(_) => "map",
            Part::Charts(_) => "charts",
        }
    }

    /// Whether a page that shows this game is told of it.
    pub fn is_of(self, shown: Instance) -> bool {
        match self {
            Part::Run | Part::Processes | Part::Models | Part::Notices => true,
            Part::Game(game) | Part::Step(game) | Part::Map(game) | Part::Charts(game) => game == shown,
        }
    }
}

/// A piece.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Grows when it changes.
    pub version: u64,
    /// What a page is told.
    pub json: Arc<str>,
}

/// The last steps of a game.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// Counts all that were seen.
    pub count: u64,
    /// The last ones as rows, oldest first.
    pub rows: VecDeque<Arc<str>>,
    last: Option<Arc<Step>>,
}

/// All pieces.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Counts the runs that were shown.
    pub run: u64,
    /// The pieces.
    pub pieces: BTreeMap<Part, Piece>,
    /// The steps of each game.
    pub steps: BTreeMap<Instance, Steps>,
    version: u64,
    /// Steps that were seen when it was made anew last.
    told: u64,
}

impl Board {
    /// The board of a run that was just opened.
    pub fn of(app: &App, run: u64) -> Board {
        let mut board = Board { run, ..Board::default() };
        for (game, seen) in &app.spectator.games {
            let rows = seen.steps.range(seen.steps.len().saturating_sub(STEPS_MAX)..).map(|step| row(step));
            let (count, rows) = (seen.steps.len() as u64, rows.collect());
            board.steps.insert(*game, Steps { count, rows, last: seen.steps.back().cloned() });
        }
        board
    }

    /// Takes a step over that a line just told; gives the hash of the picture that it was decided on.
    pub fn note_steps(&mut self, spectator: &Spectator) -> Option<Hash> {
        for (game, seen) in &spectator.games {
            let Some(last) = seen.steps.back() else { continue };
            let steps = self.steps.entry(*game).or_default();
            if steps.last.as_ref().is_some_and(|known| Arc::ptr_eq(known, last)) {
                continue;
            }
            steps.count += 1;
            if steps.rows.len() == STEPS_MAX {
                steps.rows.pop_front();
            }
            steps.rows.push_back(row(last));
            steps.last = Some(last.clone());
            return Some(last.done.frame_hash);
        }
        None
    }

    /// Makes the pieces anew; says whether anything changed. Charts change with time alone. `games` are those that pages show.
    pub fn renew(&mut self, app: &mut App, games: &[Instance], is_time: bool) -> bool {
        let before = self.version;
        self.put(Part::Run, run(app));
        self.put(Part::Processes, processes(&app.spectator));
        self.put(Part::Models, models(&app.spectator));
        if is_time {
            self.put(Part::Notices, notices(&app.spectator));
        }
        for game in games {
            app.game = *game;
            let is_live = app.is_live();
            if let Some(spots) = app.map() {
                self.put(Part::Map(*game), map(spots));
            }
            let Some(seen) = app.spectator.games.get(game) else { continue };
            let skill = seen.skill.as_ref().map(|(skill, since)| json!({ "name": skill, "since": since }));
            let (floors, lives, goal) = (seen.floors, seen.lives, &seen.goal);
            let told = json!({ "floors": floors, "lives": lives, "goal": goal, "skill": skill, "is_live": is_live });
            self.put(Part::Game(*game), told);
            if let Some(step) = seen.steps.back() {
                self.put(Part::Step(*game), serde_json::to_value(Told::of(step)).unwrap_or_default());
            }
            if is_time {
                let rates = &seen.rates;
                let (steps, overhead_us) = (rates.steps(CHART_SECONDS), rates.overhead_us(CHART_SECONDS));
                let (hp, rate) = (rates.hp_percent(CHART_SECONDS), rates.steps_per_s());
                let told = json!({ "steps": steps, "overhead_us": overhead_us, "hp": hp, "steps_per_s": rate });
                self.put(Part::Charts(*game), told);
            }
        }
        let told = self.steps.values().map(|steps| steps.count).sum();
        let is_stepped = std::mem::replace(&mut self.told, told) != told;
        self.version != before || is_stepped
    }

    fn put(&mut self, part: Part, told: Value) {
        let json = told.to_string();
        if self.pieces.get(&part).is_none_or(|piece| *piece.json != *json) {
            self.version += 1;
            self.pieces.insert(part, Piece { version: self.version, json: json.into() });
        }
    }
}

/// A step with all that its line says.
#[derive(Serialize)]
struct Told<'a> {
    ts: &'a str,
    step: u64,
    frame: u64,
    #[serde(flatten)]
    done: &'a StepCompleted,
}

impl<'a> Told<'a> {
    fn of(step: &'a Step) -> Told<'a> {
        Told { ts: &step.ts, step: step.step, frame: step.frame, done: &step.done }
    }
}

/// A step as a row of the list of steps: number, when, floor, hit points of so many, skill, action, effect, reason, microseconds,
/// who decided.
pub fn row(step: &Step) -> Arc<str> {
    let done = &step.done;
    let by = done.tier.as_deref().unwrap_or(&done.brain);
    let told = json!([
        step.step,
        step.ts,
        done.state.floor,
        done.state.hp,
        done.state.max_hp,
        done.skill,
        done.action,
        done.effect,
        done.reason,
        done.latency.total_us,
        by
    ]);
    told.to_string().into()
}

fn run(app: &App) -> Value {
    let seen = &app.spectator;
    let games: Vec<Value> = seen.games.keys().map(|game| json!(game)).collect();
    let alerts = seen.alerts.iter();
    let alerts: Vec<Value> =
        alerts.map(|((game, alert), detail)| json!({ "game": game, "alert": alert, "detail": detail })).collect();
    let (what, end, resumed, torn) = (&seen.what, &seen.end, seen.resumed, seen.torn);
    json!({ "name": app.name, "what": what, "end": end, "resumed": resumed, "torn": torn, "games": games, "alerts": alerts })
}

fn processes(seen: &Spectator) -> Value {
    let told = |((role, game), process): (&(String, Option<Instance>), &Process)| {
        let Process { pid, epoch, state, restarts, resident_bytes, busy_permille, .. } = process;
        json!({ "role": role, "game": game, "pid": pid, "life": epoch, "state": state, "restarts": restarts,
            "resident_bytes": resident_bytes, "busy_permille": busy_permille })
    };
    seen.processes.iter().map(told).collect()
}

fn models(seen: &Spectator) -> Value {
    let routed = &seen.routed;
    let tiers = routed.tiers.iter().map(|(tier, (answered, others, last_us))| {
        json!({ "tier": tier, "answered": answered, "others": others, "last_us": last_us })
    });
    let tiers: Vec<Value> = tiers.collect();
    json!({ "sources": routed.sources, "hit_rate": routed.hit_rate, "waiting": routed.waiting, "took_us": routed.took_us,
        "tiers": tiers })
}

fn notices(seen: &Spectator) -> Value {
    let last = seen.notices.range(seen.notices.len().saturating_sub(NOTICES_MAX)..);
    last.map(|notice| json!([notice.ts, notice.level, notice.event, notice.text])).collect()
}

/// A map, a letter a tile.
pub fn map(spots: &[Spot]) -> Value {
    let letters: String = spots.iter().map(|spot| letter(*spot)).collect();
    json!({ "width": SIZE.0, "height": SIZE.1, "spots": letters })
}

fn letter(spot: Spot) -> char {
    match spot {
        Spot::Unknown => '?',
        Spot::Wall => '#',
        Spot::Floor => '.',
        Spot::Water => '~',
        Spot::Stairs => '>',
        Spot::Trap => '^',
        Spot::Item => '!',
        Spot::Foe => 'F',
        Spot::Ally => 'A',
        Spot::Leader => '@',
    }
}
