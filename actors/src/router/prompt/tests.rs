//! Prompts read well, stay the same where nothing changes, and fit.

use super::*;
use crate::router::{Offer, Outcome};
use proptest::prelude::*;
use std::path::PathBuf;
use wire::decision::Basis;
use wire::observation::{
    BagItem, Direction, FloorItem, MAP_WIDTH, Meter, Monster, Observation, Position, Screen, TILES, Terrain, Tile, Trap,
};
use wire::ring::Snapshot;
use wire::skill::{Argument, Bearings, Parameter, Phase};

const ROOMS: [&str; 9] = [
    "#######     #########",
    "#.....#     #.......#",
    "#.....#######...^...#",
    "#...................#",
    "#.....#######.......#",
    "#.....#     #......>#",
    "#######     #..~~...#",
    "            #..~~...#",
    "            #########",
];
const LEADER: Position = Position { x: 14, y: 13 };

pub(super) fn tier() -> TierSettings {
    TierSettings {
        name: "local".to_string(),
        backend: "server".to_string(),
        folder: PathBuf::new(),
        dtype: "auto".to_string(),
        batch: 0,
        url: String::new(),
        model: "small".to_string(),
        dialect: "auto".to_string(),
        key_variable: String::new(),
        pictures: 1,
        picture_scale: 2,
        state: "text".to_string(),
        map: true,
        memories: 3,
        context_tokens: 8192,
        answer_tokens: 256,
        concurrency: 4,
        input_price: 0.0,
        output_price: 0.0,
    }
}

fn place(x: i16, y: i16) -> Position {
    Position { x, y }
}

fn seen() -> Observation {
    let mut seen = Observation {
        frame: 1234,
        screen: Screen::Command,
        dungeon: 1,
        floor: 3,
        last_floor: 10,
        turns_left: 230,
        turns: 871,
        money: 120,
        belly: Meter { value: 55, max: 100 },
        leader: Some(0),
        message: "Took 4 damage!\n".to_string(),
        stairs: Some(place(29, 15)),
        ..Observation::default()
    };
    for (y, row) in ROOMS.into_iter().enumerate() {
        for (x, letter) in row.chars().enumerate() {
            let terrain = match letter {
                ' ' => Terrain::Unknown,
                '#' => Terrain::Wall,
                '~' => Terrain::Secondary,
                _ => Terrain::Floor,
            };
            seen.tiles[(y + 10) * MAP_WIDTH + x + 10] = Tile { terrain, revealed: true, ..Tile::default() };
        }
    }
    let hp = Some(Meter { value: 21, max: 40 });
    let leader = Monster {
        is_team: true,
        is_leader: true,
        level: 7,
        position: LEADER,
        direction: Direction::East,
        hp,
        is_ailing: true,
        ..Monster::default()
    };
    let foe = Monster { slot: 5, species: 12, level: 6, position: place(16, 13), ..Monster::default() };
    let asleep = Monster { slot: 4, species: 31, level: 9, position: place(24, 11), is_incapacitated: true, ..foe };
    let ally =
        Monster { slot: 1, species: 4, level: 5, is_team: true, position: place(13, 14), hp, ..Monster::default() };
    seen.monsters.extend([leader, ally, asleep, foe]);
    seen.items.push(FloorItem { position: place(12, 11), item: 55, quantity: 1, in_shop: false });
    seen.traps.push(Trap { position: place(26, 12), kind: 2 });
    let bag = |slot, item, quantity| BagItem { slot, item, quantity, sticky: false, set: false };
    seen.bag.extend([bag(0, 103, 1), bag(1, 3, 6), bag(2, 103, 1), bag(3, 20, 1)]);
    seen
}

fn offer(skill: &str, description: &str, why: &str) -> Offer {
    Offer {
        skill: skill.to_string(),
        description: description.to_string(),
        parameters: Vec::new(),
        arguments: Vec::new(),
        why: why.to_string(),
        priority: 10,
        is_running: false,
    }
}

fn parameter(name: &str, kind: &str, description: &str) -> Parameter {
    let (name, kind, description) = (name.to_string(), kind.to_string(), description.to_string());
    Parameter { name, kind, description, default: None, min: None, max: None, one_of: Vec::new() }
}

