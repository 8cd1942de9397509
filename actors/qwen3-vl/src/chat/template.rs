//! A folder's own chat template. It never sees what anybody said: it lays out stand-ins, and the text takes their places
//! afterwards.

use super::{ChatError, Tokenizer};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value;

/// Steps that a template may take; a conversation takes some hundred.
const STEPS_MAX: u64 = 1_000_000;

/// What stands for the text with a number, so that it occurs in no template.
const OPEN: char = '\u{F5E10}';
const CLOSE: char = '\u{F5E11}';

/// A chat template.
#[derive(Clone, Debug)]
pub(super) struct Template(Environment<'static>);

/// What a template lays out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text of the template itself.
    Own(String),
    /// A control token.
    Control(u32),
    /// The text with this number.
    Text(usize),
}

impl Template {
    pub(super) fn new(source: &str) -> Result<Self, ChatError> {
        let mut environment = Environment::new();
        let spaces = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(spaces.map_err(|error| refused(&error))?);
        environment.set_fuel(Some(STEPS_MAX));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_template_owned("chat", source.to_string()).map_err(|error| refused(&error))?;
        Ok(Self(environment))
    }

    /// Lays out messages of the form `{role, content}`, up to where the model goes on.
    pub(super) fn lay_out(&self, messages: &[Value], tokenizer: &Tokenizer) -> Result<Vec<Piece>, ChatError> {
        let template = self.0.get_template("chat").map_err(|error| refused(&error))?;
        let laid = template
            .render(context! { messages => Serde(messages), add_generation_prompt => true })
            .map_err(|error| refused(&error))?;
        pieces(&laid, tokenizer)
    }
}

/// What a template is given in the place of the text with this number.
pub(super) fn stand_in(number: usize) -> String {
    format!("{OPEN}{number}{CLOSE}")
}

fn pieces(laid: &str, tokenizer: &Tokenizer) -> Result<Vec<Piece>, ChatError> {
    let broken = || ChatError::Template("it breaks up the text that it is given".to_string());
    let mut pieces = Vec::new();
    for (number, part) in laid.split(OPEN).enumerate() {
        let mut rest = part;
        if number > 0 {
            let (number, after) = part.split_once(CLOSE).ok_or_else(broken)?;
            pieces.push(Piece::Text(number.parse().map_err(|_| broken())?));
            rest = after;
        }
        while let Some((start, end, control)) = tokenizer.first_control(rest) {
            pieces.extend((start > 0).then(|| Piece::Own(rest[..start].to_string())));
            pieces.push(Piece::Control(control));
            rest = &rest[end..];
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Own(rest.to_string())));
    }
    Ok(pieces)
}

fn refused(error: &Error) -> ChatError {
    ChatError::Template(error.to_string().escape_debug().to_string())
}
