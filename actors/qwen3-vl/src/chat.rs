//! A conversation as tokens: what is said to the model, laid out by the chat template of its own folder, and what it says,
//! split into reasoning and answer.
//!
//! The folder's template is run instead of rules of our own, so that Instruct, Thinking and retrained models are each asked
//! as they were taught. It is rendered once when it is opened, so that one that cannot be run is refused then. It is given
//! stand-ins instead of the texts: what anybody says can neither confuse the template nor become a control token.
//!
//! Videos and tools are absent.

mod template;
mod tokenizer;

pub use tokenizer::Tokenizer;

use crate::files::Folder;
use serde_json::{Value, json};
use template::{Piece, Template, stand_in};

/// Lays out conversations for one model.
#[derive(Clone, Debug)]
pub struct Chat {
    tokenizer: Tokenizer,
    template: Template,
    picture: u32,
    reasoning: Option<(u32, u32)>,
    is_thinking: bool,
}

/// What is said to the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation<'a> {
    /// Rules for all of it.
    pub system: &'a str,
    /// Who said what; the last one is the user.
    pub turns: Vec<Turn<'a>>,
    /// How the answer begins. A model that would reason first does not then.
    pub prefix: &'a str,
}

/// What one side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// The user.
    User(Vec<Part<'a>>),
    /// The model, without its reasoning.
    Model(&'a str),
}

/// A part of what the user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text.
    Text(&'a str),
    /// A picture, with its number of visual tokens: t·h·w of the grid over the square of the merge.
    Picture(usize),
}

/// What the model said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What it thought first.
    pub reasoning: String,
    /// Its answer; empty where it did not come so far.
    pub answer: String,
    /// Tokens before the answer.
    pub tokens_before: usize,
}

/// Why a conversation cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The tokenizer cannot be used.
    #[error("tokenizer.json cannot be used: {0}; copy it again from the model's page")]
    Tokenizer(String),
    /// The tokenizer lacks a control token.
    #[error("tokenizer.json has no {0}; copy it again from the model's page")]
    NoControl(&'static str),
    /// The chat template cannot be used.
    #[error("the chat template cannot be used: {0}; copy chat_template.json again from the model's page")]
    Template(String),
    /// Text cannot be made into tokens.
    #[error("a text has no tokens: {0}")]
    Text(String),
}

impl Chat {
    /// Opens the tokenizer and the template of a folder.
    ///
    /// # Errors
    /// Where one of them cannot be used.
    pub fn open(folder: &Folder) -> Result<Self, ChatError> {
        Self::new(folder.tokenizer(), folder.template())
    }

    /// Opens a tokenizer and a template.
    ///
    /// # Errors
    /// Where one of them cannot be used.
    pub fn new(tokenizer: &[u8], template: &str) -> Result<Self, ChatError> {
        let tokenizer = Tokenizer::parse(tokenizer)?;
        let template = Template::new(template)?;
        let picture = tokenizer.control(PICTURE).ok_or(ChatError::NoControl(PICTURE))?;
        let reasoning = tokenizer.control(REASONING_START).zip(tokenizer.control(REASONING_END));
        let mut chat = Self { tokenizer, template, picture, reasoning, is_thinking: false };
        chat.is_thinking = chat.try_template()?;
        Ok(chat)
    }

    /// Text to tokens and back.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Whether the model reasons before it answers.
    pub fn is_thinking(&self) -> bool {
        self.is_thinking
    }

    /// The token that ends the reasoning, for models that reason.
    pub fn reasoning_end(&self) -> Option<u32> {
        self.reasoning.filter(|_| self.is_thinking).map(|(_, end)| end)
    }

    /// The tokens of a conversation, up to where the model goes on. Pictures are runs of the picture token, in order.
    ///
    /// # Errors
    /// Where the template fails on it, leaves something out, or a text has no tokens.
    pub fn prompt(&self, conversation: &Conversation) -> Result<Vec<u32>, ChatError> {
        let (messages, texts, pictures) = messages(conversation);
        let pieces = self.template.lay_out(&messages, &self.tokenizer)?;
        let mut pictures = pictures.into_iter();
        let mut tokens = Tokens { tokenizer: &self.tokenizer, tokens: Vec::new(), text: String::new() };
        let mut expected = 0;
        for piece in pieces {
            match piece {
                Piece::Own(text) => tokens.text.push_str(&text),
                Piece::Text(number) if number == expected => {
                    tokens.text.push_str(texts.get(number).copied().unwrap_or_default());
                    expected += 1;
                }
                Piece::Text(_) => return Err(ChatError::Template("it changes the order of texts".to_string())),
                Piece::Control(control) if control == self.picture => {
                    let count = pictures.next().ok_or_else(|| ChatError::Template("it adds a picture".to_string()))?;
                    tokens.control(control, count)?;
                }
                Piece::Control(control) => tokens.control(control, 1)?,
            }
        }
        if expected != texts.len() || pictures.next().is_some() {
            return Err(ChatError::Template("it leaves out some of a conversation".to_string()));
        }
        if !conversation.prefix.is_empty() {
            if let Some(end) = self.reasoning_end() {
                tokens.text.push('\n');
                tokens.control(end, 1)?;
                tokens.text.push_str(AFTER_REASONING);
            }
            tokens.text.push_str(conversation.prefix);
        }
        tokens.finish()
    }

