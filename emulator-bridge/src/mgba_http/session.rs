//! The dealings with one window: its frames, the keys it was told, and what was seen of it last.
//!
//! One thing is asked at a time ([`Errand`]), and each answer takes a frame. What is asked next follows from what is
//! known: keys that are due, then a look. As long as somebody looks at memory, a look is a whole sight (memory and picture
//! of one frame, in a file) where mGBA's files can be read here, and else the places that are watched, one after the
//! other; otherwise it is the frame's number alone.

mod errand;
mod keys;
mod reach;

use super::approach::Game;
use super::hold::Hold;
use super::link::Link;
use super::request::{Answer, Answers, Fault, Request};
use super::sight::{Sight, Sights};
use super::watch::Watch;
use crate::backend::{Awaited, BackendError, Holding};
use errand::Errand;
use reach::Reach;
use std::time::{Duration, Instant};
use wire::memory::Region;

/// Which game runs is asked again after this many frames.
const GAME_EVERY: u64 = 60;
/// The most frames a second that a window runs when it is fast-forwarded; a count that grew faster was changed by
/// something else.
const FRAMES_A_SECOND_MAX: u64 = 10_000;
/// Frames that the count may be ahead beyond that, since clocks are not compared to the millisecond.
const FRAMES_AHEAD_MAX: u64 = 600;
/// How long after an answer the script is done with the frame, so that what is asked then is answered after another one.
/// It needs microseconds, or, on a machine whose cores are all busy, until its turn comes again: 3 ms were not enough then. A
/// frame of the real machine lasts 16.7 ms.
const FRAME_END: Duration = Duration::from_millis(6);
/// Looks at memory that are taken although nobody asked for memory since the last.
const LOOKS_KEPT: u32 = 8;

/// The dealings.
#[derive(Debug)]
pub(super) struct Session {
    reach: Reach,
    /// How long the window may take to answer.
    answer_max: Duration,
    pub game: Game,
    /// The newest frame that was seen, in mGBA's count, and when.
    frame: u64,
    seen: Instant,
    /// The newest frame that was told of.
    shown: u64,
    hold: Hold,
    /// Whether the script was seen to press keys by itself.
    is_press_proven: bool,
    /// Whether keys may be held that are not known of.
    must_release: bool,
    pub watch: Watch,
    /// Absent where no folder can be made.
    pub sights: Option<Sights>,
    /// What was seen last.
    sight: Option<Sight>,
    /// How many looks are still taken at memory.
    looks_left: u32,
    /// The errand that was begun and is not over.
    begun: Option<(Errand, IsLater)>,
    /// When the last answer came.
    answered: Instant,
    /// The frame at which to ask again which game runs.
    ask_game_at: u64,
    /// What happened to the frame count that nobody asked for, until it is known which game runs.
    jumped: Option<String>,
    /// What happened that nobody asked for, and was not told yet.
    changed: Option<String>,
}

/// Whether an errand began after the end of the frame that the last one was answered in.
type IsLater = bool;

impl Session {
    /// Finds a window at `HOST:PORT` or one of the ports after it.
    pub(super) fn open(address: &str, answer_max: Duration) -> Result<Session, BackendError> {
        let (reach, game, frame) = Reach::open(address, answer_max)?;
        let now = Instant::now();
        let mut session = Session {
            reach,
            answer_max,
            game,
            frame,
            seen: now,
            shown: frame,
            hold: Hold::default(),
            is_press_proven: false,
            must_release: false,
            watch: Watch::default(),
            sights: None,
            sight: None,
            looks_left: LOOKS_KEPT,
            begun: None,
            answered: now,
            ask_game_at: frame + GAME_EVERY,
            jumped: None,
            changed: None,
        };
        session.find_sights()?;
        Ok(session)
    }

    /// Whether whole sights can be had.
    pub(super) fn has_sights(&self) -> bool {
        self.sights.as_ref().is_some_and(|sights| sights.is_proven)
    }

