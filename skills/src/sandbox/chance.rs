//! The random numbers of scripts, started from a number and a name.

use wire::hash::Hash;
use wire::random::SplitMix64;

/// A source of random numbers.
#[derive(Clone, Debug)]
pub struct Chance(SplitMix64);

impl Chance {
    /// From one number.
    pub fn from_seed(seed: u64) -> Chance {
        Chance(SplitMix64(seed))
    }

    /// For the `count`th skill that begins in a run, from the turn's number.
    pub fn new(chance: u64, skill: &str, count: u32) -> Chance {
        let name = Hash::of([skill.as_bytes(), &count.to_le_bytes()]);
        Chance(SplitMix64(chance ^ name.0))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.bits()
    }

    /// A number of at least 0 and less than 1.
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number from 1 to `most`, each as likely as the other to within 2⁻³².
    pub fn pick(&mut self, most: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(most)) >> 32) as u32 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let mut chance = Chance::from_seed(1_234_567);
        assert_eq!([chance.bits(), chance.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_stay_in_their_range_and_differ_between_skills() {
        let mut chance = Chance::new(7, "fight", 0);
        assert!((0..1000).all(|_| (1..=3).contains(&chance.pick(3)) && (0.0..1.0).contains(&chance.fraction())));
        assert_ne!(Chance::new(7, "fight", 0).bits(), Chance::new(7, "eat", 0).bits());
        assert_ne!(Chance::new(7, "fight", 0).bits(), Chance::new(7, "fight", 1).bits());
    }
}
