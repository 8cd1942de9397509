//! Plays Burrow for its pictures: the built-in rules go through floors as far as they come, and now and then look into menus,
//! pages, the map and the messages. Each picture that is taken comes with what is so on it.
//!
//! In games that are only learned from, the leader is kept alive and floors are skipped by writing to memory, so that deep
//! floors are seen as well. Games that are judged by are played honestly.

use super::memory::Memory;
use super::truth::{self, Context, Open};
use crate::failure::Failure;
use crate::source::Source;
use actors::brain::{Brain as _, Rules, effect};
use actors::decode::Decoder;
use actors::profile::Profile;
use emulator_bridge::{BackendBus, BackendError, packed_rows};
use reader::train::Sample;
use reader::{Canvas, Picture, SKILLS};
use wire::buttons::{Button, Mask};
use wire::observation::{Observation, Screen};
use wire::random::SplitMix64;
use wire::ring::Snapshot;

/// Where the game takes a seed from while its title shows.
const SEED_ADDRESS: u32 = 0x0203_C000;
/// Frames until the title shows.
const TITLE_FRAMES: u32 = 60;
/// Frames without a key before a picture is taken, so that everything that memory says is drawn.
const SETTLING_FRAMES: u32 = 2;
/// Frames for which a game may be busy.
const BUSY_FRAMES_MAX: u32 = 600;
/// Frames that a key of a menu takes.
const MENU_FRAMES: u32 = 4;
/// Snapshots that no decoder can read, in a row, after which a game is given up.
const UNREADABLE_MAX: u32 = 200;

/// How a game is played.
#[derive(Clone, Copy, Debug)]
pub struct Game {
    /// Its seed.
    pub seed: u64,
    /// Decisions in it, at most.
    pub decisions: u32,
    /// One picture in so many decisions on a floor is taken.
    pub every: usize,
    /// Whether the leader is kept alive and floors are skipped.
    pub is_helped: bool,
}

/// Plays one game; each picture goes to `take`, which says whether to go on.
pub fn play(
    source: &mut Source,
    profile: &Profile,
    game: &Game,
    widths: &[usize],
    take: &mut dyn FnMut(Sample) -> bool,
) -> Result<(), Failure> {
    let mut player = Player {
        source,
        profile,
        widths,
        decoder: Decoder::new(profile, true),
        generator: SplitMix64(game.seed ^ 0x5EED_0F0F_1C70_0CE5),
        context: Context::default(),
        take,
        goes_on: true,
    };
    player.source.backend.reset()?;
    player.play(game)?;
    Ok(())
}

struct Player<'a> {
    source: &'a mut Source,
    profile: &'a Profile,
    widths: &'a [usize],
    decoder: Decoder,
    generator: SplitMix64,
    context: Context,
    take: &'a mut dyn FnMut(Sample) -> bool,
    goes_on: bool,
}

