//! The core skills on a small made-up floor: they explore all of it, gather, eat, fight, and take the stairs.

#[path = "core/burrow.rs"]
mod burrow;

use burrow::{BERRY, Burrow, PEBBLES, TURNIP};
use skills::shelf::{Change, Checks, Shelf};
use skills::skill::Library;
use skills::stage::Stage;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use wire::skill::facts::Facts;
use wire::skill::trigger::Condition;
use wire::skill::{Act, Argument, Bearings, Candidate, Deed, Outcome, Phase, Sight, Turn};

/// The folder of all skills.
fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn library() -> Arc<Library> {
    static LIBRARY: OnceLock<Arc<Library>> = OnceLock::new();
    let load = || {
        let checks = Checks { compile: skills::script::compile, rehearse: |_, _| Ok(()) };
        let refreshed = Shelf::new(folder(), checks).refresh(&BTreeSet::new());
        let wrong = refreshed.changes.iter().filter(|change| matches!(change, Change::Rejected { .. }));
        let wrong: Vec<_> = wrong.map(|change| format!("{change:?}")).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        refreshed.library
    };
    LIBRARY.get_or_init(load).clone()
}

/// Who plays: the stage, and a pilot that asks every skill whose trigger holds.
struct Player {
    stage: Stage,
    running: Option<(String, i32)>,
    effect: &'static str,
    fruitless: u32,
    turns: u64,
    /// The skills that acted, in order, each once in a row.
    acted: Vec<String>,
    ended: Vec<(String, Outcome, String)>,
}

impl Player {
    fn new() -> Player {
        let mut stage = Stage::new();
        stage.use_library(library());
        stage.begin(0, Vec::new());
        let (acted, ended) = (Vec::new(), Vec::new());
        Player { stage, running: None, effect: "", fruitless: 0, turns: 0, acted, ended }
    }

    fn bearings(&self) -> Bearings {
        Bearings { phase: Phase::Playing, fruitless: self.fruitless, ..Bearings::default() }
    }

    /// Everybody whose trigger holds, and who runs, the most urgent first.
    fn offers(&self, burrow: &Burrow) -> Vec<(i32, Candidate)> {
        let facts = Facts::of(&burrow.seen, &self.bearings());
        let mut offers = BTreeMap::new();
        for skill in library().skills.values() {
            let card = skill.card();
            let holds = |when: &str| Condition::parse(when).expect("the shelf has checked it").holds(&facts);
            let held = card.triggers.iter().filter(|trigger| holds(&trigger.when)).map(|trigger| trigger.priority);
            let running = self.running.iter().filter(|(name, _)| *name == card.name).map(|(_, priority)| *priority);
            if let Some(priority) = held.chain(running).max() {
                offers.insert((-priority, card.name.clone()), candidate(&card.name, &[]));
            }
        }
        offers.into_iter().map(|((priority, _), candidate)| (-priority, candidate)).collect()
    }

    /// One turn of these candidates; nothing when nobody wants to act.
    fn ask(&mut self, burrow: &mut Burrow, offers: Vec<(i32, Candidate)>) -> Option<Act> {
        self.turns += 1;
        let candidates = offers.iter().map(|(_, candidate)| candidate.clone()).collect();
        let turned = self.stage.turn(Turn {
            id: self.turns,
            instance: 0,
            step: self.turns,
            sight: Sight::between(None, &burrow.seen),
            bearings: self.bearings(),
            effect: self.effect.to_string(),
            is_done: false,
            chance: self.turns,
            candidates,
        });
        for ended in turned.ended {
            assert_ne!(ended.outcome, Outcome::Fault, "{}: {}", ended.skill, ended.reason);
            self.running = self.running.take().filter(|(name, _)| *name != ended.skill);
            self.ended.push((ended.skill, ended.outcome, ended.reason));
        }
        let act = turned.act?;
        assert!(!act.reason.is_empty(), "{}: {} has no reason", act.skill, act.action);
        let priority = offers.iter().find(|(_, candidate)| candidate.skill == act.skill).map_or(0, |(own, _)| *own);
        self.running = Some((act.skill.clone(), priority));
        if self.acted.last() != Some(&act.skill) {
            self.acted.push(act.skill.clone());
        }
        let Deed::Keys { keys, .. } = &act.deed else { panic!("{} does more than press keys", act.skill) };
        self.effect = burrow.press(keys);
        self.fruitless = if self.effect == "none" { self.fruitless + 1 } else { 0 };
        Some(act)
    }

