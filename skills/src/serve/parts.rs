//! Messages to the pilot, cut to what one packet holds.

use crate::skill::Library;
use wire::link::{CONTROL_BYTES_MAX, Link, LinkError};
use wire::skill::{Card, FromSkills, Turned};

/// Room for what surrounds the cards of a part.
const FRAME_BYTES: usize = 256;

/// The shelf of a library, in parts.
pub(super) fn of_shelf(library: &Library) -> Vec<FromSkills> {
    let mut parts: Vec<Vec<Card>> = vec![Vec::new()];
    let mut bytes = 0;
    for skill in library.skills.values() {
        let card = skill.card();
        let size = wire::codec::encode(&card).map_or(0, |card| card.len());
        if bytes + size > CONTROL_BYTES_MAX - FRAME_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(card);
        }
    }
    let last = parts.len() - 1;
    let generation = library.generation;
    let part = |(index, cards)| FromSkills::Shelf { generation, is_last: index == last, cards };
    parts.into_iter().enumerate().map(part).collect()
}

/// Sends an answer. Of one that is too large, notes stay behind first and then memories: the act matters most.
pub(super) fn send_turned(pilot: &Link, turned: Turned) -> Result<(), LinkError> {
    let mut message = FromSkills::Turned(Box::new(turned));
    for attempt in 0..2 {
        match pilot.send(&message, &[]) {
            Err(LinkError::TooLarge) => tracing::warn!("the answer to a turn is too large; a part of it is left out"),
            sent => return sent,
        }
        if let FromSkills::Turned(turned) = &mut message {
            turned.notes.clear();
            if attempt > 0 {
                turned.ended.iter_mut().for_each(|ended| ended.memories.clear());
            }
        }
    }
    pilot.send(&message, &[])
}
