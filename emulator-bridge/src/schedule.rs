//! Which keys are held in the frames to come.

use std::collections::VecDeque;
use wire::buttons::{self, Mask};
use wire::emulator::{INPUT_FRAMES_MAX, Refusal};

/// The masks of the next frames; beyond them no key is held.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    masks: VecDeque<Mask>,
}

impl Schedule {
    /// Holds `keys` frame by frame from `at_frame` on, or from the one after `newest`, in place of whatever was to be
    /// held from there on. Returns the first frame's number.
    pub(crate) fn set(&mut self, newest: u64, at_frame: Option<u64>, keys: &[Mask]) -> Result<u64, Refusal> {
        let next = newest + 1;
        let first = at_frame.unwrap_or(next);
        if first < next {
            return Err(Refusal::FramePassed { newest });
        }
        if let Some(mask) = keys.iter().find(|mask| !buttons::is_valid(**mask)) {
            return Err(Refusal::UnknownButton { mask: *mask });
        }
        let limit = INPUT_FRAMES_MAX as u64;
        let ahead = first - next;
        if ahead.saturating_add(keys.len() as u64) > limit {
            return Err(Refusal::TooLarge { what: "frames scheduled ahead".to_string(), limit });
        }
        self.masks.resize(ahead as usize, 0);
        self.masks.extend(keys);
        Ok(first)
    }

    /// The keys of the next frame.
    pub(crate) fn take(&mut self) -> Mask {
        self.masks.pop_front().unwrap_or(0)
    }

    /// Whether every scheduled key was held.
    pub(crate) fn is_used_up(&self) -> bool {
        self.masks.is_empty()
    }

    /// Forgets all keys.
    pub(crate) fn clear(&mut self) {
        self.masks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(schedule: &mut Schedule, frames: usize) -> Vec<Mask> {
        (0..frames).map(|_| schedule.take()).collect()
    }

    #[test]
    fn a_gap_before_the_first_frame_holds_no_key() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.set(10, Some(13), &[1, 2]), Ok(13));
        assert_eq!(held(&mut schedule, 5), [0, 0, 1, 2, 0]);
        assert!(schedule.is_used_up());
    }

    #[test]
    fn a_later_input_replaces_from_its_first_frame_on() {
        let mut schedule = Schedule::default();
        schedule.set(0, None, &[1, 1, 1, 1]).expect("it is scheduled");
        assert_eq!(schedule.set(0, Some(3), &[2]), Ok(3));
        assert_eq!(held(&mut schedule, 4), [1, 1, 2, 0]);
    }

    #[test]
    fn what_cannot_be_held_is_refused_and_changes_nothing() {
        let mut schedule = Schedule::default();
        schedule.set(5, None, &[1]).expect("it is scheduled");
        assert_eq!(schedule.set(5, Some(5), &[2]), Err(Refusal::FramePassed { newest: 5 }));
        assert_eq!(schedule.set(5, None, &[0x400]), Err(Refusal::UnknownButton { mask: 0x400 }));
        assert!(matches!(schedule.set(5, Some(u64::MAX), &[2]), Err(Refusal::TooLarge { .. })));
        assert_eq!(held(&mut schedule, 2), [1, 0]);
    }
}