fn inquiry() -> Inquiry {
    let slot = Parameter {
        min: Some(-1.0),
        max: Some(19.0),
        default: Some(Argument::Number(-1.0)),
        ..parameter("slot", "integer", "slot of the one to strike; -1: whoever is near")
    };
    let direction =
        Parameter { one_of: vec!["E".into(), "W".into()], ..parameter("direction", "text", "where to throw") };
    let fight = Offer {
        parameters: vec![slot],
        is_running: true,
        ..offer("fight", "Fights the foes in sight.", "enemy_distance <= 3")
    };
    let throw = Offer {
        parameters: vec![direction],
        arguments: vec![("direction".to_string(), Argument::Text("E".to_string()))],
        ..offer("throw", "Throws the first missile of the bag.", "missiles > 0\n    and enemies > 0")
    };
    let explore = offer("explore", "Walks to where the known map ends.", "true");
    let outcome = |action: &str, effect: &str, hp_lost| Outcome {
        step: 9,
        skill: "fight".to_string(),
        action: action.to_string(),
        effect: effect.to_string(),
        is_effective: effect != "none",
        hp_lost,
    };
    let pixels = vec![0x1F; 240 * 160 * 2];
    Inquiry {
        instance: 3,
        step: 77,
        life: 2,
        basis: Basis { frame: 1234, epoch: 1, frame_hash: Hash::of([pixels.as_slice()]), ram_hash: Hash(5) },
        frame: Arc::new(Snapshot { width: 240, height: 160, pixels, ..Snapshot::default() }),
        picture: 99,
        seen: Arc::new(seen()),
        bearings: Bearings {
            phase: Phase::Playing,
            fruitless: 1,
            unproductive: 57,
            hardest_hit: 4,
            ..Bearings::default()
        },
        offers: vec![fight, throw, explore],
        outcomes: vec![
            outcome("step E", "moved", 0),
            outcome("step E", "moved", 0),
            outcome("attack E", "turn passed", 4),
            outcome("step E", "none", 0),
        ],
        memories: vec!["here fight was done 12 times, and 3 hit points were lost each time".to_string()],
        novelty: None,
        guidance: Arc::new(vec![
            ("stairs".to_string(), "Go down before the belly is empty.".to_string()),
            ("allies".to_string(), "Let allies fight beside you.".to_string()),
        ]),
    }
}

fn packer() -> Packer {
    Packer::new(None, "Go down as many floors as possible.".to_string())
}

fn whole(prompt: &Prompt) -> String {
    format!("{}\n=====\n{}\n", prompt.system, prompt.user)
}

#[test]
fn a_prompt_reads_as_it_always_did() {
    let text = whole(&packer().pack(&tier(), &inquiry()));
    let golden = include_str!("golden.txt");
    assert!(text == golden, "the prompt reads now:\n{text}");
}

#[test]
fn the_same_situation_gives_the_same_bytes() {
    let packer = packer();
    let first = packer.pack(&tier(), &inquiry());
    let mut later = inquiry();
    (later.instance, later.step, later.life, later.picture) = (0, 90, 3, 7);
    later.basis = Basis { frame: 99, epoch: 4, ram_hash: Hash(8), ..later.basis };
    later.outcomes.iter_mut().for_each(|outcome| outcome.step += 13);
    later.bearings.unproductive = 41;
    Arc::make_mut(&mut later.guidance).reverse();
    let seen = Arc::make_mut(&mut later.seen);
    (seen.frame, seen.turns, seen.turns_left, seen.keys_seen) = (99, 900, 201, 3);
    seen.monsters.swap(2, 3);
    seen.bag.reverse();
    let second = packer.pack(&tier(), &later);
    assert_eq!(whole(&first), whole(&second));
    assert_eq!((first.key, &first.schema, first.tokens), (second.key, &second.schema, second.tokens));
}

#[test]
fn the_first_part_is_the_same_whatever_is_seen_and_offered() {
    let packer = packer();
    let first = packer.pack(&tier(), &inquiry());
    let mut other = inquiry();
    other.seen = Arc::new(Observation::default());
    other.offers.truncate(1);
    other.memories = vec!["x".repeat(300); 50];
    let second = packer.pack(&tier(), &other);
    assert!(Arc::ptr_eq(&first.system, &second.system));
    assert!(first.system.contains("# allies\nLet allies") && first.system.contains("floors as possible."));
    assert_ne!(first.key, second.key);
}

