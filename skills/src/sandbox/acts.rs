//! Natives that prepare acts: they check what a script asks for and leave it as a wish; the prelude then hands over.

use super::context::{Context, Wish};
use super::given::{Given, Problem, describe, short, wrong};
use mlua::MultiValue;
use std::rc::Rc;
use wire::buttons::{BUTTONS, Button, Mask};
use wire::keys::{self, Gesture};
use wire::skill::{Deed, Expectation};

/// Characters of a reason that are kept.
pub const REASON_CHARACTERS_MAX: usize = 300;
/// The longest that keys are held or nothing is pressed.
pub const FRAMES_MAX: i64 = 600;

const BUTTON_NAMES: &str = "button names joined by \"+\": A B SELECT START RIGHT LEFT UP DOWN R L";

/// Prepares the act of this name.
pub fn prepare(context: &Rc<Context>, name: &'static str, values: MultiValue) -> Result<(), Problem> {
    let wish = match name {
        "step" | "face" | "attack" => directed(context, name, values)?,
        "press" => press(values)?,
        "hold" => hold(values)?,
        "wait" => wait(values)?,
        _ => plain(name, values)?,
    };
    context.wish.replace(Some(wish));
    Ok(())
}

/// The acts that are prepared here.
pub const ACTS: [&str; 13] = [
    "step",
    "face",
    "attack",
    "pass_turn",
    "throw_set",
    "open_menu",
    "turn_in_place",
    "stop_turning",
    "press",
    "hold",
    "wait",
    "checkpoint",
    "restore",
];

fn act(action: impl Into<String>, reason: String, gesture: Gesture, expect: Expectation) -> Wish {
    let Gesture { keys, frames_max } = gesture;
    Wish::Act { action: action.into(), reason, deed: Deed::Keys { keys, frames_max, expect } }
}

fn reason(given: &Given, index: usize) -> Result<String, Problem> {
    given.text(index, "reason", REASON_CHARACTERS_MAX)
}

fn directed(context: &Context, name: &'static str, values: MultiValue) -> Result<Wish, Problem> {
    let given = Given::new(name, values, 2)?;
    let direction = given.direction(0)?;
    let reason = reason(&given, 1)?;
    let action = format!("{name} {}", direction.name());
    match name {
        "attack" => Ok(act(action, reason, keys::press(Button::A as Mask), Expectation::Turn)),
        "face" => Ok(act(action, reason, keys::step(direction), Expectation::Face(direction))),
        _ => {
            let Some(here) = context.world().here() else {
                return wrong("step needs the leader on the map: there is none now (see observe().screen)");
            };
            Ok(act(action, reason, keys::step(direction), Expectation::Step(here.step(direction))))
        }
    }
}

fn plain(name: &'static str, values: MultiValue) -> Result<Wish, Problem> {
    let given = Given::new(name, values, 1)?;
    let reason = reason(&given, 0)?;
    let start = Button::Start as Mask;
    Ok(match name {
        "pass_turn" => act("pass a turn", reason, keys::pass_turn(), Expectation::Turn),
        "throw_set" => act("throw the set item", reason, keys::throw_set_item(), Expectation::Turn),
        "open_menu" => act("open the menu", reason, keys::open_menu(), Expectation::Menu),
        "turn_in_place" => act("turn in place", reason, keys::press(start), Expectation::Menu),
        "stop_turning" => act("stop turning", reason, keys::stop_turning(), Expectation::Menu),
        "checkpoint" => Wish::Act { action: "keep the state".to_string(), reason, deed: Deed::Checkpoint },
        _ => Wish::Act { action: "restore the state".to_string(), reason, deed: Deed::Restore },
    })
}

/// What `options` may say, and what is taken where they say nothing.
struct Options {
    manner: String,
    expect: Option<Expectation>,
    name: Option<String>,
}

