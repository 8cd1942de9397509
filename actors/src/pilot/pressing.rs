//! A game that no profile explains, played by a model that sees its picture: what it may choose are the console's buttons.
//!
//! Without a model's decision such a game is played by keys at random, as before.

use super::journey::{Interruption, Journey, Seen};
use crate::brain::Move;
use crate::router::Offer;
use wire::Step;
use wire::buttons::{Button, Mask};
use wire::decision::Routed;
use wire::keys::Gesture;
use wire::skill::{Argument, Bearings, Expectation, Parameter};

/// Frames for which a button is held, unless the model says otherwise.
const HELD_FRAMES: f64 = 8.0;
/// The longest that it may be held.
const HELD_FRAMES_MAX: f64 = 60.0;
/// Frames in which the game may react.
const RELEASED_FRAMES: usize = 8;

/// What may be pressed: the name on offer, what it is, the keys.
const PRESSES: [(&str, &str, Mask); 11] = [
    ("press-a", "press A: confirm, talk, act", Button::A as Mask),
    ("press-b", "press B: cancel, go back, run", Button::B as Mask),
    ("press-up", "press UP: walk or move the cursor up", Button::Up as Mask),
    ("press-down", "press DOWN: walk or move the cursor down", Button::Down as Mask),
    ("press-left", "press LEFT: walk or move the cursor left", Button::Left as Mask),
    ("press-right", "press RIGHT: walk or move the cursor right", Button::Right as Mask),
    ("press-start", "press START: begin, open the menu", Button::Start as Mask),
    ("press-select", "press SELECT", Button::Select as Mask),
    ("press-l", "press the left shoulder button", Button::L as Mask),
    ("press-r", "press the right shoulder button", Button::R as Mask),
    ("wait", "press nothing and watch", 0),
];

impl Journey {
    /// What a model presses in a game that no profile explains; nothing where no model plays or decides.
    pub(super) async fn press_by_model(&mut self, step: Step, before: &Seen) -> Result<Option<Move>, Interruption> {
        let is_explained = self.aboard.as_ref().is_none_or(|aboard| aboard.profile.decoder.is_some());
        if is_explained || self.skilled.is_some() || !self.routing.is_used() {
            return Ok(None);
        }
        let inquiry = Box::new(self.inquiry(step, before, &Bearings::default(), offers()));
        self.routing.note_asked(step, inquiry.clone());
        self.route(step, inquiry).await?;
        let Some(Routed::Decided(decision)) = self.routing.routed() else { return Ok(None) };
        let Some((name, _, mask)) = PRESSES.into_iter().find(|(name, ..)| *name == decision.skill) else {
            return Ok(None);
        };
        let frames = held_frames(&decision.arguments);
        let mut keys = vec![mask; frames];
        keys.resize(frames + RELEASED_FRAMES, 0);
        let frames_max = keys.len() as u32;
        Ok(Some(Move {
            skill: name.into(),
            version: None,
            action: format!("{} for {frames} frames", name.replace('-', " ")).into(),
            reason: decision.reason.clone().into(),
            goal: None,
            gesture: Gesture { keys, frames_max },
            expect: Expectation::Nothing,
        }))
    }
}

fn offers() -> Vec<Offer> {
    let frames = Parameter {
        name: "frames".to_string(),
        description: "how long it is held, 60 are a second".to_string(),
        kind: "integer".to_string(),
        default: Some(Argument::Number(HELD_FRAMES)),
        min: Some(1.0),
        max: Some(HELD_FRAMES_MAX),
        one_of: Vec::new(),
    };
    let offer = |(name, description, _): (&str, &str, Mask)| Offer {
        skill: name.to_string(),
        description: description.to_string(),
        parameters: vec![frames.clone()],
        arguments: Vec::new(),
        why: "true".to_string(),
        priority: 0,
        is_running: false,
    };
    PRESSES.into_iter().map(offer).collect()
}

fn held_frames(arguments: &str) -> usize {
    let given = serde_json::from_str::<serde_json::Value>(arguments).ok();
    let frames = given.and_then(|given| given.get("frames")?.as_f64()).unwrap_or(HELD_FRAMES);
    frames.clamp(1.0, HELD_FRAMES_MAX) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_is_held_as_long_as_the_model_says_within_bounds() {
        assert_eq!(held_frames(r#"{"frames": 20}"#), 20);
        assert_eq!(held_frames(r#"{"frames": 2000}"#), 60);
        assert_eq!(held_frames(r#"{"frames": -5}"#), 1);
        assert_eq!(held_frames("{}"), 8);
        assert_eq!(held_frames("nonsense"), 8);
    }
}
