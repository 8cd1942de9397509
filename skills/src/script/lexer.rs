//! Splits a script that compiles into tokens. Comments and what a text says beyond its plain characters are left out.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A name or a keyword.
    Name,
    /// A number.
    Number,
    /// A text in quotes; `text` is what stands between them.
    Text,
    /// A text of which not every character is known here: long brackets, escapes, expressions.
    Opaque,
    /// Anything else, of one character; `..`, `...`, `::`, `->` and operators that end in `=` are one token.
    Sign,
}

/// A piece of a script.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its characters.
    pub text: &'a str,
    /// Bytes from the beginning of the script.
    pub at: usize,
}

impl Token<'_> {
    /// Whether it is this sign or keyword.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Sign | Kind::Name) && self.text == text
    }
}

const SIGNS: [&str; 18] =
    ["...", "..=", "//=", "..", "::", "->", "==", "~=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "^=", "//", "@"];

/// The tokens of a script.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new(), braces: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    /// For each interpolated text that is open, the braces that are open within its expression.
    braces: Vec<u32>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind, bytes: usize) {
        self.tokens.push(Token { kind, text: &self.source[self.at..self.at + bytes], at: self.at });
        self.at += bytes;
    }

    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return false };
        if first.is_whitespace() {
            self.at += first.len_utf8();
        } else if let Some(comment) = rest.strip_prefix("--") {
            let long = long_bracket(comment);
            self.at += 2 + long.unwrap_or_else(|| comment.find('\n').unwrap_or(comment.len()));
        } else if let Some(bytes) = long_bracket(rest) {
            self.push(Kind::Opaque, bytes);
        } else if first.is_ascii_alphabetic() || first == '_' {
            let bytes = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            self.push(Kind::Name, bytes);
        } else if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.push(Kind::Number, number_bytes(rest));
        } else if first == '"' || first == '\'' {
            self.quoted(first);
        } else if first == '`' {
            self.at += 1;
            self.interpolated();
        } else {
            self.sign(first);
        }
        true
    }

    fn sign(&mut self, first: char) {
        match (first, self.braces.last_mut()) {
            ('{', Some(open)) => *open += 1,
            ('}', Some(0)) => {
                self.braces.pop();
                self.at += 1;
                return self.interpolated();
            }
            ('}', Some(open)) => *open -= 1,
            _ => {}
        }
        let rest = self.rest();
        let bytes = SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or(first.len_utf8(), |sign| sign.len());
        self.push(Kind::Sign, bytes);
    }

    fn quoted(&mut self, quote: char) {
        let body = &self.rest()[1..];
        let mut is_plain = true;
        let mut is_escaped = false;
        let end = body.char_indices().find(|(_, c)| {
            let was_escaped = std::mem::replace(&mut is_escaped, false);
            is_escaped = *c == '\\' && !was_escaped;
            is_plain &= !is_escaped;
            *c == quote && !was_escaped
        });
        let bytes = end.map_or(body.len(), |(at, _)| at);
        let kind = if is_plain { Kind::Text } else { Kind::Opaque };
        self.tokens.push(Token { kind, text: &body[..bytes], at: self.at });
        self.at = (self.at + bytes + 2).min(self.source.len());
    }

    /// Goes on within an interpolated text, until an expression begins or the text ends.
    fn interpolated(&mut self) {
        let rest = self.rest();
        let mut is_escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let was_escaped = std::mem::replace(&mut is_escaped, false);
            is_escaped = *c == '\\' && !was_escaped;
            (*c == '`' || *c == '{') && !was_escaped
        });
        let bytes = end.map_or(rest.len(), |(at, _)| at + 1);
        self.push(Kind::Opaque, bytes);
        if end.is_some_and(|(_, c)| c == '{') {
            self.braces.push(0);
        }
    }
}

/// Bytes of `[[…]]` or `[=[…]=]` at the beginning of a text.
fn long_bracket(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let level = inner.bytes().take_while(|byte| *byte == b'=').count();
    inner[level..].starts_with('[').then_some(())?;
    let close = format!("]{}]", "=".repeat(level));
    Some(text.find(&close).map_or(text.len(), |at| at + close.len()))
}

fn number_bytes(text: &str) -> usize {
    let mut before = ' ';
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let mut has_dot = false;
    for (at, c) in text.char_indices() {
        let goes_on = c.is_ascii_alphanumeric()
            || c == '_'
            || c == '.' && !has_dot && !text[at..].starts_with("..")
            || (c == '+' || c == '-') && !is_hex && matches!(before, 'e' | 'E');
        if !goes_on {
            return at;
        }
        has_dot |= c == '.';
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn names_numbers_texts_and_signs_are_told_apart() {
        assert_eq!(texts("local x=1..2 --[[ no ]] y"), ["local", "x", "=", "1", "..", "2", "y"]);
        assert_eq!(
            texts("a.b:c('it',[==[ ]] ]==]) -- end"),
            ["a", ".", "b", ":", "c", "(", "it", ",", "[==[ ]] ]==]", ")"]
        );
        assert_eq!(texts("`a {x.y} {`in {z}`} b` c"), ["a {", "x", ".", "y", " {", "in {", "z", "`", " b`", "c"]);
        assert_eq!(texts("1e-5+0xF 'a\\'b'"), ["1e-5", "+", "0xF", "a\\'b"]);
    }
}
