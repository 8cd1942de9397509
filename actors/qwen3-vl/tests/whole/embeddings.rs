//! Embeddings are vectors of finite numbers, and do not depend on what is embedded beside them.

use crate::tiny::{model, picture, pixels};
use qwen3_vl::model::{Picture, QuestionError};

/// How far a number may be from what it is alone.
const TOLERANCE: f32 = 1e-4;

#[test]
fn scenes_are_embedded_together_as_each_alone() {
    let (one, other) = (pixels(64, 64, 0), pixels(240, 160, 128));
    let scenes = [
        ("A long corridor, and nobody is in it.", None),
        ("A room.", Some(picture(&one, 64))),
        ("A room.", Some(picture(&other, 240))),
        ("", None),
        ("More scenes than one batch holds.", Some(picture(&one, 64))),
    ];
    for name in ["tied", "untied"] {
        let mut model = model(name);
        let together = model.embed(&scenes);
        assert_eq!(together.len(), scenes.len());
        let mut vectors = Vec::new();
        for (scene, together) in scenes.iter().zip(together) {
            let (alone, together) = (model.embed(&[*scene]).remove(0).unwrap(), together.unwrap());
            assert_eq!((alone.len(), together.len()), (model.dimensions(), model.dimensions()));
            assert!(together.iter().all(|value| value.is_finite()) && together.iter().any(|value| *value != 0.0));
            assert!(distance(&alone, &together) < TOLERANCE, "{name} {}", scene.0);
            vectors.push(together);
        }
        assert!(distance(&vectors[1], &vectors[2]) > TOLERANCE, "other pictures are other scenes");
    }
}

#[test]
fn a_scene_that_cannot_be_embedded_fails_alone() {
    let mut model = model("tied");
    let long = "stairs ".repeat(600);
    let empty = Picture { width: 0, height: 9, rgb: &[] };
    let embedded = model.embed(&[("A room.", None), (&long, None), ("A room.", Some(empty)), ("A hall.", None)]);
    assert!(embedded[0].is_ok() && embedded[3].is_ok());
    assert!(matches!(embedded[1], Err(QuestionError::TooLong { context: 512, .. })), "{:?}", embedded[1]);
    assert!(matches!(embedded[2], Err(QuestionError::Picture(_))), "{:?}", embedded[2]);
}

fn distance(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}