    /// The frames that passed since this was last asked.
    pub(super) fn take_passed(&mut self) -> u32 {
        let passed = self.frame.saturating_sub(self.shown);
        self.shown = self.frame;
        u32::try_from(passed).unwrap_or(u32::MAX)
    }

    pub(super) fn holding(&self) -> Holding {
        if !self.reach.is_up() {
            return Holding { held: None, left: 0 };
        }
        Holding { held: Some(self.hold.held()), left: self.hold.left() }
    }

    /// Waits for a frame until this moment.
    pub(super) fn await_frame(&mut self, until: Instant) -> Awaited {
        loop {
            if let Some(what) = self.changed.take() {
                self.shown = self.frame;
                return Awaited::Changed(what);
            }
            if self.jumped.is_none() && self.frame > self.shown {
                return Awaited::Frames(self.take_passed());
            }
            if Instant::now() >= until {
                return Awaited::Silence(self.reach.why().to_string());
            }
            if let Err(fault) = self.go_on(until) {
                self.fail(&fault);
            }
        }
    }

    /// Memory and picture of the newest frame, or of one that is newer; `None` where they cannot be had.
    pub(super) fn sight(&mut self) -> Result<Option<&Sight>, BackendError> {
        self.looks_left = LOOKS_KEPT;
        let is_newest = |sight: &Sight, frame: u64| sight.frame == frame;
        if self.has_sights() && !self.sight.as_ref().is_some_and(|sight| is_newest(sight, self.frame)) {
            self.settle()?;
            let errand = self.look();
            self.carry_out(errand)?;
        }
        Ok(self.sight.as_ref().filter(|sight| is_newest(sight, self.frame)))
    }

    /// A place's bytes in the newest frame, where no sight can be had; if nobody has watched it, in a newer one.
    pub(super) fn place(&mut self, wanted: Region) -> Result<Option<Vec<u8>>, BackendError> {
        self.looks_left = LOOKS_KEPT;
        if self.watch.look(wanted).is_none() {
            self.settle()?;
            let places = self.watch.regions();
            self.carry_out(Errand::Places(places))?;
        }
        Ok(self.watch.look(wanted).map(<[u8]>::to_vec))
    }

    /// Asks for this, and then for the frame's number.
    pub(super) fn ask(&mut self, requests: Vec<Request>) -> Result<Vec<Answer>, BackendError> {
        self.settle()?;
        self.carry_out(Errand::Extra(requests))
    }

    /// Resets the machine.
    pub(super) fn reset(&mut self) -> Result<(), BackendError> {
        self.settle()?;
        let before = self.frame;
        // Twice, since the script counts the frames of a press by a number that begins anew.
        let batch = vec![Request::HoldKeys(0), Request::Reset, Request::HoldKeys(0), Request::Frame];
        let answer_max = self.answer_max;
        let answers = self.link()?.exchange(batch, answer_max);
        let frame = answers.and_then(|mut answers| {
            (0..3).try_for_each(|_| answers.done())?;
            answers.number()
        });
        let frame = frame.map_err(|fault| self.fail(&fault))?;
        self.hold.clear();
        self.outdate();
        (self.frame, self.shown, self.seen) = (frame, frame, Instant::now());
        self.ask_game_at = frame + GAME_EVERY;
        // Success is also what the script says when nothing was done.
        if frame < before || frame <= 3 { Ok(()) } else { Err(BackendError::Unsupported("reset the game")) }
    }

    /// What was seen does not hold any more.
    pub(super) fn outdate(&mut self) {
        self.watch.outdate();
        self.sight = None;
    }

    /// The connection cannot be used any more.
    pub(super) fn fail(&mut self, fault: &Fault) -> BackendError {
        self.begun = None;
        self.jumped = None;
        self.must_release = false;
        self.hold.clear();
        self.outdate();
        BackendError::Silent(self.reach.fail(fault))
    }

    fn link(&mut self) -> Result<&mut Link, BackendError> {
        let why = BackendError::Silent(self.reach.why().to_string());
        self.reach.link().ok_or(why)
    }

