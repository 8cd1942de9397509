//! What each part of the network is told to do better.

use super::learner::Learner;
use super::samples::Samples;
use crate::classes::{GROUND_CLASSES, MARK_CLASSES, SCENE_CLASSES, SCENES, item_class};
use crate::layout::CELLS;
use crate::network::{CELL_VALUES, FEATURES, FIGURES, LETTER_VALUES, LINE_VALUES, SCENE_VALUES, cell_head};
use crate::reader::figures;
use candle_core::{Device, Result, Tensor};
use candle_nn::ops::log_softmax;
use wire::random::SplitMix64;

/// Pictures, tiles, pixels, places of lines, places of letters, and pictures again, in a step.
const DRAWS: [usize; 6] = [64, 256, 256, 1_024, 256, 24];

/// The last part is told in one step of so many.
const SKILL_EVERY: u64 = 4;

/// The loss of a part (a place in [`super::PARTS`]) over draws of its own; nothing where there is nothing to draw.
pub(super) fn of(
    part: usize,
    learner: &Learner,
    samples: &Samples,
    generator: &mut SplitMix64,
    step: u64,
) -> Result<Option<Tensor>> {
    match part {
        0 => scene(learner, samples, generator),
        1 => cell(learner, samples, generator),
        2 => map(learner, samples, generator),
        3 => line(learner, samples, generator),
        4 => letter(learner, samples, generator),
        // Whole pictures take long, and this part learns little from many of them.
        _ if step.is_multiple_of(SKILL_EVERY) => skill(learner, samples, generator),
        _ => Ok(None),
    }
}

/// What rows should be: a class each, or nothing.
#[derive(Default)]
struct Targets(Vec<Option<usize>>);

impl Targets {
    /// The mean negative log-likelihood of the rows that should be something.
    fn of_classes(&self, logits: &Tensor) -> Result<Option<Tensor>> {
        let judged = self.0.iter().flatten().count();
        if judged == 0 {
            return Ok(None);
        }
        let classes: Vec<u32> = self.0.iter().map(|class| class.unwrap_or_default() as u32).collect();
        let classes = Tensor::from_vec(classes, (self.0.len(), 1), &Device::Cpu)?;
        let likely = log_softmax(logits, 1)?.gather(&classes, 1)?.squeeze(1)?;
        self.mean(&likely.neg()?, judged).map(Some)
    }

    /// The same where each row has one number, of which 1 is yes.
    fn of_truth(&self, logits: &Tensor) -> Result<Option<Tensor>> {
        let judged = self.0.iter().flatten().count();
        if judged == 0 {
            return Ok(None);
        }
        let logits = logits.squeeze(1)?;
        let truth: Vec<f32> = self.0.iter().map(|truth| truth.unwrap_or_default() as f32).collect();
        let truth = Tensor::new(truth, &Device::Cpu)?;
        // log(1 + exp(-|x|)) + max(x, 0) - x · truth, which overflows nowhere.
        let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let loss = ((tail + logits.relu()?)? - (&logits * truth)?)?;
        self.mean(&loss, judged).map(Some)
    }

    fn mean(&self, losses: &Tensor, judged: usize) -> Result<Tensor> {
        let weights: Vec<f32> = self.0.iter().map(|class| if class.is_some() { 1.0 } else { 0.0 }).collect();
        (losses * Tensor::new(weights, &Device::Cpu)?)?.sum_all()? / judged as f64
    }
}

fn rows(values: Vec<f32>, width: usize) -> Result<Tensor> {
    let count = values.len() / width;
    Tensor::from_vec(values, (count, width), &Device::Cpu)
}

fn sum(losses: impl IntoIterator<Item = Option<Tensor>>) -> Result<Option<Tensor>> {
    let mut total: Option<Tensor> = None;
    for loss in losses.into_iter().flatten() {
        total = Some(match total {
            Some(total) => (total + loss)?,
            None => loss,
        });
    }
    Ok(total)
}

fn scene(learner: &Learner, samples: &Samples, generator: &mut SplitMix64) -> Result<Option<Tensor>> {
    let (mut values, mut scenes, mut maps) = (Vec::new(), Targets::default(), Targets::default());
    for _ in 0..DRAWS[0] {
        let Some(index) = samples.scenes.draw(generator) else { return Ok(None) };
        let sample = samples.get(index);
        sample.canvas.blocks(&mut values);
        scenes.0.push(SCENE_CLASSES.iter().position(|scene| *scene == sample.truth.scene));
        maps.0.push(sample.truth.has_minimap.map(usize::from));
    }
    let (_, logits) = learner.scene(&rows(values, SCENE_VALUES)?)?;
    let scenes = scenes.of_classes(&logits.narrow(1, 0, SCENES)?)?;
    sum([scenes, maps.of_truth(&logits.narrow(1, SCENES, 1)?)?])
}

