//! How a pilot comes aboard an emulator: connecting, recognising the game, and bringing it to the point where the
//! run begins or goes on. Also what happens when the emulator is lost.

use super::EmulatorUp;
use super::company::Seat;
use super::crew::Crew;
use super::journey::{Aboard, Course, Interruption, Journey, SETTLE_FRAMES_MAX, answered};
use super::ledger::Ledger;
use super::looking::Looking;
use super::recalling::Recollecting;
use super::report::Report;
use super::routing::Routing;
use super::task::Player;
use crate::brain::RandomPlayer;
use crate::capture::Attach;
use crate::checkpoint::{Checkpoint, Progress, newest_whole};
use crate::decode::Decoder;
use crate::emulator_io::{Ask, Connect, Connected, EmulatorError};
use crate::profile::{NO_PROFILE, Profile, Profiles, Recognition};
use crate::ram::UseDecoder;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use wire::Epoch;
use wire::control::{Pace, StartActors, StartGame};
use wire::emulator::{Cartridge, Refusal, Request, Welcome};
use wire::event::Event;
use wire::exit;
use wire::link::Link;
use wire::log::Log;
use wire::memory::{Condition, Width};
use wire::ring::RingReader;

const REALTIME_PERMILLE: u32 = 1_000;
/// Attempts to find an emulator on another machine again before the run ends.
const REDIALS_MAX: u32 = 12;
/// The same for one on this machine, whose successor the parent may still start: a minute at least.
const REDIALS_LOCAL_MAX: u32 = 600;
const REDIAL_FIRST: Duration = Duration::from_millis(100);
const REDIAL_LONGEST: Duration = Duration::from_secs(5);

/// How to find an emulator again that was lost.
#[derive(Default)]
pub(super) struct Redial {
    pub(super) known: Option<Known>,
    pub(super) is_lost: bool,
    tries: u32,
}

pub(super) struct Known {
    address: String,
    pub(super) epoch: Epoch,
    /// The ring of an emulator on this machine. The parent starts such an emulator again when it dies.
    ring: Option<OwnedFd>,
}

/// What boarding found.
pub(super) enum Found {
    /// A game that goes on from where it stands.
    Living,
    /// A game that was put back to a checkpoint, whose picture is shown already.
    Restored,
}

impl Redial {
    pub(super) fn is_wanted(&self) -> bool {
        self.is_lost && self.known.is_some()
    }

    /// How long to wait before the next attempt. An emulator on this machine is looked for steadily, because its
    /// successor may come any moment.
    fn wait(&self) -> Duration {
        let is_local = self.known.as_ref().is_some_and(|known| known.ring.is_some());
        let doublings = if is_local { 0 } else { self.tries.min(16) };
        REDIAL_FIRST.saturating_mul(1 << doublings).min(REDIAL_LONGEST)
    }

    fn is_hopeless(&self) -> bool {
        let is_local = self.known.as_ref().is_some_and(|known| known.ring.is_some());
        self.tries >= if is_local { REDIALS_LOCAL_MAX } else { REDIALS_MAX }
    }
}

impl Journey {
    /// A journey that has not begun.
    pub fn new(
        game: StartGame,
        start: StartActors,
        Player { brain, task, recorder }: Player,
        crew: Crew,
        log: Arc<Log>,
        parent: Arc<Link>,
        page: Seat,
    ) -> Journey {
        let done = game.done.clone();
        let routing = Routing::new(&start.router, recorder);
        let progress = Progress {
            floors: done.floors,
            floor: done.floor,
            best_floor: done.best_floor,
            episodes: done.episodes,
            turns_before: 0,
        };
        Journey {
            instance: game.instance,
            crew,
            log,
            report: Report::new(parent, game.instance, page.company()),
            brain,
            skilled: matches!(start.brain.as_str(), "planner" | "router").then(Box::default),
            routing,
            task,
            recollecting: Recollecting::new(&start.recall),
            looking: Looking::new(start.eyes),
            ledger: Ledger::resume(progress),
            step: done.step,
            aboard: None,
            checkpoint: None,
            checkpoint_step: done.step,
            due: None,
            is_started: done.continuing,
            redial: Redial::default(),
            silence: None,
            unseen: 0,
            page,
            game,
            start,
        }
    }