fn options(given: &Given, index: usize, known: &[&str]) -> Result<Options, Problem> {
    let mut options = Options { manner: "key".to_string(), expect: None, name: None };
    let Some(table) = given.options(index, known)? else { return Ok(options) };
    let read = |name: &str| -> Result<Option<String>, Problem> {
        let value: mlua::Value = table.get(name)?;
        match &value {
            mlua::Value::Nil => Ok(None),
            mlua::Value::String(text) => Ok(Some(text.to_string_lossy())),
            other => wrong(format!("options.{name} must be a text, not {}", describe(other))),
        }
    };
    if let Some(manner) = read("as")? {
        if !["key", "menu", "scene"].contains(&manner.as_str()) {
            return wrong(format!("options.as must be \"key\", \"menu\" or \"scene\", not \"{}\"", short(&manner)));
        }
        options.manner = manner;
    }
    if let Some(expect) = read("expect")? {
        options.expect = Some(match expect.as_str() {
            "turn" => Expectation::Turn,
            "menu" => Expectation::Menu,
            "cursor" => Expectation::Cursor,
            "text" => Expectation::Text,
            "scene" => Expectation::Scene,
            "nothing" => Expectation::Nothing,
            other => {
                return wrong(format!(
                    "options.expect must be \"turn\", \"menu\", \"cursor\", \"text\", \"scene\" or \"nothing\", not \"{}\"",
                    short(other)
                ));
            }
        });
    }
    options.name = read("name")?.map(|name| name.chars().take(REASON_CHARACTERS_MAX).collect());
    Ok(options)
}

/// The mask of button names joined by `+`.
fn mask(given: &Given, index: usize) -> Result<Mask, Problem> {
    let Some(text) = given.value(index).as_string().map(|text| text.to_string_lossy()) else {
        return given.refuse(index, "button", BUTTON_NAMES);
    };
    let mut mask = 0;
    for part in text.split('+') {
        let Some((button, _)) = BUTTONS.into_iter().find(|(_, name)| *name == part) else {
            return given.refuse(index, "button", BUTTON_NAMES);
        };
        mask |= button as Mask;
    }
    Ok(mask)
}

fn press(values: MultiValue) -> Result<Wish, Problem> {
    let given = Given::new("press", values, 3)?;
    let mask = mask(&given, 0)?;
    let reason = reason(&given, 1)?;
    let Options { manner, expect, name } = options(&given, 2, &["as", "expect", "name"])?;
    let (gesture, usual) = match manner.as_str() {
        "menu" => (keys::menu(mask), Expectation::Menu),
        "scene" => (keys::scene(mask), Expectation::Scene),
        _ => (keys::press(mask), Expectation::Turn),
    };
    let action = name.unwrap_or_else(|| format!("press {}", wire::buttons::Held(mask)));
    Ok(act(action, reason, gesture, expect.unwrap_or(usual)))
}

fn hold(values: MultiValue) -> Result<Wish, Problem> {
    let given = Given::new("hold", values, 4)?;
    let mask = mask(&given, 0)?;
    let frames = given.whole(1, "frames", 1, FRAMES_MAX)?;
    let reason = reason(&given, 2)?;
    let Options { expect, name, .. } = options(&given, 3, &["expect", "name"])?;
    let action = name.unwrap_or_else(|| format!("hold {} for {frames} frames", wire::buttons::Held(mask)));
    let gesture = keys::gesture(mask, frames as usize, 1);
    let frames_max = gesture.frames_max.max(gesture.keys.len() as u32);
    Ok(act(action, reason, Gesture { frames_max, ..gesture }, expect.unwrap_or(Expectation::Turn)))
}

fn wait(values: MultiValue) -> Result<Wish, Problem> {
    let given = Given::new("wait", values, 2)?;
    let mut gesture = keys::none();
    if given.has(0) {
        gesture = keys::gesture(0, given.whole(0, "frames", 1, FRAMES_MAX)? as usize, 0);
    }
    let reason = if given.has(1) { reason(&given, 1)? } else { "the game works by itself".to_string() };
    Ok(act("wait", reason, gesture, Expectation::Nothing))
}
