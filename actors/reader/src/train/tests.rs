use super::*;
use crate::picture::{Canvas, Picture};
use crate::reading::{Ground, Mark, Scene};
use crate::truth::{CellTruth, Truth};
use wire::emulator::PixelFormat;

const WIDTHS_OF_LETTERS: [usize; 94] = [5; 94];

fn samples() -> Samples {
    let mut samples = Samples::default();
    let widths: Vec<usize> = std::iter::once(3).chain(WIDTHS_OF_LETTERS).collect();
    for brightness in 0..6u8 {
        let pixels = vec![brightness * 40; 240 * 160 * 2];
        let picture = Picture { width: 240, height: 160, format: PixelFormat::Rgb565, pixels: &pixels };
        let canvas = Canvas::of(&picture).expect("a picture of the right size");
        let cell = CellTruth { ground: Some(Ground::Wall), being: Some(None), item: Some(None), is_lit: Some(true) };
        let truth = Truth {
            scene: if brightness < 3 { Scene::Dark } else { Scene::Floor },
            is_plain: true,
            cells: vec![cell; 66],
            minimap: Some(vec![Mark::Floor; 56 * 32]),
            has_minimap: Some(true),
            lines: Some(vec![(10, 20, "ab".to_string())]),
            hud: Some(crate::Hud::default()),
            skill: Some(1),
        };
        samples.push(Sample { canvas, truth }, &widths);
    }
    samples
}

fn bytes(trainer: &Trainer, to_go_on: bool) -> Vec<u8> {
    let file = std::env::temp_dir().join(format!("reader-{}-{:p}.safetensors", std::process::id(), trainer));
    trainer.save(&file, to_go_on).expect("the folder can be written");
    let bytes = std::fs::read(&file).expect("it was written");
    std::fs::remove_file(file).expect("it is there");
    bytes
}

#[test]
fn the_same_seed_gives_the_same_weights_and_learning_makes_losses_smaller() {
    let samples = samples();
    let train = || {
        let mut trainer = Trainer::new(7, 20, &WIDTHS_OF_LETTERS).expect("there is memory");
        let losses: Vec<Losses> = (0..20).map(|_| trainer.learn(&samples).expect("it computes")).collect();
        (bytes(&trainer, false), losses)
    };
    let (first, losses) = train();
    let (second, _) = train();
    assert!(first == second);
    for part in 0..PARTS.len() {
        assert!(losses[19][part] < losses[0][part], "{}: {:?}", PARTS[part], losses.map_part(part));
    }
}

#[test]
fn a_training_cut_short_goes_on_exactly_where_it_was() {
    let samples = samples();
    let mut whole = Trainer::new(7, 8, &WIDTHS_OF_LETTERS).expect("there is memory");
    let mut first = Trainer::new(7, 8, &WIDTHS_OF_LETTERS).expect("there is memory");
    for step in 0..8 {
        whole.learn(&samples).expect("it computes");
        if step < 3 {
            first.learn(&samples).expect("it computes");
        }
    }
    let file = std::env::temp_dir().join(format!("reader-resumed-{}.safetensors", std::process::id()));
    first.save(&file, true).expect("the folder can be written");
    let mut second = Trainer::new(99, 8, &WIDTHS_OF_LETTERS).expect("there is memory");
    second.resume(&file).expect("it was written whole");
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(second.step(), 3);
    for _ in 3..8 {
        second.learn(&samples).expect("it computes");
    }
    assert!(bytes(&whole, true) == bytes(&second, true));
}

#[test]
fn the_network_says_what_it_said_while_it_learned() {
    use crate::network::{CELL_VALUES, FEATURES, FIGURES, LETTER_VALUES, LINE_VALUES, SCENE_VALUES, features};
    let trainer = Trainer::new(7, 8, &WIDTHS_OF_LETTERS).expect("there is memory");
    let (learner, network) = (&trainer.learner, trainer.network().expect("it has all weights"));
    let mut generator = SplitMix64(5);
    let mut rows = |count: usize, width: usize| -> (Tensor, Vec<f32>) {
        let values: Vec<f32> = (0..count * width).map(|_| generator.below(1_000) as f32 / 1e3).collect();
        (Tensor::from_slice(&values, (count, width), &Device::Cpu).expect("it fits"), values)
    };
    let agree = |what: &str, learned: &Tensor, said: &[f32]| {
        let learned = learned.flatten_all().and_then(|all| all.to_vec1::<f32>()).expect("it can be read");
        assert_eq!(learned.len(), said.len(), "{what}");
        let furthest = learned.iter().zip(said).map(|(learned, said)| (learned - said).abs()).fold(0.0, f32::max);
        assert!(furthest < 1e-4, "{what}: {furthest}");
    };
    let computes = "it computes";
    let (tensor, values) = rows(1, SCENE_VALUES);
    let (learned, logits) = learner.scene(&tensor).expect(computes);
    let (scene, said) = network.scene(&values);
    agree("what is kept of the coarse picture", &learned, &scene);
    agree("scene", &logits, &said);
    let (tensor, values) = rows(66, CELL_VALUES);
    let (cells, logits) = learner.cell(&tensor).expect(computes);
    let (kept, said) = network.cell(&values);
    agree("what is kept of tiles", &cells, &kept);
    agree("cell", &logits, &said);
    agree("features", &Learner::features(&learned, &cells).expect(computes), &features(&scene, &kept));
    let (tensor, values) = rows(50, 3);
    agree("map", &learner.map(&tensor).expect(computes), &network.map(&values));
    let (tensor, values) = rows(50, LINE_VALUES);
    agree("line", &learner.line(&tensor).expect(computes), &network.line(&values));
    let (tensor, values) = rows(50, LETTER_VALUES);
    agree("letter", &learner.letter(&tensor).expect(computes), &network.letter(&values));
    let (tensor, values) = rows(1, FEATURES + FIGURES);
    agree("skill", &learner.skill(&tensor).expect(computes), &network.skill(&values));
}

#[test]
fn what_is_no_training_is_refused_by_name() {
    let file = std::env::temp_dir().join(format!("reader-refused-{}.safetensors", std::process::id()));
    let mut trainer = Trainer::new(7, 8, &WIDTHS_OF_LETTERS).expect("there is memory");
    let before = bytes(&trainer, true);
    trainer.save(&file, false).expect("the folder can be written");
    let error = trainer.resume(&file).expect_err("weights alone are no training");
    assert!(error.to_string().contains("trainer.step"), "{error}");
    std::fs::write(&file, b"nonsense").expect("the folder can be written");
    trainer.resume(&file).expect_err("nonsense is no training");
    std::fs::remove_file(&file).expect("it is there");
    assert!(bytes(&trainer, true) == before);
}

trait Parts {
    fn map_part(&self, part: usize) -> Vec<f32>;
}

impl Parts for Vec<Losses> {
    fn map_part(&self, part: usize) -> Vec<f32> {
        self.iter().map(|losses| losses[part]).collect()
    }
}