    /// Comes aboard an emulator, the first or one that took a dead one's place.
    pub async fn board(&mut self, emulator: EmulatorUp) -> Course {
        let ring = emulator.ring.as_ref().and_then(|ring| ring.try_clone().ok());
        self.redial = Redial {
            known: Some(Known { address: emulator.address.clone(), epoch: emulator.epoch, ring }),
            ..Redial::default()
        };
        self.come_aboard(emulator).await
    }

    /// What to do when a step or a boarding broke off.
    pub(super) fn interrupted(&mut self, interruption: Interruption) -> Course {
        let cause = match interruption {
            Interruption::Fatal { status, message } => return Course::Failed { status, message },
            Interruption::Emulator(EmulatorError::Refused(Refusal::Silent { why })) => return self.fall_silent(why),
            Interruption::Emulator(EmulatorError::Refused(Refusal::Changed { what })) => return self.change(what),
            Interruption::Emulator(error) => error,
        };
        let epoch = self.aboard.as_ref().map(|aboard| aboard.epoch);
        self.aboard = None;
        if !self.redial.is_lost {
            let epoch = epoch.or(self.redial.known.as_ref().map(|known| known.epoch)).unwrap_or_default();
            self.report.note(format!("the emulator is lost ({cause}); it is looked for again"));
            let lost = self.write(self.context(), Event::EmulatorLost { epoch, cause: cause.to_string() });
            if let Err(Interruption::Fatal { status, message }) = lost {
                return Course::Failed { status, message };
            }
        }
        self.redial.is_lost = true;
        let is_remote = self.redial.known.as_ref().is_some_and(|known| known.ring.is_none());
        if self.redial.is_hopeless() || (is_remote && !self.is_started) {
            let is_denied = matches!(cause, EmulatorError::Denied(_));
            let status = if is_denied { exit::PERMISSION } else { exit::UNAVAILABLE };
            return Course::Failed { status, message: cause.to_string() };
        }
        Course::Onward
    }

    /// Waits, longer each time for an emulator elsewhere, and tries to come aboard again.
    pub(super) async fn redial(&mut self) -> Course {
        tokio::time::sleep(self.redial.wait()).await;
        self.redial.tries += 1;
        let Some(known) = &self.redial.known else { return Course::Onward };
        let ring = known.ring.as_ref().and_then(|ring| ring.try_clone().ok());
        let emulator = EmulatorUp { epoch: known.epoch, address: known.address.clone(), ring };
        self.come_aboard(emulator).await
    }

    async fn come_aboard(&mut self, emulator: EmulatorUp) -> Course {
        match self.try_board(emulator).await {
            Ok(()) => {
                self.redial.is_lost = false;
                self.redial.tries = 0;
                Course::Onward
            }
            Err(interruption) => self.interrupted(interruption),
        }
    }

    /// Gives the game the seed of its next life, where its profile says how. Nothing is written into somebody's own game.
    pub(super) async fn seed_next_life(&mut self) -> Result<(), Interruption> {
        if self.is_live() {
            return Ok(());
        }
        let Some(place) = self.aboard.as_ref().and_then(|aboard| aboard.profile.seed) else { return Ok(()) };
        let lives = u64::from(self.ledger.progress().episodes);
        // Zero means "no seed" to a game; the next life of a seeded run is another game, but always the same one.
        let seed = (self.game.seed.wrapping_add(lives.wrapping_mul(0x9E37_79B9)) as u32).max(1);
        let bytes = match place.width {
            Width::U8 | Width::S8 => vec![seed as u8],
            Width::U16 | Width::S16 => (seed as u16).to_le_bytes().to_vec(),
            Width::U32 | Width::S32 => seed.to_le_bytes().to_vec(),
        };
        self.request(Request::Write { address: place.address, bytes }).await
    }

