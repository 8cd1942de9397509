//! Finds the answer's JSON object while the text still comes: what a model says around it (a greeting, a code fence, its
//! thoughts in `<think>`) is skipped. As soon as the object is whole nothing more needs to be waited for.

use serde_json::{Map, Value};
use std::ops::Range;

const THINK: &str = "<think>";
const THOUGHT: &str = "</think>";
/// So many braces that begin no object are looked behind; a text with more of them holds no answer.
const MISTAKES_MAX: u32 = 64;

/// Looks for the object in a text that grows.
#[derive(Debug, Default)]
pub struct Finder {
    /// Bytes that were looked at.
    at: usize,
    /// Where the object begins that is being read, and how deep in it this is.
    begin: Option<usize>,
    depth: u32,
    is_string: bool,
    is_escaped: bool,
    is_thinking: bool,
    /// Braces that began no object.
    mistakes: u32,
}

impl Finder {
    /// Looks at what is new in the text. Gives the place of the object once it is whole.
    pub fn look(&mut self, text: &str) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        while self.at < bytes.len() && self.mistakes < MISTAKES_MAX {
            if self.begin.is_none() {
                self.seek(text)?;
                continue;
            }
            let byte = bytes[self.at];
            self.at += 1;
            if !self.is_end(byte) {
                continue;
            }
            let begin = self.begin.take()?;
            if serde_json::from_str::<Map<String, Value>>(&text[begin..self.at]).is_ok() {
                return Some(begin..self.at);
            }
            // It was a brace in the words before: the object may begin within what was taken for it.
            self.at = begin + 1;
            self.mistakes += 1;
        }
        None
    }

    /// Goes on to where an object may begin; `None`: that is not there yet.
    fn seek(&mut self, text: &str) -> Option<()> {
        let rest = &text[self.at..];
        if self.is_thinking {
            let Some(end) = rest.find(THOUGHT) else {
                self.at = text.len() - tail(rest, THOUGHT);
                return None;
            };
            self.at += end + THOUGHT.len();
            self.is_thinking = false;
            return Some(());
        }
        let (brace, think) = (rest.find('{'), rest.find(THINK));
        match (brace, think) {
            (brace, Some(think)) if brace.is_none_or(|brace| think < brace) => {
                self.at += think + THINK.len();
                self.is_thinking = true;
            }
            (Some(brace), _) => {
                self.begin = Some(self.at + brace);
                self.at += brace;
                (self.depth, self.is_string, self.is_escaped) = (0, false, false);
            }
            (None, _) => {
                self.at = text.len() - tail(rest, THINK);
                return None;
            }
        }
        Some(())
    }

    /// Whether this byte ends the object.
    fn is_end(&mut self, byte: u8) -> bool {
        if self.is_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.is_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// The thoughts that a text begins with, and where it goes on after them.
pub fn thoughts(text: &str) -> (&str, &str) {
    if let Some((before, rest)) = text.split_once(THOUGHT) {
        let thoughts = before.split_once(THINK).map_or(before, |(_, thoughts)| thoughts);
        return (thoughts.trim(), rest);
    }
    text.split_once(THINK).map_or(("", text), |(before, thoughts)| (thoughts.trim(), before))
}

/// How much of the text's end may be the beginning of this word.
fn tail(text: &str, word: &str) -> usize {
    (1..word.len()).rev().find(|length| text.ends_with(&word[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is found when the text comes a letter at a time, and how much of it had come by then.
    fn found(text: &str) -> Option<(&str, usize)> {
        let mut finder = Finder::default();
        let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
        ends.into_iter().find_map(|end| finder.look(&text[..end]).map(|range| (&text[range], end)))
    }

    #[test]
    fn the_object_is_found_as_soon_as_it_is_whole() {
        let object = r#"{"skill":"a}\"{","arguments":{"x":[1,{"y":"]"}]},"reason":"é\\"}"#;
        for before in
            ["", "  \n", "Sure:\n```json\n", "<think>{\"skill\":\"no\"} or {</think>\n", "a < b <thin <think></think>"]
        {
            for after in ["", "\n```", "{\"skill\":\"b\"}"] {
                let text = format!("{before}{object}{after}");
                assert_eq!(found(&text), Some((object, before.len() + object.len())), "{text}");
                let mut finder = Finder::default();
                assert_eq!(finder.look(&text), Some(before.len()..before.len() + object.len()), "{text}");
            }
        }
    }

    #[test]
    fn braces_in_the_words_before_are_no_object() {
        let text = r#"I take {rest} or {"a":} then {"skill":"rest"} it is"#;
        assert_eq!(found(text).map(|(object, _)| object), Some(r#"{"skill":"rest"}"#));
    }

    #[test]
    fn what_is_not_whole_is_not_found() {
        for text in ["", "{", r#"{"a":"}"#, "[1,2]", "<think>{}", r#"{"a":{"b":1}"#, "no", "{]"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_of_braces_alone_is_given_up() {
        let mut finder = Finder::default();
        assert_eq!(finder.look(&("{".repeat(30_000) + &"}".repeat(30_000))), None);
        assert_eq!(finder.mistakes, MISTAKES_MAX);
    }

    #[test]
    fn thoughts_are_told_from_the_answer() {
        assert_eq!(thoughts("<think> a </think> b"), ("a", " b"));
        assert_eq!(thoughts("a </think> b"), ("a", " b"), "a template may have begun them");
        assert_eq!(thoughts("<think> a"), ("a", ""));
        assert_eq!(thoughts("b"), ("", "b"));
    }

    proptest! {
        #[test]
        fn any_text_in_any_pieces_gives_what_it_gives_at_once(letters in prop::collection::vec("[{}\\[\\]\":,\\\\a1é<>/]|<think>|</think>|\"a\"", 0..40)) {
            let text = letters.concat();
            let mut finder = Finder::default();
            let whole = finder.look(&text).map(|range| &text[range]);
            prop_assert_eq!(found(&text).map(|(object, _)| object), whole);
        }
    }
}