fn cell(learner: &Learner, samples: &Samples, generator: &mut SplitMix64) -> Result<Option<Tensor>> {
    let mut values = Vec::with_capacity(DRAWS[1] * CELL_VALUES);
    let mut targets: [Targets; 6] = Default::default();
    for draw in 0..DRAWS[1] {
        // Half with somebody, a sixth with an item, a third with neither.
        let kind = [0, 2, 0, 1, 0, 2][draw % 6];
        let Some((index, place)) = samples.cells[kind].draw(generator) else { continue };
        let sample = samples.get(index);
        let corner = CELLS.into_iter().nth(place).map(crate::layout::cell_corner).unwrap_or_default();
        sample.canvas.cell(corner, &mut values);
        let truth = &sample.truth.cells[place];
        let being = truth.being.flatten();
        let classes = [
            truth.ground.and_then(|ground| GROUND_CLASSES.iter().position(|class| *class == ground)),
            truth.is_lit.map(usize::from),
            truth.being.map(|being| being.map_or(0, |being| usize::from(being.species))),
            being.map(|being| being.direction as usize),
            being.map(|being| usize::from(being.is_asleep)),
            truth.item.and_then(item_class),
        ];
        for (targets, class) in targets.iter_mut().zip(classes) {
            targets.0.push(class);
        }
    }
    if values.is_empty() {
        return Ok(None);
    }
    let (_, logits) = learner.cell(&rows(values, CELL_VALUES)?)?;
    let part = |(first, count): (usize, usize)| logits.narrow(1, first, count);
    let [ground, lit, being, direction, asleep, item] = &targets;
    sum([
        ground.of_classes(&part(cell_head::GROUND)?)?,
        lit.of_truth(&part(cell_head::LIT)?)?,
        being.of_classes(&part(cell_head::BEING)?)?,
        direction.of_classes(&part(cell_head::DIRECTION)?)?,
        asleep.of_truth(&part(cell_head::ASLEEP)?)?,
        item.of_classes(&part(cell_head::ITEM)?)?,
    ])
}

fn map(learner: &Learner, samples: &Samples, generator: &mut SplitMix64) -> Result<Option<Tensor>> {
    let (mut values, mut marks) = (Vec::new(), Targets::default());
    for _ in 0..DRAWS[2] {
        let Some((index, place)) = samples.marks.draw(generator) else { return Ok(None) };
        let sample = samples.get(index);
        sample.canvas.map_pixel(place, &mut values);
        let mark = sample.truth.minimap.as_ref().and_then(|marks| marks.get(place));
        marks.0.push(MARK_CLASSES.iter().position(|class| Some(class) == mark));
    }
    marks.of_classes(&learner.map(&rows(values, 3)?)?)
}

fn line(learner: &Learner, samples: &Samples, generator: &mut SplitMix64) -> Result<Option<Tensor>> {
    let (mut values, mut truth) = (Vec::new(), Targets::default());
    for draw in 0..DRAWS[3] {
        let kind = draw % samples.heads.len();
        let Some((index, block, y)) = samples.heads[kind].draw(generator) else { continue };
        samples.get(index).canvas.line_head(block, y, &mut values);
        truth.0.push(Some(usize::from(kind == 0)));
    }
    if values.is_empty() {
        return Ok(None);
    }
    truth.of_truth(&learner.line(&rows(values, LINE_VALUES)?)?)
}

fn letter(learner: &Learner, samples: &Samples, generator: &mut SplitMix64) -> Result<Option<Tensor>> {
    let (mut values, mut letters) = (Vec::new(), Targets::default());
    for draw in 0..DRAWS[4] {
        let kind = draw % samples.letters.len();
        let Some((index, x, y, class)) = samples.letters[kind].draw(generator) else { continue };
        samples.get(index).canvas.letter(x, y, &mut values);
        letters.0.push(Some(class));
    }
    if values.is_empty() {
        return Ok(None);
    }
    letters.of_classes(&learner.letter(&rows(values, LETTER_VALUES)?)?)
}

/// The skill part learns from what the others keep, and does not change them.
fn skill(learner: &Learner, samples: &Samples, generator: &mut SplitMix64) -> Result<Option<Tensor>> {
    if samples.skills.is_empty() {
        return Ok(None);
    }
    let (mut blocks, mut cells, mut shown, mut skills) = (Vec::new(), Vec::new(), Vec::new(), Targets::default());
    for _ in 0..DRAWS[5] {
        let sample = samples.get(samples.skills[generator.below(samples.skills.len())]);
        let Some(hud) = &sample.truth.hud else { continue };
        sample.canvas.blocks(&mut blocks);
        sample.canvas.cells(&mut cells);
        shown.extend(figures(hud));
        skills.0.push(sample.truth.skill.map(usize::from));
    }
    if blocks.is_empty() {
        return Ok(None);
    }
    let (scene_hidden, _) = learner.scene(&rows(blocks, SCENE_VALUES)?)?;
    let (cell_hidden, _) = learner.cell(&rows(cells, CELL_VALUES)?)?;
    let features = Learner::features(&scene_hidden, &cell_hidden)?.detach();
    let input = Tensor::cat(&[features, rows(shown, FIGURES)?], 1)?;
    debug_assert_eq!(input.dim(1)?, FEATURES + FIGURES);
    skills.of_classes(&learner.skill(&input)?)
}