    async fn try_board(&mut self, emulator: EmulatorUp) -> Result<(), Interruption> {
        self.aboard = None;
        let is_local = emulator.ring.is_some();
        let ring = emulator.ring.map(RingReader::open).transpose();
        let ring = ring.map_err(|error| EmulatorError::Lost(error.to_string()))?;
        let with_memory = !self.looking.is_by_picture();
        let connect = Connect { address: emulator.address, has_ring: is_local, with_memory };
        let connected = self.crew.emulator.ask(connect, self.request_deadline()).await;
        let Connected { welcome, epoch, frame, ring: pushed } = answered(connected)??;
        let ring = ring.or(pushed);
        let ring = if with_memory { ring } else { ring.map(RingReader::without_memory) };
        answered(self.crew.capture.ask(Attach(ring), self.request_deadline()).await)?;
        let profile = self.choose_profile(&welcome.cartridge)?;
        let profile = self.board_eyes(profile).await?;
        let decoder = profile.as_ref().filter(|_| with_memory);
        let decoder = decoder.map(|profile| Decoder::new(profile, !self.start.omniscient));
        answered(self.crew.ram.ask(UseDecoder(decoder), self.request_deadline()).await)?;
        self.write_connected(&welcome, profile.as_ref(), epoch, is_local)?;
        let profile = Arc::new(profile.unwrap_or_else(|| self.play_from_pixels()));
        let can_pace = welcome.capabilities.frame_step;
        let needed = Request::Need { regions: profile.regions.clone() };
        let boarded = profile.clone();
        self.aboard = Some(Aboard { welcome, profile, epoch, seen: None, unreadable: 0, measured: None });
        self.board_recall(&boarded);
        if !can_pace {
            self.request(needed).await?;
        }
        let found = self.set_out(frame == 0).await?;
        if can_pace {
            self.set_pace().await?;
        }
        self.first_look(found).await
    }

    /// Brings the game to where the run begins or goes on. `is_fresh`: nothing was played in this life of the
    /// emulator.
    async fn set_out(&mut self, is_fresh: bool) -> Result<Found, Interruption> {
        if self.is_live() {
            // The game is somebody's own: it is taken as it stands.
            self.is_started = true;
            return Ok(Found::Living);
        }
        if self.is_started {
            self.fetch_checkpoint();
            match self.checkpoint.clone() {
                Some(checkpoint) if is_fresh => return self.restore(&checkpoint, "the newest checkpoint").await,
                _ if !is_fresh => return Ok(Found::Living),
                // The emulator died before anything was saved: the run begins once more.
                _ => {}
            }
        }
        self.is_started = true;
        if let Some(path) = self.game.resume_from.clone().filter(|_| !self.game.done.continuing) {
            let failed = |error: crate::checkpoint::CheckpointError| Interruption::Fatal {
                status: exit::DATA,
                message: format!("cannot resume: {error}"),
            };
            let checkpoint = Checkpoint::read(&path).map_err(failed)?;
            return self.restore(&Arc::new(checkpoint), &path.display().to_string()).await;
        }
        let aboard = self.aboard.as_ref();
        let can_seed = aboard.is_some_and(|aboard| {
            aboard.welcome.capabilities.reset && aboard.welcome.capabilities.write && aboard.profile.seed.is_some()
        });
        if can_seed {
            self.request(Request::Reset).await?;
            self.seed_next_life().await?;
        }
        Ok(Found::Living)
    }

    /// An earlier life of this process played the game; what the brain knew then is in the newest checkpoint.
    fn fetch_checkpoint(&mut self) {
        if self.checkpoint.is_some() {
            return;
        }
        if let (Some((_, checkpoint)), _) = newest_whole(&self.game.checkpoints) {
            self.restore_mind(&checkpoint);
            self.ledger.resume_turns(checkpoint.progress.turns_before);
            self.checkpoint = Some(Arc::new(checkpoint));
        }
    }

    async fn restore(&mut self, checkpoint: &Arc<Checkpoint>, from: &str) -> Result<Found, Interruption> {
        let loaded = self.request(Request::LoadState { state: checkpoint.emulator.clone() }).await;
        // A state that is refused once is refused always: trying again would only hide it.
        loaded.map_err(|interruption| match interruption {
            Interruption::Emulator(EmulatorError::Refused(refusal)) => {
                let reason = match refusal {
                    Refusal::BadState { message } => message,
                    other => format!("{other:?}"),
                };
                Interruption::Fatal { status: exit::DATA, message: format!("cannot go on from {from}: {reason}") }
            }
            other => other,
        })?;
        self.restore_mind(checkpoint);
        self.ledger.step_back(checkpoint.progress, checkpoint.turns);
        self.checkpoint = Some(checkpoint.clone());
        self.checkpoint_step = self.step;
        let event = Event::CheckpointRestored { path: from.to_string(), checkpoint_step: checkpoint.step };
        self.write(self.context(), event)?;
        Ok(Found::Restored)
    }