    /// Lets every skill play until a condition holds, and panics when it takes too long.
    fn play_until(&mut self, burrow: &mut Burrow, is_reached: impl Fn(&Burrow) -> bool) {
        const TURNS_MAX: u32 = 600;
        for _ in 0..TURNS_MAX {
            if is_reached(burrow) {
                return;
            }
            let offers = self.offers(burrow);
            self.ask(burrow, offers).expect("waiting is always possible");
        }
        panic!("after {TURNS_MAX} turns: {:?}, {:?}", self.acted, burrow.seen.leader());
    }

    /// Runs one skill alone until its run ends; returns how it ended and the actions it took.
    fn run(&mut self, burrow: &mut Burrow, skill: &str, arguments: &[(&str, Argument)]) -> (Outcome, Vec<String>) {
        const TURNS_MAX: u32 = 300;
        let mut actions = Vec::new();
        for _ in 0..TURNS_MAX {
            match self.ask(burrow, vec![(0, candidate(skill, arguments))]) {
                Some(act) => actions.push(act.action),
                None => return (self.ended.last().expect("a run that does not act ends").1, actions),
            }
        }
        panic!("{skill} does not end: {actions:?}");
    }
}

fn candidate(skill: &str, arguments: &[(&str, Argument)]) -> Candidate {
    let arguments = arguments.iter().map(|(name, value)| ((*name).to_string(), value.clone())).collect();
    Candidate { skill: skill.to_string(), revision: None, arguments }
}

fn text(value: &str) -> Argument {
    Argument::Text(value.to_string())
}

const TWO_ROOMS: [&str; 7] = [
    "##################",
    "#....#######.....#",
    "#.@..........!...#",
    "#....####.##.....#",
    "#########.##.....#",
    "#########....>...#",
    "##################",
];

#[test]
fn every_core_skill_loads() {
    let library = library();
    let core = std::fs::read_dir(folder().join("core")).expect("it is there");
    let folders = core.filter_map(Result::ok).filter(|entry| entry.path().is_dir()).count();
    assert_eq!(library.skills.len(), folders);
    for skill in library.skills.values() {
        assert!(skill.script.is_some(), "{}", skill.manifest.name);
    }
}

#[test]
fn a_floor_is_explored_to_its_last_tile() {
    let mut burrow = Burrow::new(&TWO_ROOMS);
    let (outcome, actions) = Player::new().run(&mut burrow, "explore", &[]);
    assert_eq!(outcome, Outcome::Success);
    assert!(actions.iter().all(|action| action.starts_with("step ")), "{actions:?}");
    assert!(burrow.is_explored());
}

#[test]
fn a_whole_floor_is_played() {
    let mut burrow = Burrow::new(&TWO_ROOMS);
    let mut player = Player::new();
    player.play_until(&mut burrow, |burrow| burrow.seen.floor == 3);
    assert_eq!(player.acted, ["explore", "pick-up", "take-stairs"]);
    assert_eq!(burrow.seen.bag.len(), 1);
}

#[test]
fn stairs_menu_is_closed_by_whoever_does_not_want_them() {
    let mut burrow = Burrow::new(&["#####", "#.@>#", "#####"]);
    let mut player = Player::new();
    burrow.press(&wire::keys::step(wire::observation::Direction::East).keys);
    player.play_until(&mut burrow, |burrow| burrow.is_on_command());
    assert_eq!(player.acted, ["close-menu"]);
    player.play_until(&mut burrow, |burrow| burrow.seen.floor == 3);
    assert_eq!(player.acted, ["close-menu", "take-stairs"]);
}

#[test]
fn foes_next_to_the_leader_are_faced_and_struck_until_they_are_gone() {
    let mut burrow = Burrow::new(&["######", "#.@f.#", "######"]);
    let mut player = Player::new();
    let (_, actions) = player.run(&mut burrow, "fight", &[]);
    assert_eq!(actions, ["face E", "attack E", "attack E", "attack E"]);
}

