use super::*;
use crate::brain::effect;
use crate::decode::Decoder;
use crate::decode::largest_floor::{DUNGEON_ADDRESS, full_snapshot, poke};
use crate::profile::Profiles;
use proptest::prelude::*;
use wire::items::action;
use wire::observation::{
    BagItem, Dialogue, FloorItem, MenuAction, MenuKind, Meter, Monster, NO_ROOM, Terrain, Tile, Trap,
};

const BERRY: u8 = 55;
const TURNIP: u8 = 82;
const PEBBLES: u8 = 8;

/// A floor drawn with letters: `#` wall, `.` floor, space unknown, `@` leader, `f` foe, `z` sleeping foe, `n` neutral
/// one, `a` ally, `!` item, `^` trap, `>` stairs.
fn floor(rows: &[&str]) -> Observation {
    let mut observation = Observation {
        screen: Screen::Command,
        dungeon: 1,
        floor: 2,
        last_floor: 20,
        turns_left: 900,
        belly: Meter { value: 90, max: 100 },
        ..Observation::default()
    };
    observation.tiles.fill(Tile { room: NO_ROOM, ..Tile::default() });
    let mut monsters = Vec::new();
    for (y, row) in rows.iter().enumerate() {
        for (x, letter) in row.chars().enumerate() {
            let position = Position { x: x as i16, y: y as i16 };
            let terrain = match letter {
                ' ' => continue,
                '#' => Terrain::Wall,
                _ => Terrain::Floor,
            };
            let stairs = letter == '>';
            observation.tiles[position.index().unwrap()] =
                Tile { terrain, revealed: true, visited: true, stairs, room: NO_ROOM, walkable: 0 };
            match letter {
                '>' => observation.stairs = Some(position),
                '!' => observation.items.push(FloorItem { position, item: BERRY, ..FloorItem::default() }),
                '^' => observation.traps.push(Trap { position, kind: 0 }),
                '@' | 'a' | 'f' | 'z' | 'n' => monsters.push((letter, position)),
                _ => {}
            }
        }
    }
    monsters.sort_by_key(|(letter, _)| ["@", "a"].iter().position(|own| own.starts_with(*letter)).unwrap_or(9));
    for (slot, (letter, position)) in monsters.into_iter().enumerate() {
        observation.monsters.push(monster(slot as u8, letter, position));
    }
    observation.leader = Some(0);
    let open = |place: Position| observation.tile(place).is_some_and(|tile| tile.terrain == Terrain::Floor);
    let steps: Vec<u8> =
        (0..observation.tiles.len()).map(|index| steps_from(wire::ways::place_of(index), &open)).collect();
    observation.tiles.iter_mut().zip(steps).for_each(|(tile, walkable)| tile.walkable = walkable);
    observation
}

fn steps_from(place: Position, open: &impl Fn(Position) -> bool) -> u8 {
    let allowed = |direction: &Direction| {
        let (x, y) = direction.delta();
        let corners = [Position { x: place.x + x, y: place.y }, Position { x: place.x, y: place.y + y }];
        open(place.step(*direction)) && (!direction.is_diagonal() || corners.into_iter().all(open))
    };
    if !open(place) {
        return 0;
    }
    DIRECTIONS.into_iter().filter(allowed).fold(0, |steps, direction| steps | 1 << direction as u8)
}

fn monster(slot: u8, letter: char, position: Position) -> Monster {
    let is_team = matches!(letter, '@' | 'a');
    Monster {
        slot,
        spawn_id: 10 + u16::from(slot),
        is_team,
        is_leader: letter == '@',
        is_neutral: letter == 'n',
        species: 3,
        level: 2,
        position,
        direction: Direction::South,
        hp: is_team.then_some(Meter { value: 40, max: 40 }),
        is_incapacitated: letter == 'z',
        ..Monster::default()
    }
}

fn hurt(observation: &mut Observation, value: i32) {
    observation.monsters[0].hp = Some(Meter { value, max: 40 });
}

fn carry(observation: &mut Observation, items: &[u8]) {
    observation.bag = items
        .iter()
        .enumerate()
        .map(|(slot, item)| BagItem {
            slot: slot as u8,
            item: *item,
            quantity: 1,
            sticky: false,
            set: *item == PEBBLES,
        })
        .collect();
}

