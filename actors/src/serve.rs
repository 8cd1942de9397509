//! The actors' process: starts the actors of the game and passes on what the parent says.

use crate::brain;
use crate::pilot::{Crew, EmulatorLost, EmulatorUp, Journey, Pilot, Ping, Player, Stop, Task};
use crate::port::Port;
use crate::recall::{self, Recalling};
use crate::router::recording::Recorder;
use crate::skills::{Skills, UseLink};
use actix::Actor as _;
use std::sync::Arc;
use std::time::Duration;
use wire::control::{FromRole, Role, StartActors, ToRole};
use wire::exit;
use wire::link::Link;
use wire::log::Log;
use wire::page::{ProgressPage, Stage};
use wire::role::{RoleHandle, fail};

/// The game that this process plays.
const INSTANCE: wire::Instance = 0;
/// Messages from the parent that may wait for the pilot.
const PILOT_CAPACITY: usize = 15;

/// Serves as the actors of a run until the parent says stop. Gives the exit status.
pub fn serve(handle: RoleHandle) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartActors(start) = start else {
        return fail(&link, exit::PROTOCOL, "the actors were told to start as another role");
    };
    let Some(brain) = brain::brain(&start.brain, start.seed) else {
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
    let task = match start.task.clone().map(Task::new).transpose() {
        Ok(task) => task,
        Err(error) => return fail(&link, exit::CONFIG, format!("the condition of a skill's trial: {error}")),
    };
    let recorder = match start.router.record.as_deref().map(Recorder::create).transpose() {
        Ok(recorder) => recorder,
        Err(error) => {
            let path = start.router.record.clone().unwrap_or_default();
            let message = format!("router.record: {}: {error}; name a file that can be written", path.display());
            return fail(&link, exit::IO, message);
        }
    };
    run(link, page, *start, Player { brain, task, recorder }, log)
}

fn run(link: Link, page: ProgressPage, start: StartActors, player: Player, log: Arc<Log>) -> i32 {
    let link = Arc::new(link);
    let system = actix::System::new();
    system.block_on(async {
        let deadline = Duration::from_millis(start.emulator_deadline_ms);
        let crew = Crew::start(INSTANCE, log.clone(), deadline, start.recall.clone(), link.clone());
        let (skills, recall) = (crew.skills.clone(), crew.recall.clone());
        let journey = Journey::new(INSTANCE, start, player, crew, log, link.clone(), page.clone());
        let pilot = Port::new("pilot", Pilot::new(journey, link.clone(), page.clone()).start(), PILOT_CAPACITY);
        let listener = link.clone();
        std::thread::spawn(move || listen(&listener, &pilot, &skills, &recall));
    });
    page.enter(Stage::Serving);
    let detail = "emulator_io, capture, ram, recall, router, skills, pilot, telemetry".to_string();
    // A parent that is gone is noticed by the listening thread.
    let _ = link.send(&FromRole::Ready { address: None, cartridge: None, backend: None, detail }, &[]);
    match system.run() {
        Ok(()) => exit::OK,
        Err(error) => fail(&link, exit::SOFTWARE, format!("the actor system ended: {error}")),
    }
}

/// Passes on what the parent says; ends the process when the parent is gone.
fn listen(link: &Link, pilot: &Port<Pilot>, skills: &Port<Skills>, recall: &Port<Recalling>) {
    while let Ok((message, mut descriptors)) = link.receive::<ToRole>() {
        // A full port means that the pilot is stuck; the parent notices that by the progress page.
        let _ = match message {
            ToRole::Ping => pilot.tell(Ping),
            ToRole::EmulatorUp { epoch, address, .. } => {
                pilot.tell(EmulatorUp { epoch, address, ring: descriptors.pop() })
            }
            ToRole::EmulatorDown { restarting: false, .. } => pilot.tell(EmulatorLost),
            ToRole::EmulatorDown { .. } => true,
            ToRole::Stop => pilot.tell(Stop),
            ToRole::Connect { peer: Role::Skills } => {
                descriptors.pop().is_some_and(|end| skills.tell(UseLink(Link::from_descriptor(end))))
            }
            ToRole::Connect { peer: Role::Indexes } => {
                descriptors.pop().is_some_and(|end| recall.tell(recall::UseLink(Link::from_descriptor(end))))
            }
            ToRole::Connect { .. } => true,
            ToRole::StartBridge(_) | ToRole::StartActors(_) | ToRole::StartIndexes(_) | ToRole::StartSkills(_) => true,
        };
    }
    std::process::exit(exit::OK);
}
