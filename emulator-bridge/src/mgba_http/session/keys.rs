//! Handing keys over, and taking them back.

use super::super::hold::{Order, PRESS_FRAMES_MAX};
use super::super::request::Answer;
use super::{Errand, LOOKS_KEPT, Session};
use crate::backend::BackendError;
use wire::buttons::Mask;

/// The most looks until a press is over: its frames, one before it, and one more.
const LOOKS_AT_PRESS_MAX: u64 = PRESS_FRAMES_MAX + 2;

impl Session {
    /// Hands keys over; returns how many frames after the newest one shown the first are held in, as far as is known.
    pub(in super::super) fn hold(&mut self, keys: &[Mask]) -> Result<u32, BackendError> {
        self.settle()?;
        self.looks_left = LOOKS_KEPT;
        // What the script presses by itself cannot be taken back, and its release would end a new press as well.
        for _ in 0..LOOKS_AT_PRESS_MAX {
            if self.hold.is_pressing() {
                let errand = self.look();
                self.carry_out(errand)?;
            }
        }
        let order = self.hold.begin(keys);
        match order {
            Order::Press(mask, frames) if !self.is_press_proven => {
                if !self.try_press(mask, frames)? {
                    tracing::info!("this script does not press keys by itself; they are told it frame by frame");
                    self.hold.can_press = false;
                    let order = self.hold.begin(keys);
                    self.carry_out(Errand::ChangeKeys(order))?;
                }
            }
            order => drop(self.carry_out(Errand::ChangeKeys(order))?),
        }
        // It was told in the frame after the newest that was seen, at the earliest.
        Ok(u32::try_from((self.frame + 2 + self.hold.delay()).saturating_sub(self.shown)).unwrap_or(u32::MAX))
    }

    /// Lets the script press keys, and finds out whether it does: it answers with success whatever it makes of the
    /// request. `false`: it certainly does not.
    fn try_press(&mut self, mask: Mask, frames: u64) -> Result<bool, BackendError> {
        self.carry_out(Errand::Frame)?;
        let before = self.frame;
        self.carry_out(Errand::ChangeKeys(Order::Press(mask, frames)))?;
        let keys = self.carry_out(Errand::ReadBackKeys(mask))?;
        self.carry_out(Errand::Frame)?;
        self.is_press_proven = keys == [Answer::Number(u64::from(mask))];
        // Whoever asks too late finds the keys released again.
        let was_in_time = self.frame.checked_sub(before).is_some_and(|passed| passed <= frames + 1);
        Ok(self.is_press_proven || !was_in_time)
    }

    /// Releases all keys, if any are held and the window can be reached.
    pub(in super::super) fn release(&mut self) {
        if self.hold.mask() == 0 || self.settle().is_err() {
            return;
        }
        let order = self.hold.begin(&[]);
        if let Err(error) = self.carry_out(Errand::ChangeKeys(order)) {
            tracing::warn!(%error, "keys may be left held in the window");
        }
    }
}