fn profile() -> Profile {
    Profiles::built_in().named("burrow").unwrap().clone()
}

/// Burrow's declared fields while a run is on.
fn playing(observation: &mut Observation) {
    observation.fields = vec![1, 0, 0, 0];
}

fn decide(observation: &Observation) -> Move {
    let mut observation = observation.clone();
    playing(&mut observation);
    Rules::new(1).decide(&observation, &profile())
}

fn says(observation: &Observation) -> (String, String) {
    let chosen = decide(observation);
    (chosen.skill.into_owned(), chosen.action.into_owned())
}

/// Presses every key until the keys end, so that a test reads like a player's hands.
fn keys_of(chosen: &Move) -> u16 {
    chosen.gesture.keys.iter().fold(0, |all, keys| all | keys)
}

const A: u16 = Button::A as u16;
const B: u16 = Button::B as u16;

#[test]
fn the_nearest_end_of_the_map_is_explored_first() {
    let observation = floor(&["#########", "#...@.   ", "#########"]);
    assert_eq!(says(&observation), ("explore".to_owned(), "step E".to_owned()));
    let observation = floor(&["#########", " .@....  ", "#########"]);
    assert_eq!(says(&observation), ("explore".to_owned(), "step W".to_owned()));
}

#[test]
fn corners_are_not_cut() {
    let observation = floor(&["#####", "#@#  ", "#..  ", "#####"]);
    assert_eq!(says(&observation), ("explore".to_owned(), "step S".to_owned()));
}

#[test]
fn known_traps_are_walked_around_and_over_only_when_they_bar_the_way() {
    let observation = floor(&["#######", "#@^.   ", "#...   ", "#######"]);
    assert_eq!(says(&observation), ("explore".to_owned(), "step SE".to_owned()).clone());
    let observation = floor(&["#######", "#@^.   ", "#######"]);
    assert_eq!(says(&observation), ("explore".to_owned(), "step E".to_owned()));
}

#[test]
fn items_are_taken_up_before_the_map_is_explored() {
    let observation = floor(&["########", "#!..@.  ", "########"]);
    assert_eq!(says(&observation), ("pick-up".to_owned(), "step W".to_owned()));
    let mut observation = observation;
    carry(&mut observation, &[BERRY; 20]);
    assert_eq!(says(&observation), ("explore".to_owned(), "step E".to_owned()), "the bag is full");
}

#[test]
fn stairs_are_taken_when_nothing_else_is_left() {
    let observation = floor(&["#######", "#@...>#", "#######"]);
    let chosen = decide(&observation);
    assert_eq!((chosen.skill.as_ref(), chosen.action.as_ref()), ("take-stairs", "step E"));
    assert_eq!(chosen.goal.as_deref(), Some("take the stairs of floor 2"));
    let observation = floor(&["#######", "#@.>...  ", "#.......", "#######"]);
    assert_eq!(says(&observation).0, "explore", "stairs wait while the map has ends");
}

#[test]
fn stairs_menu_is_confirmed_only_when_the_stairs_are_wanted() {
    let mut menu = floor(&["#######", "#...@>#", "#######"]);
    playing(&mut menu);
    let stay = MenuAction { action: 0x39, selectable: true };
    let proceed = MenuAction { action: action::STAIRS, selectable: true };
    let mut rules = Rules::new(1);
    let walking = menu.clone();
    menu.screen = Screen::Menu(MenuKind::List);
    menu.menu.actions = vec![stay, proceed];
    assert_eq!(keys_of(&rules.decide(&menu, &profile())), B, "not wanted yet");
    rules.decide(&walking, &profile());
    assert_eq!(keys_of(&rules.decide(&menu, &profile())), Button::Down as u16);
    menu.menu.cursor = 1;
    assert_eq!(keys_of(&rules.decide(&menu, &profile())), A);
}

#[test]
fn foes_next_to_the_leader_are_faced_and_then_struck() {
    let mut observation = floor(&["######", "#.@f.#", "######"]);
    assert_eq!(says(&observation), ("fight".to_owned(), "face E".to_owned()));
    observation.monsters[0].direction = Direction::East;
    let chosen = decide(&observation);
    assert_eq!((chosen.action.as_ref(), keys_of(&chosen)), ("attack E", A));
}