    /// Gives the brain its memory back. One of another brain, or of another version of it, starts afresh.
    fn restore_mind(&mut self, checkpoint: &Checkpoint) {
        if checkpoint.brain == self.start.brain
            && let Err(error) = self.restore_minds(&checkpoint.mind)
        {
            tracing::warn!(%error, "the brain's memory in the checkpoint does not fit; it starts afresh");
        }
    }

    /// A game that no profile explains is played by pressing keys at random.
    fn play_from_pixels(&mut self) -> Profile {
        self.brain = Box::new(RandomPlayer::new(self.game.seed));
        self.skilled = None;
        Profile {
            name: NO_PROFILE.to_string(),
            recognition: Recognition::default(),
            regions: Vec::new(),
            turn: Condition::default(),
            decoder: None,
            seed: None,
            key_echo: None,
            recall: false,
            fields: Vec::new(),
            words: None,
        }
    }

    /// Looks at the game for the first time. A living one is first let come to a point where it waits for somebody; a
    /// restored one stands at such a point, and not a frame passes, so that it goes on as if it had not been away.
    pub(super) async fn first_look(&mut self, found: Found) -> Result<(), Interruption> {
        let Some(profile) = self.aboard.as_ref().map(|aboard| aboard.profile.clone()) else { return Ok(()) };
        let seen = if self.looking.is_by_picture() {
            self.see_first(&found).await?
        } else {
            let frame = match found {
                Found::Restored => 0,
                Found::Living => {
                    let frames = if profile.turn.any_of.is_empty() { 1 } else { SETTLE_FRAMES_MAX };
                    self.pass_frames(vec![0], frames, Some(profile.turn.clone())).await?.last_frame
                }
            };
            self.look(frame).await?
        };
        if let Some(seen) = &seen {
            let episode = profile.episode(&seen.observation);
            let milestone = self.ledger.observe(&seen.observation, episode);
            self.write_milestone(milestone, seen)?;
        }
        if let Some(aboard) = &mut self.aboard {
            aboard.seen = seen;
        }
        Ok(())
    }

    async fn set_pace(&self) -> Result<(), Interruption> {
        self.request(match self.start.pace {
            Pace::Unthrottled => Request::Pace { speed_permille: 0 },
            Pace::Lockstep => Request::Pace { speed_permille: REALTIME_PERMILLE },
            Pace::Realtime => Request::Run { speed_permille: REALTIME_PERMILLE },
        })
        .await
    }

    async fn request(&self, request: Request) -> Result<(), Interruption> {
        answered(self.crew.emulator.ask(Ask(request), self.request_deadline()).await)??;
        Ok(())
    }

    fn choose_profile(&self, cartridge: &Cartridge) -> Result<Option<Profile>, Interruption> {
        let fatal = |message: String| Interruption::Fatal { status: exit::CONFIG, message };
        let profiles = Profiles::at_hand(self.start.profiles.as_deref()).map_err(|error| fatal(error.to_string()))?;
        let chosen = profiles.choose(self.start.profile.as_deref(), cartridge).map_err(fatal)?;
        Ok(chosen.map(|(profile, _)| profile.clone()))
    }

    fn write_connected(
        &self,
        welcome: &Welcome,
        profile: Option<&Profile>,
        epoch: Epoch,
        is_local: bool,
    ) -> Result<(), Interruption> {
        let cartridge = welcome.cartridge.clone();
        let event = Event::EmulatorConnected {
            backend: welcome.backend.clone(),
            core: welcome.core.clone(),
            title: cartridge.title,
            code: cartridge.code,
            sha1: cartridge.sha1,
            profile: profile.map_or(NO_PROFILE, |profile| &profile.name).to_string(),
            epoch,
            local: is_local,
        };
        self.write(self.context(), event)?;
        if profile.is_none() {
            let detail =
                "no profile explains this game's memory: it is played from pixels alone, by keys at random".to_string();
            self.report.note(detail.clone());
            self.write(self.context(), Event::AlertRaised { alert: "unknown game".into(), detail })?;
        }
        Ok(())
    }
}