    /// Does what is next, for no longer than until this moment.
    fn go_on(&mut self, until: Instant) -> Result<(), Fault> {
        let answer_max = self.answer_max;
        let Some(link) = self.reach.link() else {
            if let Some((game, frame)) = self.reach.go_on(until) {
                self.reached_again(game, frame);
            }
            return Ok(());
        };
        if self.begun.is_none() {
            let errand = self.next_errand();
            return self.begin(errand);
        }
        match link.advance(until.min(link.quiet_since() + answer_max))? {
            Some(answers) => self.complete(answers).map(drop),
            None if link.quiet_since().elapsed() >= answer_max => Err(Fault::Silent),
            None => Ok(()),
        }
    }

    fn next_errand(&mut self) -> Errand {
        if std::mem::take(&mut self.must_release) {
            return Errand::ChangeKeys(self.hold.begin(&[]));
        }
        if self.jumped.is_some() {
            return Errand::LearnGame;
        }
        if let Some(order) = self.hold.due() {
            return Errand::ChangeKeys(order);
        }
        if self.hold.wants_read_back() {
            return Errand::ReadBackKeys(self.hold.mask());
        }
        if self.frame >= self.ask_game_at {
            return Errand::CheckGame;
        }
        self.look()
    }

    /// A look at the newest frame: as much of it as somebody looks at.
    fn look(&mut self) -> Errand {
        if self.looks_left == 0 {
            return Errand::Frame;
        }
        self.looks_left -= 1;
        match &mut self.sights {
            Some(sights) if sights.is_proven => Errand::Sight(sights.fresh()),
            _ => Errand::Places(self.watch.regions()),
        }
    }

    fn reached_again(&mut self, game: Game, frame: u64) {
        self.changed = Some(format!("mGBA was reached again, with {} ({})", game.title, game.code));
        (self.hold, self.is_press_proven) = (Hold::default(), false);
        self.game = game;
        self.ask_game_at = frame + GAME_EVERY;
        (self.frame, self.shown, self.seen) = (frame, frame, Instant::now());
        if let Err(error) = self.find_sights() {
            tracing::debug!(%error, "it was lost at once");
            self.changed = None;
        }
    }

    /// Finds out whether mGBA's files can be read here.
    fn find_sights(&mut self) -> Result<(), BackendError> {
        let mut sights = match Sights::create() {
            Ok(sights) => sights,
            Err(error) => {
                tracing::warn!(%error, "no picture can come from mGBA, and memory comes slowly, as text");
                self.sights = None;
                return Ok(());
            }
        };
        let (path, requests) = sights.trial();
        let answers = self.ask(requests)?;
        match sights.prove(&path, &answers) {
            Ok(()) => sights.is_proven = true,
            Err(why) => tracing::warn!(why, "memory comes from mGBA slowly, as text"),
        }
        self.sights = Some(sights);
        Ok(())
    }

    /// Completes what was begun, so that something else can be asked.
    fn settle(&mut self) -> Result<(), BackendError> {
        if self.begun.is_none() {
            return self.link().map(drop);
        }
        let answer_max = self.answer_max;
        let answers = self.link()?.finish(answer_max);
        answers.and_then(|answers| self.complete(answers)).map(drop).map_err(|fault| self.fail(&fault))
    }

    fn carry_out(&mut self, errand: Errand) -> Result<Vec<Answer>, BackendError> {
        self.link()?;
        let answer_max = self.answer_max;
        self.begin(errand).map_err(|fault| self.fail(&fault))?;
        let answers = self.link()?.finish(answer_max);
        answers.and_then(|answers| self.complete(answers)).map_err(|fault| self.fail(&fault))
    }

    fn begin(&mut self, errand: Errand) -> Result<(), Fault> {
        let is_later = self.hold.is_timing();
        if is_later {
            std::thread::sleep((self.answered + FRAME_END).saturating_duration_since(Instant::now()));
        }
        let Some(link) = self.reach.link() else { return Err(Fault::Ended("there is none".to_string())) };
        link.begin(errand.requests(link.notation))?;
        self.begun = Some((errand, is_later));
        Ok(())
    }

