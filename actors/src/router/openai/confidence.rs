//! How sure a model was: the geometric mean of the probabilities of the tokens that matter.
//!
//! The tokens of the chosen skill's name matter; where they cannot be told from the others, those of the answer; else all.

use std::ops::Range;

/// Tokens with the logarithms of their probabilities.
#[derive(Debug, Default)]
pub struct Words {
    /// All tokens in a row.
    text: Vec<u8>,
    /// Where each token ends, and its logarithm.
    ends: Vec<(usize, f64)>,
}

/// A token that was impossible has no logarithm; servers send something like this.
const LOGARITHM_MIN: f64 = -100.0;
/// An answer has fewer tokens, and they are shorter together.
const TOKENS_MAX: usize = 64 << 10;
const BYTES_MAX: usize = 1 << 20;

impl Words {
    /// The next token.
    pub fn note(&mut self, token: &str, bytes: Option<&[u8]>, logarithm: f64) {
        // A letter may be cut in two between tokens: only the bytes say it truly.
        let bytes = bytes.filter(|bytes| !bytes.is_empty()).unwrap_or(token.as_bytes());
        if self.ends.len() >= TOKENS_MAX || self.text.len() + bytes.len() > BYTES_MAX {
            return;
        }
        self.text.extend_from_slice(bytes);
        let logarithm = if logarithm.is_finite() { logarithm.clamp(LOGARITHM_MIN, 0.0) } else { LOGARITHM_MIN };
        self.ends.push((self.text.len(), logarithm));
    }

    /// Whether there are any.
    pub fn are_told(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The confidence in an answer with its object there.
    pub fn confidence(&self, text: &str, object: Option<Range<usize>>) -> Option<f32> {
        let is_told = self.text.starts_with(text.as_bytes());
        let skill = object.clone().and_then(|object| value_of_skill(text, object));
        let place = skill.or(object).filter(|_| is_told).unwrap_or(0..self.text.len());
        let mut begin = 0;
        let mut sum = 0.0;
        let mut count = 0;
        for (end, logarithm) in &self.ends {
            if begin < place.end && *end > place.start {
                sum += logarithm;
                count += 1;
            }
            begin = *end;
        }
        (count > 0).then(|| (sum / f64::from(count)).exp() as f32)
    }
}

/// Where the value of `"skill"` stands, without its quotes.
fn value_of_skill(text: &str, object: Range<usize>) -> Option<Range<usize>> {
    let key = object.start + text[object.clone()].find("\"skill\"")? + "\"skill\"".len();
    let rest = text[key..object.end].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let begin = object.end - rest.len();
    Some(begin..begin + rest.find('"')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "ok {\"skill\": \"attack\",\"reason\":\"é\"}";

    fn words(tokens: &[(&str, f64)]) -> Words {
        let mut words = Words::default();
        tokens.iter().for_each(|(token, probability)| words.note(token, None, probability.ln()));
        words
    }

    fn close(confidence: Option<f32>, expected: f32) -> bool {
        confidence.is_some_and(|confidence| (confidence - expected).abs() < 1e-4)
    }

    #[test]
    fn the_skills_tokens_count_and_no_others() {
        let tokens = [
            ("ok ", 0.1),
            ("{\"", 0.1),
            ("skill\": \"", 0.1),
            ("att", 0.8),
            ("ack", 0.2),
            ("\",\"reason\":\"é\"}", 0.1),
        ];
        assert!(close(words(&tokens).confidence(ANSWER, Some(3..ANSWER.len())), 0.4));
    }

    #[test]
    fn without_a_skill_the_objects_tokens_count_and_without_an_object_all() {
        let text = "a {\"b\":1}";
        let words = words(&[("a ", 0.04), ("{\"b\"", 0.25), (":1}", 1.0)]);
        assert!(close(words.confidence(text, Some(2..text.len())), 0.5));
        assert!(close(words.confidence(text, None), 0.215_443));
        assert!(close(words.confidence("something else", Some(2..5)), 0.215_443), "the tokens are not of this text");
        assert_eq!(Words::default().confidence(text, None), None);
    }

    #[test]
    fn what_is_no_logarithm_counts_as_impossible() {
        let mut words = Words::default();
        words.note("a", Some(b"a"), f64::NEG_INFINITY);
        words.note("b", Some(b""), f64::NAN);
        words.note("c", None, 5.0);
        let confidence = words.confidence("abc", None).expect("there are tokens");
        assert!((0.0..1e-20).contains(&confidence), "{confidence}");
    }

    #[test]
    fn tokens_without_end_are_not_kept() {
        let mut words = Words::default();
        (0..TOKENS_MAX * 2).for_each(|_| words.note("", None, -1.0));
        assert_eq!(words.ends.len(), TOKENS_MAX);
        let mut words = Words::default();
        (0..40).for_each(|_| words.note(&"x".repeat(60_000), None, -1.0));
        assert!(words.text.len() <= BYTES_MAX);
    }
}