    /// Splits what the model said into what it thought and what it answers.
    pub fn split(&self, tokens: &[u32]) -> Said {
        let end = self.reasoning.and_then(|(_, end)| tokens.iter().rposition(|token| *token == end));
        let start = self.reasoning.map(|(start, _)| start);
        let (reasoning, answer) = match end {
            Some(end) => (&tokens[..end], &tokens[end + 1..]),
            None if self.is_thinking => (tokens, [].as_slice()),
            None => ([].as_slice(), tokens),
        };
        let tokens_before = tokens.len() - answer.len();
        let reasoning: Vec<u32> = reasoning.iter().copied().filter(|token| Some(*token) != start).collect();
        let answer = self.tokenizer.decode(answer);
        let answer = if end.is_some() { answer.trim_start_matches('\n') } else { &answer };
        Said {
            reasoning: self.tokenizer.decode(&reasoning).trim_matches('\n').to_string(),
            answer: answer.to_string(),
            tokens_before,
        }
    }

    /// Lays out a conversation with everything in it, and says whether the model is to reason.
    fn try_template(&self) -> Result<bool, ChatError> {
        let user = |text| Turn::User(vec![Part::Text(text), Part::Picture(1), Part::Text(text), Part::Picture(1)]);
        let conversation = Conversation {
            system: "a",
            turns: vec![user("b"), Turn::Model("c"), user("d")],
            prefix: Default::default(),
        };
        self.prompt(&conversation)?;
        let tokens =
            self.prompt(&Conversation { turns: vec![Turn::User(vec![Part::Text("b")])], ..Conversation::default() })?;
        let last = tokens.iter().rev().find(|token| self.tokenizer.is_control(**token));
        Ok(self.reasoning.is_some_and(|(start, _)| last == Some(&start)))
    }
}

/// The control token that a picture is made of.
const PICTURE: &str = "<|image_pad|>";

const REASONING_START: &str = "<think>";

const REASONING_END: &str = "</think>";

/// What models write between their reasoning and their answer.
pub const AFTER_REASONING: &str = "\n\n";

/// Tokens under way. Text is gathered up to the next control token, since tokens go across the seams of texts.
struct Tokens<'a> {
    tokenizer: &'a Tokenizer,
    tokens: Vec<u32>,
    text: String,
}

impl Tokens<'_> {
    fn control(&mut self, control: u32, count: usize) -> Result<(), ChatError> {
        self.flush()?;
        self.tokens.extend(std::iter::repeat_n(control, count));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ChatError> {
        if !self.text.is_empty() {
            self.tokens.extend(self.tokenizer.encode(&self.text)?);
            self.text.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u32>, ChatError> {
        self.flush()?;
        Ok(self.tokens)
    }
}

/// Messages with stand-ins, the texts that they stand for, and the sizes of pictures.
fn messages<'a>(conversation: &Conversation<'a>) -> (Vec<Value>, Vec<&'a str>, Vec<usize>) {
    let (mut messages, mut texts, mut pictures) = (Vec::new(), Vec::new(), Vec::new());
    let mut stand = |text: &'a str| {
        texts.push(text);
        stand_in(texts.len() - 1)
    };
    if !conversation.system.is_empty() {
        messages.push(json!({ "role": "system", "content": stand(conversation.system) }));
    }
    for turn in &conversation.turns {
        messages.push(match turn {
            Turn::Model(text) => json!({ "role": "assistant", "content": stand(text) }),
            Turn::User(parts) => {
                let content: Vec<Value> = parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => json!({ "type": "text", "text": stand(text) }),
                        Part::Picture(tokens) => {
                            pictures.push(*tokens);
                            json!({ "type": "image" })
                        }
                    })
                    .collect();
                json!({ "role": "user", "content": content })
            }
        });
    }
    (messages, texts, pictures)
}
