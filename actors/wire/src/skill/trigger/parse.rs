//! From the text of a condition to a checked expression.

use super::{Expression, Kind, Operator, TEXT_BYTES_MAX, TriggerError, kind};
use crate::skill::facts::FACTS;

/// Parentheses, `not` and `-` within each other.
const DEPTH_MAX: usize = 32;
/// How much like a known name an unknown one must be to be taken for a slip of the pen: characters that differ.
const SLIPS_MAX: usize = 3;

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    Number(f64),
    Text(&'a str),
    Sign(&'static str),
    End,
}

struct Parser<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    next: usize,
    depth: usize,
    knows_start: bool,
}

const SIGNS: [&str; 14] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ",", "."];

pub(super) fn condition(text: &str, knows_start: bool) -> Result<Expression, TriggerError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(error(0, format!("a condition may have {TEXT_BYTES_MAX} bytes, this one has {}", text.len())));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, knows_start };
    let parsed = parser.either()?;
    match parser.peek() {
        (_, Token::End) => {}
        (at, token) => return Err(error(at, format!("expected and, or, or the end, found {}", shown(&token)))),
    }
    expect(&parsed, Kind::Truth, 0)?;
    Ok(parsed)
}

fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, TriggerError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let run = |holds: fn(char) -> bool| rest.find(|character: char| !holds(character)).unwrap_or(rest.len());
        let (length, token) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = run(|character| character.is_ascii_alphanumeric() || character == '_');
            (length, Token::Name(&rest[..length]))
        } else if first.is_ascii_digit() {
            let length = run(|character| character.is_ascii_alphanumeric() || character == '.');
            let number = rest[..length].parse().map_err(|_| error(at, format!("{} is no number", &rest[..length])))?;
            (length, Token::Number(number))
        } else if first == '"' || first == '\'' {
            let end = rest[1..].find(first).ok_or_else(|| error(at, format!("a text has no closing {first}")))?;
            (end + 2, Token::Text(&rest[1..=end]))
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (sign.len(), Token::Sign(sign))
        } else {
            return Err(error(at, format!("{first:?} means nothing here")));
        };
        tokens.push((at, token));
        at += length;
    }
    tokens.push((text.len(), Token::End));
    Ok(tokens)
}

impl<'a> Parser<'a> {
    fn peek(&self) -> (usize, Token<'a>) {
        self.tokens[self.next.min(self.tokens.len() - 1)].clone()
    }