#[test]
fn coming_foes_are_waited_for_and_those_that_stay_are_gone_to() {
    let mut burrow = Burrow::new(&["#######", "#@..f.#", "#######"]);
    let (_, actions) = Player::new().run(&mut burrow, "fight", &[]);
    assert_eq!(actions.iter().filter(|action| *action == "pass a turn").count(), 5);
    assert_eq!(actions[5..8], ["step E", "step E", "attack E"]);
}

#[test]
fn a_foe_that_comes_into_sight_and_goes_again_is_not_waited_for_for_ever() {
    let mut burrow = Burrow::new(&["#######", "#@..f.#", "#######"]);
    let mut player = Player::new();
    let everybody = burrow.seen.monsters.clone();
    let mut waited = 0;
    for _ in 0..10 {
        for _ in 0..3 {
            let act = player.ask(&mut burrow, vec![(0, candidate("fight", &[]))]);
            waited += usize::from(act.is_some_and(|act| act.action == "pass a turn"));
        }
        burrow.seen.monsters.retain(|other| other.is_leader);
        assert!(player.ask(&mut burrow, vec![(0, candidate("fight", &[]))]).is_none(), "nobody is in sight");
        burrow.seen.monsters.clone_from(&everybody);
    }
    assert_eq!(waited, 15);
}

#[test]
fn a_map_that_does_not_close_is_taken_for_something_else() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    let mut player = Player::new();
    let mut pressed = |fruitless: u32| {
        burrow.seen.screen = wire::observation::Screen::FloorMap;
        player.fruitless = fruitless;
        player.ask(&mut burrow, vec![(0, candidate("close-menu", &[]))]).expect("it presses something").action
    };
    assert_eq!(pressed(0), "press B");
    let others: Vec<String> = (0..10).map(|_| pressed(4)).collect();
    assert!(others.iter().any(|action| action != "press B"), "{others:?}");
}

#[test]
fn set_pebbles_are_thrown_along_a_line_after_turning_on_the_spot() {
    let mut burrow = Burrow::new(&["#######", "#@..f.#", "#######"]);
    burrow.carry(&[BERRY, PEBBLES]);
    let (_, actions) = Player::new().run(&mut burrow, "fight", &[]);
    let thrown = ["turn in place", "face E", "stop turning", "throw the set item"];
    assert_eq!(actions[..4], thrown);
}

#[test]
fn crowds_are_met_where_few_can_reach_the_leader() {
    let mut burrow = Burrow::new(&["############", "####....f..#", "#.....@....#", "####....f..#", "############"]);
    let act = Player::new().ask(&mut burrow, vec![(0, candidate("fight", &[]))]).expect("foes are near");
    assert_eq!(act.action, "step W");
}

#[test]
fn sleeping_foes_are_hunted() {
    let mut burrow = Burrow::new(&["#######", "#@..z.#", "#######"]);
    let (outcome, actions) = Player::new().run(&mut burrow, "hunt", &[]);
    assert_eq!(outcome, Outcome::Success);
    assert_eq!(actions, ["step E", "step E", "attack E", "attack E", "attack E"]);
}

#[test]
fn hunger_is_stilled_through_the_menus_key_by_key() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    burrow.carry(&[BERRY, TURNIP]);
    burrow.seen.belly.value = 40;
    let (outcome, actions) = Player::new().run(&mut burrow, "eat", &[]);
    assert_eq!(outcome, Outcome::Success);
    assert_eq!(burrow.seen.belly.value, 90);
    let keys = ["open the menu", "press DOWN", "press A (items)", "press DOWN", "press A (item 82)"];
    assert_eq!(actions[..5], keys);
    assert_eq!(actions[5..], ["press DOWN", "press A (action 0xd)"]);
}

#[test]
fn items_on_later_pages_are_found() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    let mut bag = [BERRY; 14];
    bag[12] = TURNIP;
    burrow.carry(&bag);
    burrow.seen.belly.value = 40;
    let (outcome, actions) = Player::new().run(&mut burrow, "eat", &[]);
    assert_eq!((outcome, burrow.seen.belly.value), (Outcome::Success, 90), "{actions:?}");
    assert!(actions.contains(&"press RIGHT".to_string()));
}

