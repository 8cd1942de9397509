//! Keys over time: each mask is held at least as long as was asked, and released afterwards.
//!
//! The script can press keys and release them by itself after so many frames ([`Order::Press`]): exact, whatever this
//! process is doing, and over even if it dies. It is used for every press that is short and followed by a pause. Other
//! keys are changed by telling it so between two frames ([`Order::Keep`]). How many frames have passed is known from
//! below: each question that was asked after a frame's end is answered after another frame. When a frame's end is, is known
//! by the clock alone, so a window that is stopped in the middle of answering can be one frame short.

use std::collections::VecDeque;
use wire::buttons::Mask;

/// The longest press that is left to the script. It cannot be taken back.
pub(super) const PRESS_FRAMES_MAX: u64 = 12;
/// Frames until the script begins to press what it was told to.
const PRESS_DELAY: u64 = 1;
/// Keys kept at least this long leave time for reading back which are held.
const READ_BACK_FRAMES_MIN: u64 = 3;

/// What to tell the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// These keys are held from now on.
    Keep(Mask),
    /// These keys are held for so many frames.
    Press(Mask, u64),
}

/// Keys held for a number of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    mask: Mask,
    frames: u64,
}

/// The keys that were handed over.
#[derive(Debug)]
pub(super) struct Hold {
    /// Whether the script presses keys by itself.
    pub(super) can_press: bool,
    /// What is held now.
    run: Run,
    /// Whether the script ends it by itself.
    is_press: bool,
    /// Frames that have certainly passed since.
    passed: u64,
    /// A frame's number, and how many had passed by then.
    known: Option<(u64, u64)>,
    is_looked_at: bool,
    is_read_back: bool,
    /// What was held before.
    before: Mask,
    later: VecDeque<Run>,
}

impl Default for Hold {
    fn default() -> Hold {
        Hold {
            can_press: true,
            run: Run::default(),
            is_press: false,
            passed: 0,
            known: None,
            is_looked_at: false,
            is_read_back: false,
            before: 0,
            later: VecDeque::new(),
        }
    }
}

impl Hold {
    /// Replaces what was handed over. Returns what to begin with; once the script has it, [`Hold::told`].
    pub(super) fn begin(&mut self, masks: &[Mask]) -> Order {
        self.later.clear();
        for mask in masks {
            match self.later.back_mut() {
                Some(run) if run.mask == *mask => run.frames += 1,
                _ => self.later.push_back(Run { mask: *mask, frames: 1 }),
            }
        }
        self.next_order()
    }

    /// What to tell the script for the run that is next.
    fn next_order(&self) -> Order {
        let Some(next) = self.later.front() else { return Order::Keep(0) };
        // A press adds its keys to those that are held, and releases them alone.
        let is_alone = self.run.mask == 0 && self.later.get(1).is_none_or(|after| after.mask == 0);
        if self.can_press && next.mask != 0 && next.frames <= PRESS_FRAMES_MAX && is_alone {
            Order::Press(next.mask, next.frames)
        } else {
            Order::Keep(next.mask)
        }
    }

    /// The script was told this.
    pub(super) fn told(&mut self, order: Order) {
        let run = self.later.pop_front().unwrap_or_default();
        self.enter(run, matches!(order, Order::Press(..)), 0);
    }

    fn enter(&mut self, run: Run, is_press: bool, passed: u64) {
        self.before = self.run.mask;
        (self.run, self.is_press, self.passed) = (run, is_press, passed);
        (self.known, self.is_looked_at, self.is_read_back) = (None, false, false);
    }

    /// A question that was asked after a frame's end was answered, perhaps with the newest frame's number.
    pub(super) fn tick(&mut self, number: Option<u64>) {
        self.passed += 1;
        if let Some(number) = number {
            self.is_looked_at = true;
            let (frame, passed) = *self.known.get_or_insert((number, self.passed));
            self.passed = self.passed.max(passed + number.saturating_sub(frame));
        }
        if let Some(passed) = self.passed.checked_sub(self.delay() + self.run.frames).filter(|_| self.is_press) {
            let released = self.later.pop_front().unwrap_or_default();
            self.enter(released, false, passed);
        }
    }

    /// What to tell the script next, if it is time.
    pub(super) fn due(&self) -> Option<Order> {
        let is_seen = self.is_looked_at || self.run.mask == 0 || self.run.frames <= 1;
        let order = self.next_order();
        let ahead = 1 + if matches!(order, Order::Press(..)) { PRESS_DELAY } else { 0 };
        if self.is_press || self.passed + ahead < self.run.frames || !is_seen {
            return None;
        }
        (self.run.mask != 0 || !self.later.is_empty()).then_some(order)
    }

    /// Whether it should be asked which keys are held; not until this was answered again.
    pub(super) fn wants_read_back(&mut self) -> bool {
        let wants = !self.is_press && self.is_looked_at && self.run.frames >= READ_BACK_FRAMES_MIN;
        wants && !std::mem::replace(&mut self.is_read_back, true)
    }

    /// Whether the script holds keys that it cannot be told to release for good.
    pub(super) fn is_pressing(&self) -> bool {
        self.is_press
    }