#[test]
fn foes_around_a_corner_are_not_struck() {
    let observation = floor(&["######", "#@#..#", "#.f..#", "######"]);
    assert_eq!(says(&observation), ("fight".to_owned(), "pass a turn".to_owned()));
}

#[test]
fn coming_foes_are_waited_for_so_that_the_leader_strikes_first() {
    let observation = floor(&["#######", "#@..f.#", "#######"]);
    let chosen = decide(&observation);
    assert_eq!((chosen.skill.as_ref(), keys_of(&chosen)), ("fight", A | B));
    assert_eq!(chosen.gesture.keys.iter().filter(|keys| **keys != 0).count(), 1, "held longer it passes more turns");
}

#[test]
fn foes_that_do_not_come_are_gone_to() {
    let mut observation = floor(&["#######", "#@..f.#", "#######"]);
    playing(&mut observation);
    let mut rules = Rules::new(1);
    let actions: Vec<_> = (0..8).map(|_| rules.decide(&observation, &profile()).action).collect();
    assert_eq!(actions.iter().filter(|action| *action == "pass a turn").count(), 5);
    assert_eq!(actions[7], "step E");
}

#[test]
fn pebbles_are_thrown_along_a_line_after_turning_on_the_spot() {
    let mut observation = floor(&["#######", "#@..f.#", "#######"]);
    playing(&mut observation);
    carry(&mut observation, &[BERRY, PEBBLES]);
    let mut rules = Rules::new(1);
    let mut press = |observation: &Observation| rules.decide(observation, &profile());
    assert_eq!(keys_of(&press(&observation)), Button::Start as u16);
    observation.is_turning = true;
    assert_eq!(keys_of(&press(&observation)), Button::Right as u16);
    observation.monsters[0].direction = Direction::East;
    let stop = press(&observation);
    assert_eq!(stop.gesture.keys[..2], [B, 0], "held any longer it would open the menu");
    observation.is_turning = false;
    let thrown = press(&observation);
    assert_eq!((thrown.skill.as_ref(), keys_of(&thrown)), ("throw", Button::L as u16 | Button::R as u16));
}

#[test]
fn throws_that_lead_nowhere_are_given_up() {
    let mut observation = floor(&["#######", "#@..f.#", "#######"]);
    playing(&mut observation);
    carry(&mut observation, &[PEBBLES]);
    let mut rules = Rules::new(1);
    let skills: Vec<_> = (0..12)
        .map(|_| {
            let chosen = rules.decide(&observation, &profile());
            rules.note(if chosen.skill == "throw" { Effect::None } else { Effect::TurnPassed });
            chosen.skill
        })
        .collect();
    assert!(skills[..4].iter().all(|skill| *skill == "throw"), "{skills:?}");
    assert!(skills[6..].iter().all(|skill| *skill != "throw"), "{skills:?}");
}

#[test]
fn crowds_are_met_where_few_can_reach_the_leader() {
    let observation = floor(&["############", "####....f..#", "#.....@....#", "####....f..#", "############"]);
    let chosen = decide(&observation);
    assert_eq!((chosen.skill.as_ref(), chosen.action.as_ref()), ("fight", "step W"));
}

#[test]
fn low_hit_points_are_healed_from_the_bag_key_by_key() {
    let mut observation = floor(&["#######", "#..@f.#", "#######"]);
    playing(&mut observation);
    hurt(&mut observation, 6);
    carry(&mut observation, &[TURNIP, BERRY]);
    let mut rules = Rules::new(1);
    let mut press = |observation: &Observation| rules.decide(observation, &profile());
    let opening = press(&observation);
    assert_eq!((opening.skill.as_ref(), keys_of(&opening)), ("use-item", B));
    assert_eq!(
        opening.gesture.keys.iter().filter(|keys| **keys == B).count(),
        3,
        "the menu opens after 2 to 11 frames"
    );
    observation.screen = Screen::Menu(MenuKind::Main);
    assert_eq!(keys_of(&press(&observation)), Button::Down as u16);
    observation.menu.cursor = 1;
    assert_eq!(keys_of(&press(&observation)), A);
    observation.screen = Screen::Menu(MenuKind::List);
    observation.menu.cursor = 0;
    assert_eq!(keys_of(&press(&observation)), Button::Down as u16, "the berry is the second item");
    observation.menu.cursor = 1;
    assert_eq!(keys_of(&press(&observation)), A);
    let entry = |action| MenuAction { action, selectable: true };
    observation.menu.actions = vec![entry(0x08), entry(action::EAT)];
    observation.menu.cursor = 0;
    assert_eq!(keys_of(&press(&observation)), Button::Down as u16);
    observation.menu.cursor = 1;
    assert_eq!(keys_of(&press(&observation)), A);
}

