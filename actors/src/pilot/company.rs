//! What the pilots of one process have in common: a progress page, which moves only when each of them does, and an end,
//! which comes when each game is over.
//!
//! Absent: anything about play. Pilots know nothing of each other's games.

use std::cell::Cell;
use std::rc::Rc;
use wire::Instance;
use wire::page::ProgressPage;

/// One pilot's place among the pilots of its process.
#[derive(Clone)]
pub struct Seat {
    instance: Instance,
    /// This pilot among the bits of [`Company`].
    bit: u64,
    company: Rc<Company>,
}

struct Company {
    page: ProgressPage,
    everybody: u64,
    /// Who has moved since the page did.
    moved: Cell<u64>,
    finished: Cell<u64>,
}

impl Seat {
    /// A seat for each game, of [`wire::control::INSTANCES_MAX`] at most.
    pub fn for_games(page: &ProgressPage, instances: impl IntoIterator<Item = Instance>) -> Vec<Seat> {
        let instances: Vec<Instance> = instances.into_iter().collect();
        let bits = || (0..instances.len()).map(|place| 1 << (place as u32 % u64::BITS));
        let everybody = bits().fold(0, |all, bit: u64| all | bit);
        let (moved, finished) = (Cell::default(), Cell::default());
        let company = Rc::new(Company { page: page.clone(), everybody, moved, finished });
        let seat = |(instance, bit): (&Instance, u64)| Seat { instance: *instance, bit, company: company.clone() };
        instances.iter().zip(bits()).map(seat).collect()
    }

    /// Which game is played here.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// How many pilots there are.
    pub fn company(&self) -> u32 {
        self.company.everybody.count_ones()
    }

    /// Work passed through this pilot. The page shows it once work has passed through every other one, too, so that one
    /// that is stuck is noticed however busy the others are.
    pub fn advance(&self) {
        let Company { page, everybody, moved, .. } = &*self.company;
        moved.set(moved.get() | self.bit);
        if moved.get() == *everybody {
            moved.set(0);
            page.advance();
        }
    }

    /// Names the step being worked on; 0 when it is done.
    pub fn set_in_flight(&self, step: u64) {
        self.company.page.set_in_flight_of(self.instance, step);
    }

    /// This game is over.
    pub fn finish(&self) {
        self.company.finished.set(self.company.finished.get() | self.bit);
    }

    /// Whether every game is over.
    pub fn is_everybody_finished(&self) -> bool {
        self.company.finished.get() == self.company.everybody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(instances: &[Instance]) -> (ProgressPage, Vec<Seat>) {
        let (page, _descriptor) = ProgressPage::create().expect("a page is made");
        let seats = Seat::for_games(&page, instances.iter().copied());
        (page, seats)
    }

    #[test]
    fn the_page_stops_when_one_pilot_is_stuck_however_busy_the_others_are() {
        let (page, seats) = seats(&[0, 2, 5]);
        seats.iter().for_each(Seat::advance);
        assert_eq!(page.read().progress, 1);
        for _ in 0..100 {
            seats[0].advance();
            seats[2].advance();
        }
        assert_eq!(page.read().progress, 1);
        seats[1].advance();
        assert_eq!(page.read().progress, 2);
    }

    #[test]
    fn a_pilot_alone_moves_the_page_by_itself() {
        let (page, seats) = seats(&[0]);
        (0..3).for_each(|_| seats[0].advance());
        assert_eq!((page.read().progress, seats[0].company()), (3, 1));
    }

    #[test]
    fn the_end_comes_when_each_game_is_over() {
        let instances: Vec<Instance> = (0..wire::control::INSTANCES_MAX).collect();
        let (_page, seats) = seats(&instances);
        for seat in &seats {
            assert!(!seat.is_everybody_finished());
            seat.finish();
        }
        assert!(seats[0].is_everybody_finished());
        assert_eq!(seats[0].company(), 64);
    }

    #[test]
    fn steps_of_several_games_are_named_apart() {
        let (page, seats) = seats(&[0, 2]);
        seats[0].set_in_flight(7);
        seats[1].set_in_flight(9);
        assert_eq!(page.in_flight()[..3], [7, 0, 9]);
        seats[0].set_in_flight(0);
        assert_eq!(page.read().in_flight, 9);
    }
}
