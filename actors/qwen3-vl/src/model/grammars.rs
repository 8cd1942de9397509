//! Grammars of the schemas that were asked for lately, since making one takes longer than a token.

use crate::choose::{ChooseError, Grammar, Grammars};
use serde_json::Value;
use std::collections::VecDeque;

/// Schemas whose grammars are kept. Games have one a set of offers.
const SCHEMAS_MAX: usize = 32;

/// Makes grammars, and keeps the latest of them.
pub(super) struct KnownGrammars {
    grammars: Grammars,
    /// What was used last is last.
    known: VecDeque<(String, Result<Grammar, ChooseError>)>,
}

impl KnownGrammars {
    pub(super) fn new(grammars: Grammars) -> Self {
        Self { grammars, known: VecDeque::new() }
    }

    /// The grammar of a schema, at its start. A refusal is kept, too.
    pub(super) fn of(&mut self, schema: &Value) -> Result<Grammar, ChooseError> {
        let text = schema.to_string();
        let known = self.known.iter().position(|(known, _)| *known == text);
        let (text, grammar) = match known.and_then(|index| self.known.remove(index)) {
            Some(known) => known,
            None => (text, self.grammars.json(schema)),
        };
        if self.known.len() == SCHEMAS_MAX {
            self.known.pop_front();
        }
        self.known.push_back((text, grammar.clone()));
        grammar
    }
}