#[test]
fn items_on_later_pages_are_found() {
    let mut observation = floor(&["#######", "#..@f.#", "#######"]);
    playing(&mut observation);
    hurt(&mut observation, 6);
    let mut items = [TURNIP; 14];
    items[12] = BERRY;
    carry(&mut observation, &items);
    let mut rules = Rules::new(1);
    rules.decide(&observation, &profile());
    observation.screen = Screen::Menu(MenuKind::List);
    observation.menu.entries_per_page = 8;
    assert_eq!(keys_of(&rules.decide(&observation, &profile())), Button::Right as u16);
    (observation.menu.page, observation.menu.cursor) = (1, 4);
    assert_eq!(keys_of(&rules.decide(&observation, &profile())), A);
}

#[test]
fn low_hit_points_without_berries_make_the_leader_flee_down_near_stairs() {
    let mut observation = floor(&["########", "#>..@f.#", "########"]);
    hurt(&mut observation, 6);
    assert_eq!(says(&observation), ("flee".to_owned(), "step W".to_owned()));
    let mut cut_off = floor(&["########", "#>.f.@.#", "########"]);
    hurt(&mut cut_off, 6);
    assert_ne!(says(&cut_off).0, "flee");
}

#[test]
fn wounds_are_rested_off_while_no_foe_is_in_sight() {
    let mut observation = floor(&["#######", "#..@.  ", "#######"]);
    hurt(&mut observation, 20);
    assert_eq!(says(&observation).0, "rest");
    observation.belly.value = 10;
    assert_eq!(says(&observation).0, "explore", "resting costs belly");
}

#[test]
fn food_is_eaten_when_the_belly_has_room_for_it() {
    let mut observation = floor(&["#######", "#..@.  ", "#######"]);
    carry(&mut observation, &[TURNIP]);
    assert_eq!(says(&observation).0, "explore");
    observation.belly.value = 40;
    assert_eq!(says(&observation).0, "eat");
}

#[test]
fn strangers_are_met_and_asked_along() {
    let mut observation = floor(&["#######", "#@...n#", "#######"]);
    assert_eq!(says(&observation), ("join-ally".to_owned(), "step E".to_owned()));
    observation = floor(&["#######", "#...@n#", "#######"]);
    assert_eq!(says(&observation), ("join-ally".to_owned(), "face E".to_owned()));
    observation.monsters[0].direction = Direction::East;
    assert_eq!(says(&observation), ("join-ally".to_owned(), "press A (talk)".to_owned()));
    observation.screen = Screen::Choice;
    observation.dialogue = Dialogue { text: "May I come with you?".to_owned(), cursor: 0 };
    assert_eq!(keys_of(&decide(&observation)), A);
    observation.dialogue.cursor = 1;
    assert_eq!(keys_of(&decide(&observation)), Button::Up as u16);
    observation.dialogue.text = "Give up this run?".to_owned();
    assert_eq!(keys_of(&decide(&observation)), B);
}

#[test]
fn nothing_that_nobody_wanted_stays_open() {
    let mut observation = floor(&["#######", "#..@.  ", "#######"]);
    for screen in
        [Screen::Menu(MenuKind::Main), Screen::Menu(MenuKind::List), Screen::Menu(MenuKind::Log), Screen::FloorMap]
    {
        observation.screen = screen;
        let chosen = decide(&observation);
        assert_eq!((chosen.skill.as_ref(), keys_of(&chosen)), ("close-menu", B), "{screen:?}");
    }
}