    /// Whether frames are counted.
    pub(super) fn is_timing(&self) -> bool {
        self.run.mask != 0 || self.left() > 0
    }

    /// Frames that have not passed yet.
    pub(super) fn left(&self) -> u32 {
        let later: u64 = self.later.iter().map(|run| run.frames).sum();
        let now = (self.delay() + self.run.frames).saturating_sub(self.passed);
        u32::try_from(now + later).unwrap_or(u32::MAX)
    }

    /// The keys that were held in the newest frame.
    pub(super) fn held(&self) -> Mask {
        if self.passed <= self.delay() { self.before } else { self.run.mask }
    }

    /// Frames between an order and the first that it is for.
    pub(super) fn delay(&self) -> u64 {
        if self.is_press { PRESS_DELAY } else { 0 }
    }

    /// The keys that the script was told last and still holds.
    pub(super) fn mask(&self) -> Mask {
        self.run.mask
    }

    /// Forgets all keys; whoever does so has released them, or lost the window.
    pub(super) fn clear(&mut self) {
        *self = Hold { can_press: self.can_press, ..Hold::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays against a window that answers one question in every `every` frames; returns the masks frame by frame.
    fn play(can_press: bool, masks: &[Mask], every: u64, frames: u64) -> Vec<Mask> {
        let mut hold = Hold { can_press, ..Hold::default() };
        let carry_out = |hold: &mut Hold, order: Order, frame: u64| {
            hold.told(order);
            match order {
                Order::Keep(mask) => (mask, None),
                Order::Press(mask, frames) => (0, Some((frame + PRESS_DELAY, frame + PRESS_DELAY + frames, mask))),
            }
        };
        let order = hold.begin(masks);
        let (mut keys, mut press) = carry_out(&mut hold, order, 0);
        let mut held = Vec::new();
        for frame in 1..=frames {
            held.push(keys);
            if frame.is_multiple_of(every) {
                match hold.due() {
                    Some(order) => (keys, press) = carry_out(&mut hold, order, frame),
                    None => {
                        let is_look = !hold.wants_read_back();
                        hold.tick(is_look.then_some(frame));
                    }
                }
            }
            if let Some((first, last, mask)) = press {
                keys = if (first..last).contains(&frame) { mask } else { 0 };
            }
        }
        assert_eq!((hold.left(), hold.mask(), hold.is_timing()), (0, 0, false));
        held
    }

    #[test]
    fn a_window_that_answers_every_frame_is_exact() {
        assert_eq!(play(false, &[1, 1, 0, 2, 2, 2, 0], 1, 9), [1, 1, 0, 2, 2, 2, 0, 0, 0]);
        assert_eq!(play(false, &[0, 0, 3, 0, 1, 0, 0], 1, 9), [0, 0, 3, 0, 1, 0, 0, 0, 0]);
        assert_eq!(play(false, &[1, 1, 3, 3, 0], 1, 7), [1, 1, 3, 3, 0, 0, 0]);
        for can_press in [true, false] {
            assert_eq!(play(can_press, &[], 1, 2), [0, 0]);
        }
        // What the script presses begins a frame later.
        assert_eq!(play(true, &[3, 0, 0], 1, 5), [0, 3, 0, 0, 0]);
        assert_eq!(play(true, &[1, 1, 0, 0, 2, 0], 1, 9), [0, 1, 1, 0, 0, 2, 0, 0, 0]);
        assert_eq!(play(true, &[1, 1, 3, 3, 0], 1, 7), [1, 1, 3, 3, 0, 0, 0]);
    }

    #[test]
    fn what_the_script_presses_is_exact_however_late_it_answers() {
        for every in 1..6 {
            let held = play(true, &[4, 0, 0, 2, 2, 2, 0], every, 60);
            let count = |mask| held.iter().filter(|held| **held == mask).count();
            let second = held.iter().position(|mask| *mask == 2).expect("it is pressed");
            assert!(count(4) == 1 && count(2) == 3 && second >= 3, "{held:?}");
        }
    }

    #[test]
    fn what_is_kept_is_held_longer_by_a_window_that_answers_late_and_never_shorter() {
        for every in 2..6 {
            let held = play(false, &[1, 1, 1, 0, 2, 2], every, 60);
            let count = |mask| held.iter().filter(|held| **held == mask).count();
            let second = held.iter().position(|mask| *mask == 2).expect("it is pressed");
            assert!(count(1) >= 3 && count(2) >= 2 && held[count(1)..second].contains(&0), "{held:?}");
        }
    }

    #[test]
    fn new_keys_replace_those_that_are_left() {
        let mut hold = Hold::default();
        let order = hold.begin(&[1; 40]);
        assert_eq!(order, Order::Keep(1));
        hold.told(order);
        hold.tick(Some(7));
        assert_eq!((hold.left(), hold.held(), hold.due()), (39, 1, None));
        let order = hold.begin(&[2, 2]);
        assert_eq!(order, Order::Keep(2));
        hold.told(order);
        assert_eq!((hold.left(), hold.held(), hold.mask(), hold.is_pressing()), (2, 1, 2, false));
    }
}
