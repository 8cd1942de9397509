//! The clips that end with the present step: for each span, one vector made of the vectors of its steps.
//!
//! A clip's vector is the mean of its steps' vectors, the last one weighing most, scaled to unit length. It is computed from
//! the steps themselves each time, so that the same steps always give the same vector.

use crate::embed::normalise;
use std::collections::VecDeque;
use wire::recall::SPANS;

/// Steps that the longest clip spans.
const STEPS_MAX: usize = SPANS[SPANS.len() - 1] as usize;

/// The last steps' vectors.
#[derive(Debug, Default)]
pub(super) struct Window {
    steps: VecDeque<Vec<f32>>,
}

impl Window {
    /// One more step.
    pub fn push(&mut self, vector: Vec<f32>) {
        if self.steps.len() == STEPS_MAX {
            self.steps.pop_front();
        }
        self.steps.push_back(vector);
    }

    /// Something else is on the screen.
    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// The clip of so many steps; nothing while fewer are known.
    pub fn clip(&self, span: u32) -> Option<Vec<f32>> {
        let span = span as usize;
        let steps = self.steps.iter().skip(self.steps.len().checked_sub(span)?);
        mean(steps.map(Vec::as_slice), self.steps.back()?.len())
    }

    /// The clip of so many steps that would end with one more step.
    pub fn clip_with(&self, next: &[f32], span: u32) -> Option<Vec<f32>> {
        let earlier = (span as usize).checked_sub(1)?;
        let steps = self.steps.iter().skip(self.steps.len().checked_sub(earlier)?);
        mean(steps.map(Vec::as_slice).chain([next]), next.len())
    }
}

/// The mean of vectors, with weights that rise from the first to the last, as a vector of unit length.
fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>, dimensions: usize) -> Option<Vec<f32>> {
    let mut sum = vec![0.0; dimensions];
    for (index, vector) in vectors.enumerate() {
        let weight = (index + 1) as f32;
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
    }
    normalise(&mut sum).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(angle: f32) -> Vec<f32> {
        vec![angle.cos(), angle.sin()]
    }

    #[test]
    fn a_clip_is_the_mean_of_its_steps_the_last_weighing_most() {
        let mut window = Window::default();
        assert_eq!(window.clip(1), None);
        window.push(unit(0.0));
        window.push(unit(1.0));
        assert_eq!(window.clip(1), Some(unit(1.0)));
        let pair = window.clip(2).expect("two steps are known");
        let angle = pair[1].atan2(pair[0]);
        assert!((0.5..1.0).contains(&angle), "it leans to the last step: {angle}");
        assert!((pair[0].hypot(pair[1]) - 1.0).abs() < 1e-6);
        assert_eq!(window.clip(4), None, "four steps are not known yet");
    }

    #[test]
    fn a_predicted_step_gives_the_clip_that_the_step_itself_gives() {
        let mut window = Window::default();
        (0..80).for_each(|step| window.push(unit(step as f32)));
        assert_eq!(window.steps.len(), STEPS_MAX);
        let predicted: Vec<_> = SPANS.iter().map(|span| window.clip_with(&unit(80.0), *span)).collect();
        window.push(unit(80.0));
        let true_ones: Vec<_> = SPANS.iter().map(|span| window.clip(*span)).collect();
        assert_eq!(predicted, true_ones);
        assert!(true_ones.iter().all(Option::is_some));
        window.clear();
        assert_eq!(window.clip(1), None);
    }
}