impl Player<'_> {
    fn play(&mut self, game: &Game) -> Result<(), BackendError> {
        for _ in 0..self.generator.below(40) + 5 {
            self.frames(0, 1)?;
            self.maybe_take_moving(3)?;
        }
        self.frames(0, TITLE_FRAMES)?;
        let seed = (game.seed as u32).max(1);
        self.source.backend.write(SEED_ADDRESS, &seed.to_le_bytes())?;
        let mut brain = Rules::new(game.seed);
        let mut before = Observation::default();
        let mut unreadable = 0;
        let mut decisions = 0;
        while self.goes_on && decisions < game.decisions && unreadable < UNREADABLE_MAX {
            self.frames(0, SETTLING_FRAMES)?;
            let snapshot = self.snapshot()?;
            if self.decoder.decode(&snapshot, &mut before).is_err() {
                unreadable += 1;
                self.frames(0, 8)?;
                continue;
            }
            unreadable = 0;
            decisions += 1;
            let made = brain.decide(&before, self.profile);
            self.note_bag_cursor(&snapshot);
            self.context.is_waiting = self.profile.turn.holds(&snapshot);
            self.context.skill = SKILLS.iter().position(|skill| *skill == made.skill).map(|skill| skill as u8);
            let is_floor = before.screen == Screen::Command;
            if !is_floor || self.generator.below(game.every) == 0 {
                self.take_picture(&snapshot);
            }
            if is_floor && self.generator.below(24 * game.every) == 0 {
                self.look_around()?;
                brain.forget();
                continue;
            }
            if game.is_helped && is_floor {
                self.help(&snapshot)?;
            }
            for keys in &made.gesture.keys {
                self.frames(*keys, 1)?;
            }
            let after = self.wait()?;
            let mut observation = Observation::default();
            let is_read = self.decoder.decode(&after, &mut observation).is_ok();
            brain.note(if is_read { effect(&before, &observation, &made) } else { actors::brain::Effect::Other });
        }
        Ok(())
    }

    fn frames(&mut self, keys: Mask, count: u32) -> Result<(), BackendError> {
        (0..count).try_for_each(|_| self.source.backend.run_frame(keys))
    }

    fn snapshot(&mut self) -> Result<Snapshot, BackendError> {
        self.source.snapshot(&self.profile.regions)
    }

    /// Lets frames pass until the game waits for somebody; some of them are taken as they pass.
    fn wait(&mut self) -> Result<Snapshot, BackendError> {
        for _ in 0..BUSY_FRAMES_MAX {
            if self.profile.turn.holds(&BackendBus(self.source.backend.as_ref())) {
                break;
            }
            self.frames(0, 1)?;
            self.maybe_take_moving(90)?;
        }
        self.snapshot()
    }

    /// Takes one in so many pictures while things move.
    fn maybe_take_moving(&mut self, every: usize) -> Result<(), BackendError> {
        if self.generator.below(every) == 0 {
            let context = self.context;
            self.context = Context { is_waiting: false, skill: None, ..context };
            let snapshot = self.snapshot()?;
            self.take_picture(&snapshot);
            self.context = context;
        }
        Ok(())
    }

    fn take_picture(&mut self, snapshot: &Snapshot) {
        let picture = self.source.backend.picture();
        let pixels = packed_rows(&picture);
        let picture = Picture { width: picture.width, height: picture.height, format: picture.format, pixels: &pixels };
        let Ok(canvas) = Canvas::of(&picture) else { return };
        if let Some(truth) = truth::truth(&Memory(snapshot), &canvas, &self.context, self.widths) {
            self.goes_on &= (self.take)(Sample { canvas, truth });
        }
    }

    /// The bag's cursor is forgotten by the game's memory while what can be done with an item is open.
    fn note_bag_cursor(&mut self, snapshot: &Snapshot) {
        let memory = Memory(snapshot);
        let is_bag = memory.windows() == super::memory::Windows::List && memory.submenu().is_empty();
        if is_bag {
            let [cursor, _, _, page, pages] = memory.menu();
            self.context.bag_cursor = (page == 0 && pages == 1).then_some(cursor);
        }
    }

    /// Keeps the leader alive, gives figures of all lengths, and skips floors.
    fn help(&mut self, snapshot: &Snapshot) -> Result<(), BackendError> {
        let memory = Memory(snapshot);
        let leader = memory.member_address(0);
        let (hp, hp_max) = memory.hp(0);
        if hp * 2 < hp_max {
            let hp = hp_max - self.generator.below(hp_max.max(1) as usize / 3 + 1) as i16;
            self.source.backend.write(leader + 0xE, &hp.to_le_bytes())?;
        }
        if self.generator.below(40) == 0 {
            let belly = 1 + self.generator.below(100) as i16;
            self.source.backend.write(leader + 0x13C, &belly.to_le_bytes())?;
            let digits = self.generator.below(5) as u32;
            let money = self.generator.below(10usize.pow(digits + 1)) as i32;
            self.source.backend.write(Memory::money_address(), &money.to_le_bytes())?;
        }
        if self.generator.below(160) == 0 && memory.floor_number() < 17 {
            let number = memory.floor_number() + 1 + self.generator.below(2) as u8;
            self.source.backend.write(memory.floor_number_address(), &[number])?;
        }
        Ok(())
    }

    /// Presses a key in a menu, and takes what shows then.
    fn press(&mut self, button: Button, open: Open) -> Result<Snapshot, BackendError> {
        self.frames(button as Mask, 1)?;
        self.frames(0, MENU_FRAMES)?;
        let snapshot = self.snapshot()?;
        self.context = Context { is_waiting: self.profile.turn.holds(&snapshot), open, skill: None, ..self.context };
        self.note_bag_cursor(&snapshot);
        if self.context.is_waiting {
            self.take_picture(&snapshot);
        }
        Ok(snapshot)
    }

    /// Looks at something that the rules never look at, and comes back.
    fn look_around(&mut self) -> Result<(), BackendError> {
        match self.generator.below(6) {
            0 => {
                self.press(Button::Select, Open::Bag)?;
            }
            1 => {
                self.frames(Button::L as Mask | Button::B as Mask, 2)?;
                self.frames(0, MENU_FRAMES)?;
                self.press(Button::L, Open::Bag)?;
            }
            entry => self.look_into_menu(entry - 2)?,
        }
        for _ in 0..6 {
            self.frames(Button::B as Mask, 1)?;
            self.frames(0, MENU_FRAMES)?;
        }
        self.context.open = Open::Bag;
        // A question may have been left open; the rules answer it.
        self.wait()?;
        Ok(())
    }

    fn look_into_menu(&mut self, entry: usize) -> Result<(), BackendError> {
        self.frames(Button::B as Mask, 3)?;
        self.frames(0, MENU_FRAMES)?;
        // The cursor stands on the second entry, the bag.
        let (entry, open) = match entry {
            0 | 1 => (1, Open::Bag),
            2 => (2, Open::Team),
            _ => (3, Open::Others),
        };
        for _ in 1..entry {
            self.press(Button::Down, open)?;
        }
        let snapshot = self.press(Button::A, open)?;
        let mut rows = Memory(&snapshot).menu()[1];
        for _ in 0..self.generator.below(usize::from(rows) + 1) {
            self.press(Button::Down, open)?;
        }
        match open {
            Open::Bag if !Memory(&snapshot).bag().is_empty() => {
                let snapshot = self.press(Button::A, Open::Bag)?;
                rows = Memory(&snapshot).submenu().len() as u16;
                if self.generator.below(2) == 0 {
                    // The last thing to do with an item is to read about it.
                    self.press(Button::Up, Open::Bag)?;
                    if rows > 1 {
                        self.press(Button::A, Open::Page)?;
                    }
                }
            }
            Open::Team => {
                self.press(Button::A, Open::Page)?;
            }
            Open::Others => {
                let snapshot = self.snapshot()?;
                if Memory(&snapshot).menu()[0] == 1 {
                    self.press(Button::A, Open::Page)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
