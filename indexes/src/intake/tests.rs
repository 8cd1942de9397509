//! Sorting, with what is known made up.

use super::*;
use std::cell::Cell;
use std::convert::Infallible;

/// Knows these memories, each with its vector.
#[derive(Default)]
struct Shelf {
    memories: Vec<(Memory, Vec<f32>)>,
    is_blind: bool,
    searches: Cell<u32>,
}

impl Known for Shelf {
    type Error = Infallible;

    fn is_new(&self, _: &Memory) -> bool {
        self.is_blind
    }

    fn near(&self, new: &NewMemory) -> Result<Vec<(f32, Memory)>, Infallible> {
        self.searches.set(self.searches.get() + 1);
        let distance = |(memory, vector): &(Memory, Vec<f32>)| (squared_distance(vector, &new.vector), memory.clone());
        Ok(self.memories.iter().map(distance).collect())
    }

    fn arrival(&self, memory: &Memory) -> Result<Option<u64>, Infallible> {
        Ok(self
            .memories
            .iter()
            .map(|(known, _)| known)
            .find(|known| is_same_arrival(known, memory))
            .map(|known| known.id))
    }

    fn seen(&self, id: u64) -> Result<Option<(u32, Outcome)>, Infallible> {
        Ok(self.memories.iter().find(|(memory, _)| memory.id == id).map(|(memory, _)| (1, memory.outcome)))
    }
}

fn memory(picture: u64) -> NewMemory {
    let outcome = Outcome { steps: 32, hp_lost: 10, hp_lost_share: 0.1, ..Outcome::default() };
    let memory = Memory { span: 4, picture, floor: 2, skill: "fight".to_string(), outcome, ..Memory::default() };
    NewMemory { memory, vector: vec![1.0, 0.0], detail: Vec::new() }
}

fn known(memories: &[NewMemory]) -> Shelf {
    let number =
        |(index, new): (usize, &NewMemory)| (Memory { id: index as u64 + 1, ..new.memory.clone() }, new.vector.clone());
    Shelf { memories: memories.iter().enumerate().map(number).collect(), ..Shelf::default() }
}

fn sorted(shelf: &Shelf, memories: Vec<NewMemory>) -> Sorted {
    let Ok(sorted) = sort(shelf, memories);
    sorted
}

#[test]
fn what_is_seen_again_is_counted_and_its_outcome_averaged() {
    let mut again = memory(0b11);
    again.memory.outcome.hp_lost = 20;
    again.memory.outcome.hp_lost_share = 0.2;
    again.memory.time_s = 9;
    let sorted = sorted(&known(&[memory(0)]), vec![again.clone(), again]);
    assert_eq!(sorted.is_new, [false, false]);
    let [Change::Merge { id: 1, seen: 3, time_s: 9, outcome, .. }] = &sorted.changes[..] else { panic!("{sorted:?}") };
    assert!((outcome.hp_lost_share - 0.5 / 3.0).abs() < 1e-6, "{outcome:?}");
    assert_eq!(outcome.hp_lost, 17);
}

#[test]
fn a_memory_that_differs_in_anything_that_matters_is_kept() {
    let shelf = known(&[memory(0)]);
    type Difference = (&'static str, fn(&mut NewMemory));
    let differences: [Difference; 10] = [
        ("picture", |new| new.memory.picture = 0b111),
        ("vector", |new| new.vector = vec![0.9, 0.435_889_9]),
        ("floor", |new| new.memory.floor = 3),
        ("dungeon", |new| new.memory.dungeon = 3),
        ("foe", |new| new.memory.foe = 3),
        ("skill", |new| new.memory.skill = "flee".to_string()),
        ("action", |new| new.memory.action = "step west".to_string()),
        ("life", |new| new.memory.outcome.is_lost = true),
        ("hit points", |new| new.memory.outcome.hp_lost_share = 0.5),
        ("span", |new| new.memory.span = 8),
    ];
    for (what, differ) in differences {
        let mut new = memory(0);
        differ(&mut new);
        assert_eq!(sorted(&shelf, vec![new]).is_new, [true], "{what}");
    }
}

#[test]
fn what_the_filter_calls_new_is_not_searched_for() {
    let shelf = Shelf { is_blind: true, ..known(&[memory(0)]) };
    assert_eq!(sorted(&shelf, vec![memory(0)]).is_new, [true]);
    assert_eq!(shelf.searches.get(), 0);
}

#[test]
fn of_one_batch_the_like_are_one() {
    let sorted = sorted(&Shelf::default(), vec![memory(0), memory(1), memory(0xffff)]);
    assert_eq!(sorted.is_new, [true, false, true]);
    assert!(matches!(&sorted.changes[0], Change::Add { seen: 2, .. }), "{sorted:?}");
}

#[test]
fn the_map_of_a_known_layout_is_brought_up_to_date() {
    let arrival = |picture, detail| {
        let mut new = memory(picture);
        (new.memory.layout, new.memory.keys, new.detail) = (77, KeyMoments::FLOOR, detail);
        new
    };
    let sorted = sorted(&known(&[arrival(0, vec![1])]), vec![arrival(u64::MAX, vec![1, 2])]);
    let [Change::Merge { id: 1, detail, .. }] = &sorted.changes[..] else { panic!("{sorted:?}") };
    assert_eq!(detail, &[1, 2]);
}

#[test]
fn vectors_become_unit_vectors_and_what_cannot_be_kept_is_refused() {
    let with = |vector: &[f32]| NewMemory { vector: vector.to_vec(), ..memory(0) };
    assert_eq!(checked(with(&[3.0, 4.0]), 2).expect("it is right").vector, [0.6, 0.8]);
    for vector in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[f32::INFINITY, 1.0], &[1e30, 1e30], &[1.0], &[1.0, 0.0, 0.0]] {
        assert!(checked(with(vector), 2).is_err(), "{vector:?}");
    }
    let mut new = memory(0);
    new.memory.span = 3;
    assert!(checked(new, 2).is_err());
    assert!(checked(NewMemory { detail: vec![0; DETAIL_BYTES_MAX + 1], ..memory(0) }, 2).is_err());
}