    /// Takes the answers to what was begun; returns those that a caller wanted.
    fn complete(&mut self, mut answers: Answers) -> Result<Vec<Answer>, Fault> {
        let Some((errand, is_later)) = self.begun.take() else { return Ok(Vec::new()) };
        self.answered = Instant::now();
        let mut number = None;
        let mut extra = Vec::new();
        match errand {
            Errand::ChangeKeys(order) => {
                answers.done()?;
                self.hold.told(order);
                self.reach.note_answered();
                return Ok(extra);
            }
            Errand::ReadBackKeys(mask) => {
                let keys = answers.number()?;
                extra.push(Answer::Number(keys));
                if keys != u64::from(mask) {
                    tracing::debug!(keys, mask, "other keys are held than were told: a person may be pressing some");
                }
            }
            Errand::Frame => number = Some(answers.number()?),
            Errand::Sight(path) => {
                answers.truth()?;
                number = self.take_sight(&path);
            }
            Errand::Places(regions) => {
                let found = regions.into_iter().map(|region| Ok((region, answers.bytes()?)));
                let found = found.collect::<Result<_, Fault>>()?;
                number = Some(answers.number()?);
                self.watch.found(found);
            }
            Errand::CheckGame => {
                let (code, title) = (answers.text()?, answers.text()?);
                self.ask_game_at = self.frame + GAME_EVERY;
                if !self.game.is_called(&title, &code) {
                    self.jump("another game was loaded".to_string());
                }
            }
            Errand::LearnGame => self.learn(Game::read(&mut answers).map_err(|rejected| rejected.into_fault())?),
            Errand::Extra(requests) => {
                extra = requests.iter().map(|_| answers.any()).collect::<Result<_, Fault>>()?;
                number = Some(answers.number()?);
            }
        }
        if is_later || !self.hold.is_timing() {
            self.hold.tick(number);
        }
        if let Some(number) = number {
            self.observe(number);
        }
        self.reach.note_answered();
        Ok(extra)
    }

    /// Takes what mGBA wrote; returns the frame's number.
    fn take_sight(&mut self, path: &str) -> Option<u64> {
        let sights = self.sights.as_mut()?;
        match sights.take(path) {
            Ok(sight) => {
                let is_other = self.sight.as_ref().is_some_and(|last| last.cartridge() != sight.cartridge());
                let frame = sight.frame;
                self.sight = Some(sight);
                if is_other {
                    self.jump("another game was loaded".to_string());
                }
                Some(frame)
            }
            Err(why) => {
                tracing::warn!(why, "mGBA's state files cannot be used any more; memory comes slowly, as text");
                sights.is_proven = false;
                None
            }
        }
    }

    fn observe(&mut self, frame: u64) {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(self.seen).as_millis() as u64;
        let plausible = self.frame + elapsed * FRAMES_A_SECOND_MAX / 1000 + FRAMES_AHEAD_MAX;
        if frame < self.frame || frame > plausible {
            let from = self.frame;
            self.jump(format!("the game was reset, or a saved state was loaded: its frame {from} became {frame}"));
            self.shown = frame;
        }
        if frame != self.frame && self.sight.as_ref().is_none_or(|sight| sight.frame != frame) {
            self.sight = None;
        }
        (self.frame, self.seen) = (frame, now);
    }

    fn jump(&mut self, what: String) {
        // The script counts the frames of a press by a number that is another now.
        self.must_release = true;
        self.jumped.get_or_insert(what);
    }

    /// Tells what happened, now that it is known which game runs.
    fn learn(&mut self, game: Game) {
        self.ask_game_at = self.frame + GAME_EVERY;
        let jumped = self.jumped.take();
        if game != self.game {
            self.changed = Some(format!("another game is in the window: {} ({})", game.title, game.code));
            self.game = game;
        } else {
            self.changed = jumped;
        }
    }
}
