//! The language of triggers: conditions over [`facts`](super::facts), parsed and checked when a skill is loaded.
//!
//! `hp < 0.3 * max_hp and enemies_adjacent > 0`. Operators, weakest first: `or`; `and`; `not`; `== != < <= > >=`;
//! `+ -`; `* /`; unary `-`. Functions: `min(a, b)`, `max(a, b)`, `abs(a)`. Texts stand in quotes and can be compared with `==`
//! and `!=`. Where a run of a skill is judged, `start.NAME` is the fact as it was when the run began.
//!
//! It is no program: no loops, no names of its own, and a fixed depth, so that reading one always ends at once.

use super::facts::{FACTS, Facts, Kind, Value};

mod parse;

/// The longest condition, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;

/// A condition that was parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(Expression);

/// What is wrong with a condition, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TriggerError {
    /// Bytes from the beginning of the text.
    pub at: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Fact { index: usize, at_start: bool },
    Number(f64),
    Truth(bool),
    Text(String),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Two(Operator, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Times,
    Over,
    Least,
    Greatest,
}

/// A value in the course of reading a condition.
#[derive(Clone, Debug, PartialEq)]
enum Found<'a> {
    Number(f64),
    Truth(bool),
    Text(&'a str),
}

impl Condition {
    /// Parses a condition over the facts of one moment.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Condition, TriggerError> {
        parse::condition(text, false).map(Condition)
    }

    /// Parses a condition that may also speak of `start.NAME`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse_with_start(text: &str) -> Result<Condition, TriggerError> {
        parse::condition(text, true).map(Condition)
    }

    /// Whether it holds now.
    pub fn holds(&self, now: &Facts) -> bool {
        self.holds_since(now, now)
    }

    /// Whether it holds now, for a run that began when the facts were those of `start`.
    pub fn holds_since(&self, now: &Facts, start: &Facts) -> bool {
        matches!(find(&self.0, now, start), Found::Truth(true))
    }
}

fn find<'a>(expression: &'a Expression, now: &'a Facts, start: &'a Facts) -> Found<'a> {
    match expression {
        Expression::Fact { index, at_start } => match if *at_start { start } else { now }.value(*index) {
            Value::Number(number) => Found::Number(number),
            Value::Truth(truth) => Found::Truth(truth),
            Value::Text(text) => Found::Text(text),
        },
        Expression::Number(number) => Found::Number(*number),
        Expression::Truth(truth) => Found::Truth(*truth),
        Expression::Text(text) => Found::Text(text),
        Expression::Not(inner) => Found::Truth(!is_true(&find(inner, now, start))),
        Expression::Negative(inner) => Found::Number(-number(&find(inner, now, start))),
        Expression::Two(Operator::Or, left, right) => {
            Found::Truth(is_true(&find(left, now, start)) || is_true(&find(right, now, start)))
        }
        Expression::Two(Operator::And, left, right) => {
            Found::Truth(is_true(&find(left, now, start)) && is_true(&find(right, now, start)))
        }
        Expression::Two(operator, left, right) => combine(*operator, &find(left, now, start), &find(right, now, start)),
    }
}

fn combine<'a>(operator: Operator, left: &Found<'a>, right: &Found<'a>) -> Found<'a> {
    let (a, b) = (number(left), number(right));
    match operator {
        Operator::Or | Operator::And => unreachable!("both are read before their second operand is"),
        Operator::Equal => Found::Truth(left == right),
        Operator::Unequal => Found::Truth(left != right),
        Operator::Less => Found::Truth(a < b),
        Operator::LessEqual => Found::Truth(a <= b),
        Operator::Greater => Found::Truth(a > b),
        Operator::GreaterEqual => Found::Truth(a >= b),
        Operator::Plus => Found::Number(a + b),
        Operator::Minus => Found::Number(a - b),
        Operator::Times => Found::Number(a * b),
        Operator::Over => Found::Number(a / b),
        Operator::Least => Found::Number(a.min(b)),
        Operator::Greatest => Found::Number(a.max(b)),
    }
}

fn is_true(found: &Found<'_>) -> bool {
    *found == Found::Truth(true)
}

/// The parser has checked that numbers are where numbers are needed.
fn number(found: &Found<'_>) -> f64 {
    match found {
        Found::Number(number) => *number,
        Found::Truth(_) | Found::Text(_) => f64::NAN,
    }
}

fn kind(expression: &Expression) -> Kind {
    match expression {
        Expression::Fact { index, .. } => FACTS[*index].kind,
        Expression::Number(_) | Expression::Negative(_) => Kind::Number,
        Expression::Truth(_) | Expression::Not(_) => Kind::Truth,
        Expression::Text(_) => Kind::Text,
        Expression::Two(operator, ..) => match operator {
            Operator::Plus
            | Operator::Minus
            | Operator::Times
            | Operator::Over
            | Operator::Least
            | Operator::Greatest => Kind::Number,
            _ => Kind::Truth,
        },
    }
}

#[cfg(test)]
mod tests;