    fn take(&mut self) -> (usize, Token<'a>) {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn takes(&mut self, wanted: &Token<'_>) -> bool {
        let found = self.peek().1 == *wanted;
        self.next += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Expression, TriggerError> {
        self.joined("or", Operator::Or, Parser::both)
    }

    fn both(&mut self) -> Result<Expression, TriggerError> {
        self.joined("and", Operator::And, Parser::negation)
    }

    fn joined(
        &mut self,
        word: &str,
        operator: Operator,
        part: fn(&mut Parser<'a>) -> Result<Expression, TriggerError>,
    ) -> Result<Expression, TriggerError> {
        let mut at = self.peek().0;
        let mut left = part(self)?;
        while self.takes(&Token::Name(word)) {
            expect(&left, Kind::Truth, at)?;
            at = self.peek().0;
            let right = part(self)?;
            expect(&right, Kind::Truth, at)?;
            left = Expression::Two(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, TriggerError> {
        if !self.takes(&Token::Name("not")) {
            return self.comparison();
        }
        let at = self.peek().0;
        let inner = self.deeper(at, Parser::negation)?;
        expect(&inner, Kind::Truth, at)?;
        Ok(Expression::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Expression, TriggerError> {
        let left_at = self.peek().0;
        let left = self.sum()?;
        let (at, token) = self.peek();
        let operator = match token {
            Token::Sign("==") => Operator::Equal,
            Token::Sign("!=") => Operator::Unequal,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterEqual,
            _ => return Ok(left),
        };
        self.next += 1;
        let right_at = self.peek().0;
        let right = self.sum()?;
        if matches!(operator, Operator::Equal | Operator::Unequal) {
            if kind(&left) != kind(&right) {
                let message = format!("{} and {} cannot be equal", named(kind(&left)), named(kind(&right)));
                return Err(error(at, message));
            }
        } else {
            expect(&left, Kind::Number, left_at)?;
            expect(&right, Kind::Number, right_at)?;
        }
        Ok(Expression::Two(operator, Box::new(left), Box::new(right)))
    }

    fn sum(&mut self) -> Result<Expression, TriggerError> {
        self.arithmetic([("+", Operator::Plus), ("-", Operator::Minus)], Parser::product)
    }

    fn product(&mut self) -> Result<Expression, TriggerError> {
        self.arithmetic([("*", Operator::Times), ("/", Operator::Over)], Parser::atom)
    }

    fn arithmetic(
        &mut self,
        signs: [(&'static str, Operator); 2],
        part: fn(&mut Parser<'a>) -> Result<Expression, TriggerError>,
    ) -> Result<Expression, TriggerError> {
        let mut at = self.peek().0;
        let mut left = part(self)?;
        while let Some((_, operator)) = signs.into_iter().find(|(sign, _)| self.takes(&Token::Sign(sign))) {
            expect(&left, Kind::Number, at)?;
            at = self.peek().0;
            let right = part(self)?;
            expect(&right, Kind::Number, at)?;
            left = Expression::Two(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Expression, TriggerError> {
        let (at, token) = self.take();
        match token {
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Text(text) => Ok(Expression::Text(text.to_string())),
            Token::Name("true") => Ok(Expression::Truth(true)),
            Token::Name("false") => Ok(Expression::Truth(false)),
            Token::Name("start") if self.knows_start => {
                self.sign(".")?;
                let (at, name) = self.take();
                match name {
                    Token::Name(name) => fact(name, at, true),
                    other => Err(error(at, format!("expected the name of a fact, found {}", shown(&other)))),
                }
            }
            Token::Name("min") => self.call(Operator::Least),
            Token::Name("max") => self.call(Operator::Greatest),
            Token::Name("abs") => {
                self.sign("(")?;
                let inner = self.deeper(at, Parser::sum)?;
                self.sign(")")?;
                expect(&inner, Kind::Number, at)?;
                let opposite = Expression::Negative(Box::new(inner.clone()));
                Ok(Expression::Two(Operator::Greatest, Box::new(inner), Box::new(opposite)))
            }
            Token::Name(name) => fact(name, at, false),
            Token::Sign("-") => {
                let inner = self.deeper(at, Parser::atom)?;
                expect(&inner, Kind::Number, at)?;
                Ok(Expression::Negative(Box::new(inner)))
            }
            Token::Sign("(") => {
                let inner = self.deeper(at, Parser::either)?;
                self.sign(")")?;
                Ok(inner)
            }
            other => Err(error(at, format!("expected a fact, a number or a text, found {}", shown(&other)))),
        }
    }

    fn call(&mut self, operator: Operator) -> Result<Expression, TriggerError> {
        self.sign("(")?;
        let (left_at, left) = (self.peek().0, self.deeper_sum()?);
        self.sign(",")?;
        let (right_at, right) = (self.peek().0, self.deeper_sum()?);
        self.sign(")")?;
        expect(&left, Kind::Number, left_at)?;
        expect(&right, Kind::Number, right_at)?;
        Ok(Expression::Two(operator, Box::new(left), Box::new(right)))
    }

    fn deeper_sum(&mut self) -> Result<Expression, TriggerError> {
        let at = self.peek().0;
        self.deeper(at, Parser::sum)
    }

    fn deeper(
        &mut self,
        at: usize,
        part: fn(&mut Parser<'a>) -> Result<Expression, TriggerError>,
    ) -> Result<Expression, TriggerError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(error(at, format!("nested more than {DEPTH_MAX} deep")));
        }
        let parsed = part(self);
        self.depth -= 1;
        parsed
    }

    fn sign(&mut self, wanted: &'static str) -> Result<(), TriggerError> {
        match self.take() {
            (_, Token::Sign(sign)) if sign == wanted => Ok(()),
            (at, other) => Err(error(at, format!("expected {wanted}, found {}", shown(&other)))),
        }
    }
}

fn fact(name: &str, at: usize, at_start: bool) -> Result<Expression, TriggerError> {
    if let Some(index) = FACTS.iter().position(|fact| fact.name == name) {
        return Ok(Expression::Fact { index, at_start });
    }
    let nearest = FACTS.iter().map(|fact| (strsim::levenshtein(name, fact.name), fact.name)).min();
    let hint = match nearest {
        Some((slips, nearest)) if slips <= SLIPS_MAX => format!("; did you mean {nearest}?"),
        _ => String::new(),
    };
    Err(error(at, format!("there is no fact {name}{hint}")))
}

fn expect(expression: &Expression, wanted: Kind, at: usize) -> Result<(), TriggerError> {
    let found = kind(expression);
    if found == wanted { Ok(()) } else { Err(error(at, format!("expected {}, found {}", named(wanted), named(found)))) }
}

fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "a number",
        Kind::Truth => "a condition",
        Kind::Text => "a text",
    }
}

fn shown(token: &Token<'_>) -> String {
    match token {
        Token::Name(name) => (*name).to_string(),
        Token::Number(number) => number.to_string(),
        Token::Text(text) => format!("{text:?}"),
        Token::Sign(sign) => (*sign).to_string(),
        Token::End => "the end".to_string(),
    }
}

fn error(at: usize, message: impl Into<String>) -> TriggerError {
    TriggerError { at, message: message.into() }
}
