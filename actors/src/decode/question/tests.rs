use super::*;
use crate::decode::largest_floor::{DUNGEON_ADDRESS as D, full_snapshot, full_snapshot_at, poke};
use proptest::prelude::*;

const TOWN: u32 = 0x0200_2000;
const TEXT_BOX: u32 = 0x0200_6000;
const MAP_SCRIPT: u32 = 0x0200_7000;
const BACKGROUND: u32 = 0x0200_8000;

fn ask(text_part: &str, snapshot: &Snapshot) -> Answer {
    let questions = questions(Layout::PmdRed);
    let question =
        questions.iter().find(|question| question.text.contains(text_part)).expect("there is such a question");
    question.ask(snapshot)
}

fn verdict(text_part: &str, snapshot: &Snapshot) -> Verdict {
    ask(text_part, snapshot).verdict
}

/// Sets a pointer of the fast memory.
fn point(snapshot: &mut Snapshot, pointer: u32, target: u32) {
    let start = (snapshot.regions[0].length + pointer - snapshot.regions[1].address) as usize;
    snapshot.memory[start..start + 4].copy_from_slice(&target.to_le_bytes());
}

/// In town, where the player's character walks freely.
fn town() -> Snapshot {
    let mut snapshot = full_snapshot();
    snapshot.memory.fill(0);
    for (pointer, target) in
        [(0x0300_1B84, TOWN), (0x0300_1B64, TEXT_BOX), (0x0300_1B6C, MAP_SCRIPT), (0x0300_1B70, BACKGROUND)]
    {
        point(&mut snapshot, pointer, target);
    }
    poke(&mut snapshot, 0x0203_B03C, &[2]);
    poke(&mut snapshot, TOWN + 2, &[1]);
    poke(&mut snapshot, TOWN + 0x11C, &0x800_u32.to_le_bytes());
    poke(&mut snapshot, TOWN + 0x120, &[1]);
    for (offset, pixels) in [(0x144, 500_i32), (0x148, 400)] {
        poke(&mut snapshot, TOWN + offset, &(pixels << 8).to_le_bytes());
    }
    snapshot
}

#[test]
fn a_running_floor_answers_what_a_floor_can() {
    let mut snapshot = full_snapshot();
    let place = "0x02003AF4";
    assert_eq!(verdict(place, &snapshot), Verdict::Confirmed);
    let elsewhere = ask(place, &full_snapshot_at(0x0200_11D0));
    assert_eq!(elsewhere.verdict, Verdict::Contradicted);
    assert!(elsewhere.finding.contains("0x020011D0"), "{}", elsewhere.finding);

    assert_eq!(verdict("window layout", &snapshot), Verdict::Confirmed);
    poke(&mut snapshot, 0x0202_EDD0, &[11]);
    assert_eq!(verdict("window layout", &snapshot), Verdict::Contradicted);

    poke(&mut snapshot, 0x0203_B40C, &[0]);
    assert_eq!(verdict("window layout", &snapshot), Verdict::Unseen);
}

#[test]
fn shown_hit_points_are_compared_at_rest_and_stored_ones_in_motion() {
    let (shown, moving) = ("HP that the screen shows", "HP in memory final");
    let mut snapshot = full_snapshot();
    assert_eq!(verdict(shown, &snapshot), Verdict::Contradicted, "this floor's screen shows nothing");
    poke(&mut snapshot, D + 0x18226, &[20]);
    assert_eq!((verdict(shown, &snapshot), verdict(moving, &snapshot)), (Verdict::Confirmed, Verdict::Unseen));
    poke(&mut snapshot, D + 0xF, &[0]);
    poke(&mut snapshot, D + 0x18226, &[33]);
    assert_eq!((verdict(shown, &snapshot), verdict(moving, &snapshot)), (Verdict::Unseen, Verdict::Confirmed));
    assert_eq!(ask(moving, &snapshot).finding, "memory says 20 while the screen shows 33");
}

#[test]
fn steps_are_compared_with_the_terrain_they_lead_to() {
    let tile = |x: u32, y: u32| D + 0x3A18 + 0x18 * (56 * y + x);
    let mut snapshot = full_snapshot();
    assert_eq!(verdict("ordinary walkers lead", &snapshot), Verdict::Confirmed);
    assert_eq!(verdict("swimmers and flyers", &snapshot), Verdict::Unseen);
    assert_eq!(verdict("a chasm", &snapshot), Verdict::Unseen);
    // A lake of one tile, and a chasm of one tile: no walker goes there any more, swimmers and flyers do.
    for (x, kind) in [(20, 2), (30, 3)] {
        poke(&mut snapshot, tile(x, 25), &[kind]);
    }
    assert_eq!(verdict("ordinary walkers lead", &snapshot), Verdict::Contradicted);
    assert_eq!(verdict("a chasm", &snapshot), Verdict::Contradicted);
    for x in [19, 20, 21, 29, 30, 31] {
        for y in [24, 25, 26] {
            poke(&mut snapshot, tile(x, y) + 0xA, &[0]);
        }
    }
    // The step to the east.
    poke(&mut snapshot, tile(19, 25) + 0xB, &[4]);
    poke(&mut snapshot, tile(29, 25) + 0xC, &[4]);
    assert_eq!(verdict("ordinary walkers lead", &snapshot), Verdict::Confirmed);
    assert_eq!(verdict("a chasm", &snapshot), Verdict::Confirmed);
    let answer = ask("swimmers and flyers", &snapshot);
    assert_eq!(answer.finding, "1 steps of swimmers onto kind 2, 1 of flyers onto kind 3");
    assert_eq!(answer.verdict, Verdict::Confirmed);
}

