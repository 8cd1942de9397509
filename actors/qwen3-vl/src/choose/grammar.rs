//! What may come next in an answer that follows a JSON Schema.
//!
//! llguidance says which tokens may come. It does not count them, so that an answer could run into its limit in the middle:
//! therefore each state carries a closing, tokens that make the answer whole from there.

use super::ChooseError;
use super::closing::Closer;
use crate::chat::Tokenizer;
use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie};
use llguidance::{JsonCompileOptions, Matcher, ParserFactory};
use serde_json::Value;
use std::sync::Arc;

/// Makes grammars for one tokenizer.
#[derive(Clone)]
pub struct Grammars(Arc<Vocabulary>);

/// How far an answer has come in its schema.
#[derive(Clone)]
pub struct Grammar {
    vocabulary: Arc<Vocabulary>,
    matcher: Matcher,
    closing: Vec<u32>,
}

struct Vocabulary {
    factory: ParserFactory,
    closer: Closer,
}

impl Grammars {
    /// Takes the vocabulary of a tokenizer, and the tokens that end an answer.
    ///
    /// # Errors
    /// [`ChooseError::Vocabulary`] where a byte has no token of its own, or nothing ends an answer.
    pub fn new(tokenizer: &Tokenizer, ends: &[u32]) -> Result<Self, ChooseError> {
        let wrong = |problem: String| ChooseError::Vocabulary(problem);
        let size = u32::try_from(tokenizer.size()).map_err(|error| wrong(error.to_string()))?;
        let end = *ends.first().ok_or_else(|| wrong("nothing ends an answer".to_string()))?;
        if let Some(strange) = ends.iter().find(|end| **end >= size) {
            return Err(wrong(format!("token {strange}, which ends an answer, is not in it")));
        }
        let words: Vec<Vec<u8>> = (0..size)
            .map(|token| match tokenizer.is_control(token) {
                true => [&[TokTrie::SPECIAL_TOKEN_MARKER], tokenizer.bytes(token)].concat(),
                false => tokenizer.bytes(token).to_vec(),
            })
            .collect();
        let mut alone = [None; 256];
        for (word, token) in words.iter().zip(0_u32..) {
            if let [byte] = word.as_slice() {
                alone[usize::from(*byte)] = Some(token);
            }
        }
        if let Some(byte) = alone.iter().position(Option::is_none) {
            return Err(wrong(format!("byte {byte} has no token")));
        }
        let trie = TokTrie::from(&TokRxInfo::new(size, end), &words).with_eos_tokens(ends);
        let trie: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory =
            ParserFactory::new(&trie, InferenceCapabilities::default(), &SlicedBiasComputer::json_slices())
                .map_err(|error| wrong(one_line(&error)))?;
        factory.quiet();
        Ok(Self(Arc::new(Vocabulary { factory, closer: Closer { trie, alone: alone.map(Option::unwrap_or_default) } })))
    }

    /// The grammar of answers to `schema`: JSON on one line, properties in the order of the schema. Numbers without bounds are
    /// kept within ±2⁵³, so that everybody can read them; where a schema allows anything at all, they are not.
    ///
    /// # Errors
    /// [`ChooseError::Schema`] where the schema asks for what cannot be kept (`oneOf`, references to elsewhere) or leaves no
    /// answer.
    pub fn json(&self, schema: &Value) -> Result<Grammar, ChooseError> {
        let refused = |error: String| ChooseError::Schema(error);
        let mut schema = match schema {
            Value::Bool(true) => Value::Object(serde_json::Map::new()),
            Value::Object(_) => schema.clone(),
            other => return Err(refused(format!("{other} is no schema"))),
        };
        bound_numbers(&mut schema);
        JsonCompileOptions {
            item_separator: ", ".to_string(),
            key_separator: ": ".to_string(),
            whitespace_flexible: false,
            json_allowed_escapes: Some(ESCAPES.to_string()),
            ..JsonCompileOptions::default()
        }
        .apply_to(&mut schema);
        let parser = self.0.factory.create_parser(TopLevelGrammar::from_json_schema(schema));
        let matcher = Matcher::new(parser);
        if let Some(error) = matcher.get_error() {
            return Err(refused(error.escape_debug().to_string()));
        }
        Grammar::at(self.0.clone(), matcher).ok_or_else(|| refused("no short answer was found".to_string()))
    }
}

impl Grammar {
    /// Tokens that make the answer whole from here; none are left where it is.
    pub fn closing(&self) -> &[u32] {
        &self.closing
    }

    /// Which tokens may come next; none where the rules have become too large to work out.
    pub(super) fn may(&mut self) -> Option<Allowed> {
        self.matcher.compute_mask_or_eos().ok().map(Allowed)
    }

    /// Where a token leads; none where it may not come, or nothing makes the answer whole after it.
    pub(super) fn after(&self, token: u32) -> Option<Self> {
        let mut matcher = self.matcher.clone();
        matcher.consume_token(token).ok()?;
        let kept = match self.closing.split_first() {
            Some((first, rest)) if *first == token => Some(rest),
            _ => self.vocabulary.closer.closes(&matcher, &self.closing).then_some(self.closing.as_slice()),
        };
        match kept {
            Some(closing) => Some(Self { vocabulary: self.vocabulary.clone(), matcher, closing: closing.to_vec() }),
            None => Self::at(self.vocabulary.clone(), matcher),
        }
    }

    /// Whether nothing can come any more.
    pub(super) fn is_over(&self) -> bool {
        self.matcher.is_stopped()
    }

    fn at(vocabulary: Arc<Vocabulary>, matcher: Matcher) -> Option<Self> {
        let closing = vocabulary.closer.closing(&matcher)?;
        Some(Self { vocabulary, matcher, closing })
    }
}

/// Tokens that may come.
pub(super) struct Allowed(SimpleVob);

impl Allowed {
    pub(super) fn has(&self, token: u32) -> bool {
        (token as usize) < self.0.len() && self.0.is_allowed(token)
    }
}

/// What may follow a backslash. Escapes by number are left out: half of a pair is no text.
const ESCAPES: &str = "nrbtf\\\"";

/// The largest number that is written where the schema names none; up to it, every integer has a number of its own.
const NUMBER_MAX: i64 = 1 << 53;

/// Keywords whose values are no schemas.
const VALUES: [&str; 4] = ["enum", "const", "default", "examples"];

/// Gives every number that has no bound one to each side.
fn bound_numbers(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(bound_numbers),
        Value::Object(fields) => {
            let is_number = |kind: &Value| kind == "number" || kind == "integer";
            let kind = fields.get("type");
            let has = |names: [&str; 2]| names.iter().any(|name| fields.contains_key(*name));
            if kind
                .is_some_and(|kind| is_number(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is_number)))
            {
                let (is_above, is_below) = (has(["minimum", "exclusiveMinimum"]), has(["maximum", "exclusiveMaximum"]));
                for (name, bound, is_there) in [("minimum", -NUMBER_MAX, is_above), ("maximum", NUMBER_MAX, is_below)] {
                    if !is_there {
                        fields.insert(name.to_string(), Value::from(bound));
                    }
                }
            }
            fields
                .iter_mut()
                .filter(|(name, _)| !VALUES.contains(&name.as_str()))
                .for_each(|(_, value)| bound_numbers(value));
        }
        _ => {}
    }
}

fn one_line(error: &impl ToString) -> String {
    error.to_string().escape_debug().to_string()
}