#[test]
fn title_and_end_screens_are_left() {
    let mut observation = Observation { screen: Screen::Title, fields: vec![0, 0, 0, 0], ..Observation::default() };
    let mut rules = Rules::new(1);
    assert_eq!(keys_of(&rules.decide(&observation, &profile())), Button::Start as u16);
    rules.note(Effect::None);
    assert_eq!(keys_of(&rules.decide(&observation, &profile())), A, "START has done nothing");
    observation.screen = Screen::Transition;
    for state in [2, 3] {
        observation.fields[0] = state;
        let chosen = Rules::new(1).decide(&observation, &profile());
        assert_eq!((chosen.skill.as_ref(), keys_of(&chosen)), ("start-game", Button::Start as u16));
    }
    observation.fields[0] = 1;
    assert_eq!(keys_of(&decide(&observation)), 0, "between floors no key is pressed");
}

#[test]
fn steps_that_fail_are_not_tried_again_and_again() {
    let mut observation = floor(&["#######", "#..@.  ", "#######"]);
    playing(&mut observation);
    let mut rules = Rules::new(1);
    let first = rules.decide(&observation, &profile());
    assert_eq!(first.action, "step E");
    let what = effect(&observation, &observation, &first);
    assert_eq!(what, Effect::None);
    rules.note(what);
    assert_ne!(rules.decide(&observation, &profile()).action, "step E");
}

#[test]
fn presses_without_effect_end_in_random_steps() {
    let mut observation = floor(&["#######", "#..@.  ", "#######"]);
    playing(&mut observation);
    let mut rules = Rules::new(1);
    let mut skills = Vec::new();
    for _ in 0..20 {
        skills.push(rules.decide(&observation, &profile()).skill);
        rules.note(Effect::None);
    }
    assert!(skills.contains(&Cow::Borrowed("recover-when-stuck")), "{skills:?}");
}

#[test]
fn a_goal_is_named_once() {
    let mut observation = floor(&["#######", "#..@.  ", "#######"]);
    playing(&mut observation);
    let mut rules = Rules::new(1);
    assert_eq!(rules.decide(&observation, &profile()).goal.as_deref(), Some("explore floor 2"));
    assert_eq!(rules.decide(&observation, &profile()).goal, None);
}

#[test]
fn a_restored_planner_goes_on_as_the_saved_one() {
    let mut observation = floor(&["#######", "#..@...", "#..#...", "#......"]);
    playing(&mut observation);
    let mut rules = Rules::new(7);
    for _ in 0..5 {
        rules.decide(&observation, &profile());
        rules.note(Effect::None);
    }
    let mut restored = Rules::new(0);
    restored.restore(&rules.save()).unwrap();
    for _ in 0..40 {
        assert_eq!(rules.decide(&observation, &profile()), restored.decide(&observation, &profile()));
        rules.note(Effect::None);
        restored.note(Effect::None);
    }
    let before = restored.save();
    restored.restore(b"not a planner").unwrap_err();
    assert_eq!(restored.save(), before, "what is refused leaves the memory as it was");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_move_is_one_that_hands_can_make(pokes in prop::collection::vec((0_u32..0x1CEDC, any::<u8>()), 0..40), windows in 0_u8..11, dialogue in 0_u8..12) {
        let mut snapshot = full_snapshot();
        for (offset, value) in pokes {
            poke(&mut snapshot, DUNGEON_ADDRESS + offset, &[value]);
        }
        poke(&mut snapshot, 0x0203_C03C, &[1]);
        poke(&mut snapshot, 0x0202_EDD0, &[windows]);
        poke(&mut snapshot, 0x0202_E744, &[if dialogue < 6 { 0 } else { dialogue }]);
        let mut observation = Observation::default();
        let mut decoder = Decoder::new(&profile(), true);
        let _ = decoder.decode(&snapshot, &mut observation);
        for name in crate::brain::BRAIN_NAMES {
            let mut brain = crate::brain::brain(name, 3).unwrap();
            for _ in 0..30 {
                let chosen = brain.decide(&observation, &profile());
                prop_assert!(chosen.gesture.keys.iter().all(|keys| wire::buttons::is_valid(*keys)));
                prop_assert_eq!(chosen.gesture.keys.last(), Some(&0));
                prop_assert!(chosen.gesture.keys.len() <= chosen.gesture.frames_max as usize);
                brain.note(effect(&observation, &observation, &chosen));
            }
        }
    }
}