#[test]
fn the_key_names_all_that_a_model_is_shown() {
    let packer = packer();
    let key = |tier: &TierSettings, inquiry: &Inquiry| packer.pack(tier, inquiry).key;
    let here = key(&tier(), &inquiry());
    let mut pixels = inquiry();
    pixels.basis.frame_hash = Hash(1);
    let mut told = inquiry();
    told.memories.clear();
    let mut offered = inquiry();
    offered.offers[0].parameters[0].max = Some(18.0);
    let blind = TierSettings { pictures: 0, ..tier() };
    let others = [
        key(&tier(), &pixels),
        key(&tier(), &told),
        key(&tier(), &offered),
        key(&blind, &inquiry()),
        key(&TierSettings { name: "8b".into(), ..tier() }, &inquiry()),
        key(&TierSettings { model: "large".into(), ..tier() }, &inquiry()),
        key(&TierSettings { picture_scale: 1, ..tier() }, &inquiry()),
    ];
    let all: std::collections::BTreeSet<_> = others.into_iter().chain([here]).collect();
    assert_eq!(all.len(), 8);
    assert_eq!(key(&blind, &inquiry()), key(&blind, &pixels), "who is shown no picture does not depend on it");
}

#[test]
fn a_tier_is_shown_what_it_asks_for() {
    let packer = packer();
    let json = packer.pack(&TierSettings { state: "json".into(), map: false, memories: 0, ..tier() }, &inquiry());
    assert!(!json.user.contains("Map,") && !json.user.contains("remembered"), "{}", json.user);
    let line = json.user.lines().find(|line| line.starts_with('{')).expect("the state is one line of JSON");
    let state: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
    assert_eq!(
        (&state["you"]["hp"], &state["foes"][0]["slot"], &state["foes"][0]["direction"]),
        (&21.into(), &5.into(), &"E".into())
    );
    assert_eq!((&state["bag"][2]["count"], &state["place"]["turns_left_below"]), (&2.into(), &250.into()));
    let none = packer.pack(&TierSettings { state: "none".into(), ..tier() }, &inquiry());
    assert!(!none.user.contains("What is seen") && none.user.contains("Map,"), "{}", none.user);
    let picture = packer.picture(&tier(), &inquiry()).expect("there is a picture");
    assert!(picture.starts_with(b"\x89PNG"));
    assert!(packer.picture(&TierSettings { pictures: 0, ..tier() }, &inquiry()).is_none());
}

#[test]
fn what_does_not_fit_is_left_out_the_least_important_first() {
    let packer = packer();
    let mut inquiry = inquiry();
    inquiry.memories = vec!["a long time ago something happened here".to_string(); 3];
    let marks =
        ["a long time ago", "(2 times)", "Map, x 10 to 30", "Map,", "On offer because", "hit points lost", "you: "];
    let mut before = marks.len();
    for context_tokens in (600..1900).rev().step_by(10) {
        let prompt = packer.pack(&TierSettings { context_tokens, pictures: 0, ..tier() }, &inquiry);
        let first = marks.iter().position(|mark| prompt.user.contains(mark)).unwrap_or(marks.len());
        assert!(marks[first..].iter().all(|mark| prompt.user.contains(mark)), "{context_tokens}: {}", prompt.user);
        assert!(first >= before || before == marks.len(), "{context_tokens}");
        before = first;
        for skill in ["- fight", "- throw", "- explore"] {
            assert!(prompt.user.contains(skill), "{context_tokens}: {}", prompt.user);
        }
    }
    assert_eq!(before, marks.len(), "in the end only what is on offer is left");
}

