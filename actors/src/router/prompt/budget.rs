//! What fits: about how many tokens a text is, and what is left out first where there is not room for everything.

use wire::router::TierSettings;

/// Tokens besides texts and picture: who speaks, and where it ends.
const FRAME_TOKENS: u64 = 24;

/// About how many tokens a text is, on the safe side: 3.6 bytes a token.
pub(super) fn tokens(bytes: usize) -> u64 {
    (bytes as u64 * 10).div_ceil(36)
}

/// How many bytes so many tokens are.
pub(super) fn bytes(tokens: u64) -> usize {
    (tokens * 36 / 10) as usize
}

/// Tokens that a prompt may have: what the model takes, less its answer. Without a limit there is room for everything.
pub(super) fn room(tier: &TierSettings) -> u64 {
    match tier.context_tokens {
        0 => u64::from(u32::MAX),
        context => u64::from(context).saturating_sub(u64::from(tier.answer_tokens)).saturating_sub(FRAME_TOKENS),
    }
}

/// Parts that can be left out or told in short, each in forms that grow shorter. The least important one is shortened first.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The forms of each part, the longest first, and which one is used.
    parts: Vec<(Vec<String>, usize)>,
}

impl Parts {
    /// Adds a part that is less important than those that follow. Gives its number.
    pub fn add(&mut self, forms: Vec<String>) -> usize {
        self.parts.push((forms, 0));
        self.parts.len() - 1
    }

    /// Shortens parts, the least important first, until all of them have at most so many tokens, or are as short as they can be.
    pub fn fit(&mut self, fixed: usize, room: u64) {
        let mut bytes = fixed + (0..self.parts.len()).map(|part| self.text(part).len()).sum::<usize>();
        for part in 0..self.parts.len() {
            while tokens(bytes) > room && self.parts[part].1 + 1 < self.parts[part].0.len() {
                bytes -= self.text(part).len();
                self.parts[part].1 += 1;
                bytes += self.text(part).len();
            }
        }
    }

    /// A part in the form that fits.
    pub fn text(&self, part: usize) -> &str {
        let (forms, used) = &self.parts[part];
        forms.get(*used).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_estimated_on_the_safe_side() {
        assert_eq!([tokens(0), tokens(1), tokens(36), tokens(37)], [0, 1, 10, 11]);
        assert!((0..1_000).all(|count| tokens(bytes(count)) <= count));
    }

    #[test]
    fn the_least_important_part_is_shortened_first() {
        let forms = |longest: usize| [longest, longest / 2, 0].map(|bytes| "x".repeat(bytes)).to_vec();
        for (room, expected) in
            [(1_000, [360, 360, 36]), (160, [180, 360, 36]), (110, [0, 360, 36]), (60, [0, 180, 36]), (1, [0, 0, 36])]
        {
            let mut parts = Parts::default();
            let numbers = [parts.add(forms(360)), parts.add(forms(360)), parts.add(vec!["x".repeat(36)])];
            parts.fit(0, room);
            assert_eq!(numbers.map(|part| parts.text(part).len()), expected, "{room}");
        }
        assert_eq!(Parts { parts: vec![(Vec::new(), 0)] }.text(0), "");
    }
}
