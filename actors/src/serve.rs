//! The actors' process: starts the actors of each game and passes on what the parent says.

use crate::brain;
use crate::pilot::{Commons, Crew, EmulatorLost, EmulatorUp, Journey, Pilot, Ping, Player, Seat, Stop, Task};
use crate::port::Port;
use crate::recall::{self, Recalling};
use crate::router::recording::Recorder;
use crate::router::{Router, models};
use crate::skills::{Skills, UseLink};
use actix::Actor as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wire::Instance;
use wire::control::{FromRole, Role, StartActors, StartGame, ToRole};
use wire::exit;
use wire::link::Link;
use wire::log::Log;
use wire::page::{ProgressPage, Stage};
use wire::role::{RoleHandle, fail};
use wire::router::RouterSettings;

/// Messages from the parent that may wait for a pilot.
const PILOT_CAPACITY: usize = 15;

/// What the parent speaks to.
struct Ports {
    games: BTreeMap<Instance, Game>,
    skills: Port<Skills>,
}

/// What the parent speaks to of one game.
struct Game {
    pilot: Port<Pilot>,
    recall: Port<Recalling>,
}

/// Serves as the actors of a run until the parent says stop. Gives the exit status.
pub fn serve(handle: RoleHandle) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartActors(start) = start else {
        return fail(&link, exit::PROTOCOL, "the actors were told to start as another role");
    };
    let brains = start.games.iter().map(|game| brain::brain(&start.brain, game.seed));
    let Some(brains) = brains.collect::<Option<Vec<_>>>() else {
        let known = brain::BRAIN_NAMES.join(", ");
        return fail(&link, exit::CONFIG, format!("there is no brain `{}`; there are: {known}", start.brain));
    };
    let log = match Log::open(&start.telemetry, Role::Actors.name()) {
        Ok(log) => Arc::new(log),
        Err(error) => {
            let message = format!("telemetry: cannot open the log in {}: {error}", start.run_dir.display());
            return fail(&link, exit::IO, message);
        }
    };
    let mut task = match start.task.clone().map(Task::new).transpose() {
        Ok(task) => task,
        Err(error) => return fail(&link, exit::CONFIG, format!("the condition of a skill's trial: {error}")),
    };
    let recorders = start.games.iter().map(|game| recorder(&start.router, game.instance));
    let recorders = match recorders.collect::<Result<Vec<_>, _>>() {
        Ok(recorders) => recorders,
        Err(message) => return fail(&link, exit::IO, message),
    };
    // A task is for the one game of its run.
    let players = brains.into_iter().zip(recorders);
    let players = players.map(|(brain, recorder)| Player { brain, task: task.take(), recorder }).collect();
    run(link, page, *start, players, log)
}

/// Where the questions of a game are written down, where that is wanted: each further game has a file of its own.
fn record_of(settings: &RouterSettings, instance: Instance) -> Option<PathBuf> {
    let mut name = settings.record.clone()?.into_os_string();
    if instance > 0 {
        name.push(format!(".{instance}"));
    }
    Some(name.into())
}

fn recorder(settings: &RouterSettings, instance: Instance) -> Result<Option<Recorder>, String> {
    let Some(path) = record_of(settings, instance) else { return Ok(None) };
    let failed = |error| format!("router.record: {}: {error}; name a file that can be written", path.display());
    Recorder::create(&path).map(Some).map_err(failed)
}

fn run(link: Link, page: ProgressPage, mut start: StartActors, players: Vec<Player>, log: Arc<Log>) -> i32 {
    let link = Arc::new(link);
    let games = std::mem::take(&mut start.games);
    let seed = games.first().map_or(0, |game| game.seed);
    let detail = match games.len() {
        1 => "emulator_io, capture, ram, eyes, recall, router, skills, pilot, telemetry".to_string(),
        count => {
            format!(
                "router, skills, eyes; for each of {count} games emulator_io, capture, ram, recall, pilot, telemetry"
            )
        }
    };
    let system = actix::System::new();
    system.block_on(async {
        let router = models::assemble(&start.router, seed, games.len(), log.clone(), Some(link.clone()));
        let router = match router {
            Ok(router) => router,
            Err(message) => std::process::exit(fail(&link, exit::CONFIG, message)),
        };
        let ports = start_games(&link, &page, &start, games.into_iter().zip(players).collect(), &log, router);
        let listener = link.clone();
        std::thread::spawn(move || listen(&listener, &ports, &log));
    });
    page.enter(Stage::Serving);
    // A parent that is gone is noticed by the listening thread.
    let _ = link.send(&FromRole::Ready { address: None, cartridge: None, backend: None, detail }, &[]);
    match system.run() {
        Ok(()) => exit::OK,
        Err(error) => fail(&link, exit::SOFTWARE, format!("the actor system ended: {error}")),
    }
}

