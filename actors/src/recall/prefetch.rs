//! Asking ahead: while the keys of a step are carried out, the silos are asked for the situation that should follow.
//!
//! What they found is used when the situation that does follow is near enough to the predicted one; else it is asked again.

use std::sync::Arc;
use wire::observation::{Observation, Position};
use wire::recall::{Hits, Probe};

/// The squared distance, of vectors of unit length, up to which a situation counts as predicted: half of that at which the
/// nearest memory of another situation usually lies.
const DISTANCE_MAX: f32 = 0.05;

/// A question that was asked ahead.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Its id.
    pub id: u64,
    /// The predicted clips.
    pub probes: Vec<Probe>,
    /// What was found, once it is there.
    pub found: Option<Vec<Hits>>,
}

impl Ahead {
    /// Whether this is the situation that was predicted.
    pub fn is_of(&self, probes: &[Probe]) -> bool {
        self.probes.len() == probes.len()
            && self.probes.iter().zip(probes).all(|(predicted, true_one)| {
                predicted.span == true_one.span && distance(&predicted.vector, &true_one.vector) <= DISTANCE_MAX
            })
    }
}

/// What should be seen when the leader comes where it means to go; the same again when it goes nowhere.
pub(super) fn predicted(seen: &Arc<Observation>, goal: Option<Position>) -> Arc<Observation> {
    let Some((goal, leader)) = goal.zip(seen.leader) else { return seen.clone() };
    let mut next = Observation::clone(seen);
    if let Some(leader) = next.monsters.get_mut(leader) {
        leader.position = goal;
    }
    Arc::new(next)
}

fn distance(one: &[f32], other: &[f32]) -> f32 {
    if one.len() != other.len() {
        return f32::INFINITY;
    }
    one.iter().zip(other).map(|(one, other)| (one - other) * (one - other)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::Monster;

    fn probe(span: u32, vector: &[f32]) -> Probe {
        Probe { span, vector: vector.to_vec() }
    }

    #[test]
    fn a_situation_counts_as_predicted_when_every_clip_is_near() {
        let ahead = Ahead { id: 1, probes: vec![probe(1, &[1.0, 0.0]), probe(2, &[0.0, 1.0])], found: None };
        assert!(ahead.is_of(&[probe(1, &[0.99, 0.1]), probe(2, &[0.0, 1.0])]));
        assert!(!ahead.is_of(&[probe(1, &[0.999, 0.01]), probe(2, &[1.0, 0.0])]));
        assert!(!ahead.is_of(&[probe(1, &[1.0, 0.0])]), "another number of clips");
        assert!(!ahead.is_of(&[probe(1, &[1.0, 0.0]), probe(2, &[1.0])]), "vectors of another space");
        assert!(!ahead.is_of(&[probe(1, &[f32::NAN, 0.0]), probe(2, &[0.0, 1.0])]));
    }

    #[test]
    fn the_leader_is_predicted_where_it_means_to_go() {
        let seen = Observation { leader: Some(0), monsters: vec![Monster::default()], ..Observation::default() };
        let seen = Arc::new(seen);
        let goal = Position { x: 4, y: 5 };
        assert_eq!(predicted(&seen, Some(goal)).monsters[0].position, goal);
        assert!(Arc::ptr_eq(&predicted(&seen, None), &seen));
    }
}
