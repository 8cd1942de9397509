//! What a model is shown: the template of its tier, filled in with what is seen, known, remembered and on offer.
//!
//! The same situation gives the same bytes: nothing that changes without meaning is told. The first part is the same in a whole
//! run, so that servers keep it. What does not fit is left out, the least important first, but never what is on offer.
//! Absent: how it is sent (`openai`), and when (the router).

use super::answer;
use super::inquiry::Inquiry;
use super::model::{Prompt, Reply};
use super::packing::{Answer, Packing};
use budget::Parts;
use shelf::Shelf;
use situation::Situation;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use template::{Slot, Template};
use wire::hash::Hash;
use wire::router::TierSettings;

mod budget;
mod listing;
mod map;
mod picture;
mod shelf;
mod situation;
mod template;
mod words;

/// Outcomes that are more important than the map.
const OUTCOMES_KEPT: usize = 2;
/// The smallest map that is drawn where there is little room.
const CLOSE: (i16, i16) = (15, 9);

/// Packs prompts, and reads answers.
#[derive(Debug)]
pub struct Packer {
    objective: String,
    shelf: Shelf,
    /// The first parts in use, by tier.
    systems: Mutex<HashMap<String, System>>,
}

/// The first part of a tier's prompts, and what it was made of.
#[derive(Clone, Debug)]
struct System {
    template: Arc<Template>,
    guidance: Arc<Vec<(String, String)>>,
    guidance_bytes_max: usize,
    text: Arc<str>,
}

impl Packer {
    /// A packer whose templates are those of a folder, which may be edited meanwhile, and the built-in ones; the player is after
    /// this.
    pub fn new(folder: Option<PathBuf>, objective: String) -> Packer {
        let objective = situation::line(&objective, 4096);
        Packer { objective, shelf: Shelf::new(folder), systems: Mutex::default() }
    }

    fn system(&self, tier: &TierSettings, template: &Arc<Template>, inquiry: &Inquiry) -> Arc<str> {
        // Guidance is cut by what the tier takes alone, not by what a step needs, so that this part stays the same.
        let guidance_bytes_max = budget::bytes(budget::room(tier) / 3);
        let mut systems = self.systems.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = systems.get(&tier.name)
            && Arc::ptr_eq(&known.template, template)
            && known.guidance_bytes_max == guidance_bytes_max
            && (Arc::ptr_eq(&known.guidance, &inquiry.guidance) || known.guidance == inquiry.guidance)
        {
            return known.text.clone();
        }
        let guidance = listing::guidance(&inquiry.guidance, guidance_bytes_max);
        let text: Arc<str> = template
            .system(|slot| match slot {
                Slot::Objective => &self.objective,
                Slot::Guidance => &guidance,
                _ => "",
            })
            .into();
        let (template, guidance) = (template.clone(), inquiry.guidance.clone());
        systems.insert(tier.name.clone(), System { template, guidance, guidance_bytes_max, text: text.clone() });
        text
    }
}

impl Packing for Packer {
    fn pack(&self, tier: &TierSettings, inquiry: &Inquiry) -> Prompt {
        let template = self.shelf.of(&tier.name);
        let system = self.system(tier, &template, inquiry);
        let picture = picture::size(tier, &inquiry.frame);
        let picture_tokens = picture.map_or(0, |size| u64::from(picture::tokens(size)));
        let room = budget::room(tier).saturating_sub(picture_tokens);
        let user = user(tier, &template, inquiry, &self.objective, system.len(), room);
        let schema = answer::schema(&inquiry.offers);
        let tokens = budget::tokens(system.len() + user.len()) + picture_tokens;
        let schema_text = schema.to_string();
        let size = picture.unwrap_or_default();
        let pixels = picture.map_or(0, |_| inquiry.basis.frame_hash.0);
        let key = Hash::of([
            tier.name.as_bytes(),
            &[0],
            tier.model.as_bytes(),
            &[0],
            system.as_bytes(),
            &[0],
            user.as_bytes(),
            &[0],
            schema_text.as_bytes(),
            &[0],
            &size.0.to_le_bytes(),
            &pixels.to_le_bytes(),
        ]);
        Prompt {
            system,
            user,
            picture: None,
            repair: None,
            schema,
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
            answer_tokens: tier.answer_tokens,
            key,
        }
    }

    fn picture(&self, tier: &TierSettings, inquiry: &Inquiry) -> Option<Arc<[u8]>> {
        picture::png(tier, &inquiry.frame)
    }

    fn read(&self, reply: &Reply, inquiry: &Inquiry) -> Result<Answer, String> {
        answer::read(reply, &inquiry.offers)
    }

    fn problems(&self) -> Vec<String> {
        self.shelf.problems()
    }
}

/// The second part, cut to what fits beside a first part of so many bytes.
fn user(
    tier: &TierSettings,
    template: &Template,
    inquiry: &Inquiry,
    objective: &str,
    system_bytes: usize,
    room: u64,
) -> String {
    let outcomes = listing::outcomes(&inquiry.outcomes);
    let (older, newest) = outcomes.split_at(outcomes.len().saturating_sub(OUTCOMES_KEPT));
    let seen = inquiry.seen.as_ref();
    let mut maps = Vec::new();
    if tier.map {
        maps.push(map::draw(seen, map::WHOLE));
    }
    let longest = system_bytes + template.user_bytes() + objective.len();
    let mut parts = Parts::default();
    let memories = parts.add(fewer(&listing::memories(&inquiry.memories, tier.memories), false));
    let older = parts.add(fewer(older, true));
    // Smaller maps and shorter forms are drawn only where the whole does not fit.
    let state = state(tier, Situation::of(inquiry));
    let skills = listing::skills(&inquiry.offers, false);
    let newest = fewer(newest, true);
    let whole = [&state[..], &skills].iter().map(|text| text.len()).sum::<usize>()
        + maps.iter().chain(newest.first()).map(String::len).sum::<usize>();
    let is_tight = budget::tokens(longest + whole + parts.text(memories).len() + parts.text(older).len()) > room;
    let (mut skills, mut states) = (vec![skills], vec![state]);
    if is_tight {
        if tier.map {
            maps.extend([map::NEAR, CLOSE].map(|size| map::draw(seen, size)));
            maps.push(String::new());
        }
        skills.push(listing::skills(&inquiry.offers, true));
        states.push(self::state(tier, Situation::of(inquiry).shortened()));
        states.push(String::new());
    }
    let map = parts.add(maps);
    let skills = parts.add(skills);
    let newest = parts.add(newest);
    let state = parts.add(states);
    parts.fit(longest, room);
    let outcomes = [parts.text(older), parts.text(newest)].concat();
    template.user(|slot| match slot {
        Slot::Objective => objective,
        Slot::Guidance => "",
        Slot::State => parts.text(state),
        Slot::Map => parts.text(map),
        Slot::Memories => parts.text(memories),
        Slot::Outcomes => &outcomes,
        Slot::Skills => parts.text(skills),
    })
}

fn state(tier: &TierSettings, situation: Situation) -> String {
    match tier.state.as_str() {
        "none" => String::new(),
        "json" => serde_json::to_string(&situation).expect("a situation is JSON"),
        _ => situation.words(),
    }
}

/// All lines, and all but one, and so on until none is left; the first lines go last, or first.
fn fewer(lines: &[String], first_goes_first: bool) -> Vec<String> {
    let count = lines.len();
    (0..=count)
        .map(|gone| if first_goes_first { lines[gone..].concat() } else { lines[..count - gone].concat() })
        .collect()
}

#[cfg(test)]
mod tests;