/// Starts the actors of every game on this thread.
fn start_games(
    link: &Arc<Link>,
    page: &ProgressPage,
    start: &StartActors,
    players: Vec<(StartGame, Player)>,
    log: &Arc<Log>,
    router: Router,
) -> Ports {
    let deadline = Duration::from_millis(start.emulator_deadline_ms);
    let commons = Commons::start(players.len(), router);
    let seats = Seat::for_games(page, players.iter().map(|(game, _)| game.instance));
    let mut games = BTreeMap::new();
    for ((game, player), seat) in players.into_iter().zip(seats) {
        let instance = game.instance;
        let speaks = games.is_empty().then(|| link.clone());
        let crew = Crew::start(instance, &commons, log.clone(), deadline, start.recall.clone(), speaks);
        let recall = crew.recall.clone();
        let router = RouterSettings { record: record_of(&start.router, instance), ..start.router.clone() };
        let settings = StartActors { router, ..start.clone() };
        let journey = Journey::new(game, settings, player, crew, log.clone(), link.clone(), seat.clone());
        let pilot = Port::new("pilot", Pilot::new(journey, link.clone(), seat).start(), PILOT_CAPACITY);
        games.insert(instance, Game { pilot, recall });
    }
    Ports { games, skills: commons.skills() }
}

/// Passes on what the parent says; ends the process when the parent is gone.
fn listen(link: &Link, ports: &Ports, log: &Log) {
    while let Ok((message, mut descriptors)) = link.receive::<ToRole>() {
        match message {
            ToRole::LogMoved => descriptors.pop().into_iter().for_each(|file| log.go_on_in(file.into())),
            message => pass_on(message, descriptors, ports),
        }
    }
    std::process::exit(exit::OK);
}

/// A full port means that a pilot is stuck; the parent notices that by the progress page.
fn pass_on(message: ToRole, mut descriptors: Vec<std::os::fd::OwnedFd>, ports: &Ports) {
    let to_all = |tell: &dyn Fn(&Port<Pilot>) -> bool| {
        for game in ports.games.values() {
            tell(&game.pilot);
        }
    };
    let link = |descriptors: &mut Vec<_>| descriptors.pop().map(Link::from_descriptor);
    match message {
        ToRole::Ping => to_all(&|pilot| pilot.tell(Ping)),
        ToRole::Stop => to_all(&|pilot| pilot.tell(Stop)),
        ToRole::EmulatorUp { instance, epoch, address } => {
            if let Some(game) = ports.games.get(&instance) {
                game.pilot.tell(EmulatorUp { epoch, address, ring: descriptors.pop() });
            }
        }
        ToRole::EmulatorDown { instance, restarting: false, .. } => {
            if let Some(game) = ports.games.get(&instance) {
                game.pilot.tell(EmulatorLost);
            }
        }
        ToRole::Connect { peer: Role::Skills, .. } => {
            if let Some(link) = link(&mut descriptors) {
                ports.skills.tell(UseLink(link));
            }
        }
        ToRole::Connect { peer: Role::Indexes, instance } => {
            if let (Some(game), Some(link)) = (ports.games.get(&instance), link(&mut descriptors)) {
                game.recall.tell(recall::UseLink(link));
            }
        }
        ToRole::EmulatorDown { .. } | ToRole::Connect { .. } | ToRole::LogMoved => {}
        ToRole::StartBridge(_) | ToRole::StartActors(_) | ToRole::StartIndexes(_) | ToRole::StartSkills(_) => {}
    }
}
