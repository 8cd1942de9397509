//! Whatever is read.

use super::*;
use proptest::prelude::*;

fn any_reading() -> impl Strategy<Value = Reading> {
    let scenes = [Scene::Dark, Scene::Title, Scene::Floor, Scene::Floor, Scene::Menu, Scene::Dialogue, Scene::Choice];
    let cell = (any::<i8>(), any::<i8>(), 0..8usize, 0.0..1.0f32, any::<Option<u8>>(), any::<Option<u8>>());
    let cell = cell.prop_map(|(dx, dy, ground, confidence, species, item)| {
        let grounds = [
            Ground::Hidden,
            Ground::Askew,
            Ground::Unseen,
            Ground::Wall,
            Ground::Floor,
            Ground::Water,
            Ground::Stairs,
            Ground::Trap,
        ];
        let being = species.map(|species| Being { species, ..Being::default() });
        Cell {
            dx: dx % 7,
            dy: dy % 5,
            ground: Sure { value: grounds[ground], confidence },
            is_lit: true,
            being: Sure { value: being, confidence },
            item: Sure { value: item, confidence },
        }
    });
    let marks = proptest::collection::vec((0..TILES, 0..8usize), 0..60).prop_map(|dots| {
        let kinds =
            [Mark::Dark, Mark::Floor, Mark::Water, Mark::Item, Mark::Stairs, Mark::Foe, Mark::Ally, Mark::Leader];
        let mut marks = vec![Mark::Dark; TILES];
        dots.into_iter().for_each(|(index, kind)| marks[index] = kinds[kind]);
        marks
    });
    let texts =
        ["> Turnip", "Bag", "1/3", "Moss picked up: Thing.", "Go down", "5 Pebbles *", ">", "Moss eats: Turnip."];
    let text = (0u16..240, 0u16..160, 0..texts.len()).prop_map(move |(x, y, text)| line(x, y, texts[text]));
    let hud = (any::<u8>(), any::<u8>(), -5..999i32, 0..999i32, 0.0..1.0f32);
    let hud = hud.prop_map(|(floor, level, hp, hp_max, confidence)| Hud {
        floor,
        level,
        hp,
        hp_max,
        belly: hp,
        money: hp,
        confidence,
    });
    let place = (any::<i16>(), any::<i16>(), 0.0..1.0f32, any::<bool>());
    let parts = (
        0..scenes.len(),
        0.0..1.0f32,
        proptest::collection::vec(cell, 0..66),
        proptest::option::of((marks, place)),
        proptest::collection::vec(text, 0..12),
        proptest::option::of(hud),
    );
    parts.prop_map(move |(scene, confidence, cells, map, lines, hud)| {
        let minimap = map.map(|(marks, (x, y, confidence, is_on))| {
            let value = if is_on { at(x.rem_euclid(56), y.rem_euclid(32)) } else { at(x, y) };
            Minimap { leader: Some(Sure { value, confidence }), marks }
        });
        let scene = Sure { value: scenes[scene], confidence };
        Reading { scene, cells, minimap, lines, hud, ..Reading::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_readings_make_it_panic_or_grow(
        steps in proptest::collection::vec((any_reading(), any::<bool>(), 0u16..0x400), 1..30),
    ) {
        let mut memory = memory();
        let mut observation = Observation::default();
        for (frame, (reading, is_at_rest, mask)) in (0..).zip(&steps) {
            memory.press(&[*mask, 0]);
            memory.look(frame * 8, reading, *is_at_rest);
            memory.observation(&mut observation);
            prop_assert!(observation.leader().is_none_or(|leader| leader.position.index().is_some()));
            prop_assert!(observation.monsters.len() <= 20 && observation.items.len() <= 64);
            prop_assert!(observation.bag.len() <= 20 && observation.traps.len() <= 64);
            let saved = memory.save().expect("it is bounded");
            prop_assert!(saved.len() < 32 << 10, "{} bytes", saved.len());
            let mut other = MapMemory::new(memory.words.clone(), memory.fields.clone());
            other.restore(&saved).expect("it was just saved");
            prop_assert_eq!(&other.state, &memory.state);
        }
    }
}