#[test]
fn what_cannot_be_used_is_not_tried_again_on_the_floor() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    burrow.carry(&[TURNIP]);
    burrow.cannot_eat = true;
    let mut player = Player::new();
    burrow.seen.belly.value = 40;
    let (outcome, actions) = player.run(&mut burrow, "eat", &[]);
    assert_eq!(outcome, Outcome::Failure);
    assert!(!actions.is_empty());
    assert!(burrow.is_on_command(), "the menus that it opened are closed again");
    assert_eq!(player.run(&mut burrow, "eat", &[]), (Outcome::Failure, Vec::new()));
    burrow.seen.floor += 1;
    assert!(!player.run(&mut burrow, "eat", &[]).1.is_empty(), "another floor is another chance");
}

#[test]
fn an_item_that_is_not_in_the_bag_takes_no_key() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    let ended = Player::new().run(&mut burrow, "use-item", &[("item", Argument::Number(71.0))]);
    assert_eq!(ended, (Outcome::Failure, Vec::new()));
}

#[test]
fn low_hit_points_are_healed_before_anything_else() {
    let mut burrow = Burrow::new(&["#####", "#@f.#", "#####"]);
    burrow.carry(&[TURNIP, BERRY]);
    burrow.hurt(6);
    let mut player = Player::new();
    player.play_until(&mut burrow, |burrow| {
        burrow.seen.leader().is_some_and(|own| own.hp.is_some_and(|hp| hp.value > 6))
    });
    assert_eq!(player.acted, ["flee"]);
    player.play_until(&mut burrow, |burrow| burrow.foes() == 0);
    assert_eq!(player.acted, ["flee", "fight"]);
}

#[test]
fn who_has_no_berry_flees_down_near_stairs_unless_cut_off() {
    let mut burrow = Burrow::new(&["######", "#>@f.#", "######"]);
    burrow.hurt(6);
    let mut player = Player::new();
    player.play_until(&mut burrow, |burrow| burrow.seen.floor == 3);
    assert_eq!(player.acted, ["flee"]);
    let mut burrow = Burrow::new(&["########", "#>.f.@.#", "########"]);
    burrow.hurt(6);
    let offers = player.offers(&burrow);
    let act = player.ask(&mut burrow, offers).expect("a foe is near");
    assert_ne!(act.skill, "flee");
}

#[test]
fn wounds_are_rested_off() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    burrow.hurt(20);
    let (outcome, actions) = Player::new().run(&mut burrow, "rest", &[]);
    assert_eq!(outcome, Outcome::Success);
    assert_eq!(actions, vec!["pass a turn"; 19], "39 of 40 is well");
}

#[test]
fn strangers_are_met_and_spoken_to_once() {
    let mut burrow = Burrow::new(&["#######", "#@...n#", "#######"]);
    let mut player = Player::new();
    let (outcome, actions) = player.run(&mut burrow, "join-ally", &[]);
    assert_eq!(outcome, Outcome::Success);
    assert_eq!(actions, ["step E", "step E", "step E", "press A (talk)"]);
    assert_eq!(player.run(&mut burrow, "join-ally", &[]).1, Vec::<String>::new());
}

#[test]
fn presses_without_effect_end_in_random_steps() {
    let mut burrow = Burrow::new(&["######", "#.@. #", "#...##", "######"]);
    let mut player = Player::new();
    player.fruitless = 6;
    let offers = player.offers(&burrow);
    let act = player.ask(&mut burrow, offers).expect("it is stuck");
    assert_eq!(act.skill, "recover-when-stuck");
    let steps = (0..11).map(|_| player.ask(&mut burrow, vec![(80, candidate("recover-when-stuck", &[]))]).is_some());
    assert_eq!(steps.filter(|acted| *acted).count(), 11);
    assert!(player.ask(&mut burrow, vec![(80, candidate("recover-when-stuck", &[]))]).is_none(), "twelve in all");
}

#[test]
fn the_leader_looks_where_it_should_without_a_turn() {
    let mut burrow = Burrow::new(&["#####", "#.@.#", "#####"]);
    let turns_left = burrow.seen.turns_left;
    let (outcome, actions) = Player::new().run(&mut burrow, "face", &[("direction", text("W"))]);
    assert_eq!((outcome, burrow.seen.turns_left), (Outcome::Success, turns_left));
    assert_eq!(actions, ["turn in place", "face W", "stop turning"]);
}