#[test]
fn the_largest_floor_fits_and_is_packed_whole() {
    let mut observation = Observation::default();
    let profiles = crate::profile::Profiles::built_in();
    let profile = profiles.named("pmd-red").expect("it is built in");
    let snapshot = crate::decode::largest_floor::full_snapshot();
    crate::decode::Decoder::new(profile, true).decode(&snapshot, &mut observation).expect("it is a floor");
    let prompt = packer().pack(&tier(), &Inquiry { seen: Arc::new(observation), ..inquiry() });
    assert!(prompt.user.contains("Map, x 0 to 55 from west to east, y 0 to 31"), "{}", prompt.user);
    assert!(prompt.tokens < 2_500, "{}", prompt.tokens);
}

fn anywhere() -> impl Strategy<Value = Position> {
    let far = prop_oneof![-2i16..60, any::<i16>()];
    (far.clone(), far).prop_map(|(x, y)| Position { x, y })
}

prop_compose! {
    fn any_seen()(
        (tiles, places) in (
            proptest::collection::vec((0..TILES, 0u8..5), 0..200),
            proptest::collection::vec((anywhere(), any::<[u8; 4]>()), 0..90),
        ),
        (leader, stairs) in (proptest::option::of(0usize..4), proptest::option::of(anywhere())),
        (numbers, text) in (any::<[i32; 4]>(), "\\PC{0,400}"),
        screen in 0usize..7,
    ) -> Observation {
        let screens = [Screen::Command, Screen::Title, Screen::Choice, Screen::Printing, Screen::Unknown, Screen::FloorMap,
            Screen::Menu(wire::observation::MenuKind::List)];
        let mut seen = Observation {
            screen: screens[screen], leader, stairs, message: text.clone(), floor: numbers[0] as u8,
            turns_left: numbers[1] as i16, money: numbers[2], belly: Meter { value: numbers[3], max: numbers[0] },
            ..Observation::default()
        };
        seen.dialogue.text = text;
        for (index, terrain) in tiles {
            let kinds = [Terrain::Unknown, Terrain::Wall, Terrain::Floor, Terrain::Secondary, Terrain::Chasm];
            seen.tiles[index].terrain = kinds[usize::from(terrain)];
        }
        for (position, [kind, item, quantity, flags]) in places {
            match kind % 4 {
                0 => seen.monsters.push(Monster {
                    slot: item, species: quantity.into(), position, is_team: flags & 1 > 0, is_neutral: flags & 2 > 0,
                    is_incapacitated: flags & 4 > 0, ..Monster::default()
                }),
                1 => seen.items.push(FloorItem { position, item, quantity, in_shop: flags & 1 > 0 }),
                2 => seen.traps.push(Trap { position, kind: item }),
                _ => seen.bag.push(BagItem { slot: flags, item, quantity, sticky: flags & 1 > 0, set: false }),
            }
        }
        seen
    }
}

#[test]
fn turns_that_no_game_counts_are_not_told() {
    for turns_left in [i16::MIN, -1, 300, i16::MAX] {
        let seen = Observation { turns_left, ..seen() };
        let inquiry = Inquiry { seen: Arc::new(seen), ..inquiry() };
        let prompt = packer().pack(&TierSettings { state: "json".into(), ..tier() }, &inquiry);
        assert!(!prompt.user.contains("turns_left_below\":"), "{turns_left}: {}", prompt.user);
    }
}

proptest! {
    #[test]
    fn any_observation_is_packed_within_its_tokens(
        seen in any_seen(),
        (state, map, context_tokens) in (0usize..3, any::<bool>(), 900u32..6_000),
        outcomes in proptest::collection::vec(("\\PC{0,40}", any::<i32>()), 0..12),
    ) {
        let outcomes = outcomes.into_iter().map(|(action, hp_lost)| Outcome { action, hp_lost, ..Outcome::default() });
        let inquiry = Inquiry { seen: Arc::new(seen), outcomes: outcomes.collect(), ..inquiry() };
        let state = ["text", "json", "none"][state].to_string();
        let tier = TierSettings { state, map, context_tokens, ..tier() };
        let prompt = packer().pack(&tier, &inquiry);
        let again = packer().pack(&tier, &inquiry);
        prop_assert_eq!(&prompt, &again);
        prop_assert!(prompt.tokens + prompt.answer_tokens <= context_tokens, "{} tokens", prompt.tokens);
        prop_assert!(prompt.user.contains("- fight") && prompt.user.contains("- explore"));
    }
}
