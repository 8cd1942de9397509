//! What a move did to the game, read from memory: every input is checked.

use super::Move;
use wire::observation::{Observation, Screen};

/// What a move did. The order is that of the checks: the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Another floor, another screen outside the dungeon, another part of the game.
    SceneChanged,
    /// A text box opened, went on or closed.
    TextChanged,
    /// A menu opened, closed or changed.
    MenuChanged,
    /// A cursor moved.
    CursorMoved,
    /// The leader moved.
    Moved,
    /// A turn passed and the leader stands where it stood.
    TurnPassed,
    /// The leader looks elsewhere; no turn passed.
    Faced,
    /// Only the bag or what is shown changed.
    Other,
    /// No key was pressed, and nothing changed.
    Idle,
    /// Nothing changed although keys were pressed.
    None,
}

impl Effect {
    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Effect::SceneChanged => "scene changed",
            Effect::TextChanged => "text changed",
            Effect::MenuChanged => "menu changed",
            Effect::CursorMoved => "cursor moved",
            Effect::Moved => "moved",
            Effect::TurnPassed => "turn passed",
            Effect::Faced => "faced",
            Effect::Other => "other",
            Effect::Idle => "idle",
            Effect::None => "none",
        }
    }

    /// Whether the input did anything.
    pub fn is_effective(self) -> bool {
        self != Effect::None
    }
}

/// Compares the observations before and after a move.
pub fn effect(before: &Observation, after: &Observation, made: &Move) -> Effect {
    let scene = |observation: &Observation| match observation.screen {
        Screen::Menu(_) | Screen::Command | Screen::Motion | Screen::FloorMap => Screen::Command,
        Screen::Dialogue | Screen::Choice | Screen::Printing => Screen::Dialogue,
        other => other,
    };
    let is_text = |observation: &Observation| scene(observation) == Screen::Dialogue;
    if (before.dungeon, before.floor) != (after.dungeon, after.floor) {
        return Effect::SceneChanged;
    }
    if is_text(before) != is_text(after) {
        return Effect::TextChanged;
    }
    if scene(before) != scene(after) {
        return Effect::SceneChanged;
    }
    if is_text(before) {
        return match () {
            () if before.dialogue.text != after.dialogue.text || before.screen != after.screen => Effect::TextChanged,
            () if before.dialogue.cursor != after.dialogue.cursor => Effect::CursorMoved,
            () => unchanged(made),
        };
    }
    if before.screen != after.screen {
        return Effect::MenuChanged;
    }
    if let Screen::Menu(_) = before.screen {
        return match () {
            () if before.menu.actions != after.menu.actions => Effect::MenuChanged,
            () if (before.menu.cursor, before.menu.page) != (after.menu.cursor, after.menu.page) => Effect::CursorMoved,
            () if before.bag != after.bag => Effect::Other,
            () => unchanged(made),
        };
    }
    on_floor(before, after, made)
}

fn on_floor(before: &Observation, after: &Observation, made: &Move) -> Effect {
    let leader = |observation: &Observation| observation.leader().map(|leader| (leader.position, leader.direction));
    let turn_passed = (before.turns, before.turns_left) != (after.turns, after.turns_left);
    match (leader(before), leader(after)) {
        (Some((from, _)), Some((to, _))) if from != to => Effect::Moved,
        _ if turn_passed => Effect::TurnPassed,
        _ if before.is_turning != after.is_turning => Effect::MenuChanged,
        (Some((_, from)), Some((_, to))) if from != to => Effect::Faced,
        _ if before.bag != after.bag || before.message != after.message || before.monsters != after.monsters => {
            Effect::Other
        }
        _ => unchanged(made),
    }
}

fn unchanged(made: &Move) -> Effect {
    if made.gesture.keys.iter().all(|keys| *keys == 0) { Effect::Idle } else { Effect::None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::keys::{self, Gesture};
    use wire::observation::{Direction, MenuAction, MenuKind, Monster, Position};
    use wire::skill::Expectation;

    fn made(gesture: Gesture, expect: Expectation) -> Move {
        Move { skill: "wait".into(), version: None, action: "".into(), reason: "".into(), goal: None, gesture, expect }
    }

    fn on_floor() -> Observation {
        let leader = Monster { is_leader: true, position: Position { x: 4, y: 4 }, ..Monster::default() };
        Observation {
            screen: Screen::Command,
            floor: 1,
            turns_left: 900,
            leader: Some(0),
            monsters: vec![leader],
            ..Observation::default()
        }
    }

    fn effect_of(before: &Observation, change: impl FnOnce(&mut Observation)) -> Effect {
        let mut after = before.clone();
        change(&mut after);
        effect(before, &after, &made(keys::step(Direction::East), Expectation::Turn))
    }

    #[test]
    fn each_change_has_its_name() {
        let floor = on_floor();
        assert_eq!(effect_of(&floor, |after| after.monsters[0].position.x = 5), Effect::Moved);
        assert_eq!(effect_of(&floor, |after| after.turns_left -= 1), Effect::TurnPassed);
        assert_eq!(effect_of(&floor, |after| after.monsters[0].direction = Direction::East), Effect::Faced);
        let turned = |after: &mut Observation| {
            after.is_turning = true;
            after.monsters[0].direction = Direction::East;
        };
        assert_eq!(effect_of(&floor, turned), Effect::MenuChanged, "the mode begins with a look at the next foe");
        assert_eq!(effect_of(&floor, |after| after.screen = Screen::Menu(MenuKind::Main)), Effect::MenuChanged);
        assert_eq!(effect_of(&floor, |after| after.screen = Screen::Dialogue), Effect::TextChanged);
        assert_eq!(effect_of(&floor, |after| after.floor = 2), Effect::SceneChanged);
        assert_eq!(effect_of(&floor, |after| after.screen = Screen::Transition), Effect::SceneChanged);
        assert_eq!(effect_of(&floor, |after| after.message.push('x')), Effect::Other);
        assert_eq!(effect_of(&floor, |after| after.frame += 20), Effect::None);
        let menu = Observation { screen: Screen::Menu(MenuKind::List), ..on_floor() };
        assert_eq!(effect_of(&menu, |after| after.menu.cursor = 1), Effect::CursorMoved);
        assert_eq!(effect_of(&menu, |after| after.menu.page = 1), Effect::CursorMoved);
        assert_eq!(effect_of(&menu, |after| after.menu.actions.push(MenuAction::default())), Effect::MenuChanged);
        assert_eq!(effect_of(&menu, |_| {}), Effect::None);
        let choice = Observation { screen: Screen::Choice, ..on_floor() };
        assert_eq!(effect_of(&choice, |after| after.dialogue.cursor = 1), Effect::CursorMoved);
        assert_eq!(effect_of(&choice, |after| after.dialogue.text.push('x')), Effect::TextChanged);
    }

    #[test]
    fn waiting_without_keys_is_never_in_vain() {
        let floor = on_floor();
        let waited = effect(&floor, &floor, &made(keys::none(), Expectation::Nothing));
        assert_eq!(waited, Effect::Idle);
        assert!(waited.is_effective());
        assert!(!Effect::None.is_effective());
    }
}