#[test]
fn pointers_that_lead_elsewhere_contradict_and_unset_ones_say_nothing() {
    let mut snapshot = full_snapshot();
    let answer = ask("do the pointers", &snapshot);
    assert_eq!(answer.verdict, Verdict::Unseen);
    assert!(answer.finding.starts_with("not set: team, rescue team"), "{}", answer.finding);
    for (pointer, target) in [
        (0x0203_B45C, 0x0202_F400_u32),
        (0x0203_B464, 0x0203_8C10),
        (0x0203_B46C, 0x0203_8C70),
        (0x0203_B47C, 0x0203_8C80),
    ] {
        poke(&mut snapshot, pointer, &target.to_le_bytes());
    }
    assert_eq!(verdict("do the pointers", &snapshot), Verdict::Confirmed);
    poke(&mut snapshot, 0x0203_B460, &0x0203_89A4_u32.to_le_bytes());
    assert_eq!(verdict("do the pointers", &snapshot), Verdict::Contradicted);
}

#[test]
fn a_town_answers_what_a_town_can() {
    let mut snapshot = town();
    assert_eq!(verdict("0x02003AF4", &snapshot), Verdict::Unseen);
    assert_eq!(verdict("script of the map", &snapshot), Verdict::Confirmed);
    poke(&mut snapshot, MAP_SCRIPT + 0x26, &[3]);
    assert_eq!(verdict("script of the map", &snapshot), Verdict::Contradicted);
    poke(&mut snapshot, TOWN + 0x124, &[9]);
    assert_eq!(verdict("script of the map", &snapshot), Verdict::Unseen, "somebody else controls it");

    for (scale, expected) in [(1, Verdict::Confirmed), (256, Verdict::Contradicted)] {
        for (offset, pixels) in [(0x478, 380_i32), (0x47C, 320)] {
            poke(&mut snapshot, BACKGROUND + offset, &(pixels * scale).to_le_bytes());
        }
        assert_eq!(verdict("camera in town", &snapshot), expected);
    }

    assert_eq!(verdict("menu of the town", &snapshot), Verdict::Unseen);
    poke(&mut snapshot, TEXT_BOX, &[4]);
    poke(&mut snapshot, TEXT_BOX + 0x414, &[0x13]);
    assert_eq!(verdict("menu of the town", &snapshot), Verdict::Contradicted);
    poke(&mut snapshot, 0x0203_B204, &MAP_SCRIPT.to_le_bytes());
    assert_eq!(verdict("menu of the town", &snapshot), Verdict::Confirmed);
}

#[test]
fn the_world_map_is_what_is_left() {
    let mut snapshot = town();
    let world_map = "without dungeon";
    assert_eq!(verdict(world_map, &snapshot), Verdict::Unseen);
    point(&mut snapshot, 0x0300_1B84, 0);
    assert_eq!(verdict(world_map, &snapshot), Verdict::Unseen, "the start mode says neither");
    poke(&mut snapshot, 0x0200_0B0E, &[5]);
    assert_eq!(verdict(world_map, &snapshot), Verdict::Confirmed);
}

#[test]
fn keys_boxes_and_set_items_are_seen_when_they_are_there() {
    let mut snapshot = full_snapshot();
    assert_eq!(verdict("does a key arrive", &snapshot), Verdict::Unseen);
    poke(&mut snapshot, 0x0203_B0BC, &[0x10]);
    assert_eq!(verdict("does a key arrive", &snapshot), Verdict::Confirmed);

    assert_eq!(verdict("state of a text box", &snapshot), Verdict::Unseen);
    for (state, expected) in [(9, Verdict::Confirmed), (12, Verdict::Contradicted)] {
        poke(&mut snapshot, 0x0202_E744, &[state]);
        assert_eq!(verdict("state of a text box", &snapshot), expected);
    }

    assert_eq!(verdict("set item", &snapshot), Verdict::Unseen);
    poke(&mut snapshot, 0x0203_89A8 + 4 * 3, &[0x11]);
    assert_eq!(ask("set item", &snapshot), Answer { verdict: Verdict::Confirmed, finding: "slot 3 is".to_string() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_memory_makes_a_question_panic(seed in any::<u64>(), pointers in prop::collection::vec(any::<u32>(), 8), length in 0_u32..0x4_0000) {
        let mut noise = full_snapshot();
        let mut state = seed | 1;
        noise.memory.iter_mut().for_each(|byte| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        });
        for (place, pointer) in [0x0203_B418, 0x0203_B40C, 0x0203_B41A, 0x0202_EDD0].into_iter().zip(&pointers) {
            poke(&mut noise, place, &pointer.to_le_bytes());
        }
        for (place, pointer) in [0x0300_1B84, 0x0300_1B64, 0x0300_1B6C, 0x0300_1B70].into_iter().zip(&pointers[4..]) {
            point(&mut noise, place, *pointer);
        }
        let ask_all = |snapshot: &Snapshot| questions(Layout::PmdRed).iter().for_each(|question| drop(question.ask(snapshot)));
        ask_all(&noise);
        poke(&mut noise, 0x0203_B418, &0x0200_82F4_u32.to_le_bytes());
        poke(&mut noise, 0x0203_B40C, &[1]);
        ask_all(&noise);
        noise.regions.truncate(1);
        noise.regions[0].length = length;
        noise.memory.truncate(length as usize);
        ask_all(&noise);
    }
}
