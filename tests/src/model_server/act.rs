//! What the server does with a chat.

use super::http::{self, Asked};
use super::kind::Kind;
use serde_json::{Value, json};
use std::io;
use std::net::TcpStream;
use std::time::Duration;
use wire::random::SplitMix64;

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(3_600);
/// Letters of a token.
const TOKEN_LETTERS: usize = 4;

/// One act of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// It answers as it was asked to, in a stream or whole.
    Answer,
    /// It answers, and closes the connection without having said so.
    AnswerAndClose,
    /// It does this after so long.
    After(Duration, Box<Act>),
    /// It answers, with so long between the head of the response and its first byte.
    FirstByteAfter(Duration),
    /// It answers whole where a stream was asked for.
    Whole,
    /// It refuses, with how many seconds to wait.
    Status(u16, Option<f64>),
    /// It refuses in these words.
    Refuse(u16, String),
    /// It repeats the key that it was sent, in a refusal.
    EchoKey,
    /// It answers this in place of what its model says.
    Say(String),
    /// It thinks this in `reasoning_content` first.
    Think(String),
    /// Its model does not stop after the answer.
    Ramble,
    /// A piece of the stream is no JSON.
    Malformed,
    /// What is whole JSON is no answer.
    WrongShape,
    /// The stream breaks in the middle of a piece.
    CutInPiece,
    /// The stream ends before the answer is whole, as if it were.
    CutShort,
    /// The connection breaks after the answer and before the stream's end.
    CutBeforeDone,
    /// Nothing comes after the first pieces.
    Stall,
    /// Nothing comes at all.
    Silence,
    /// The stream holds an error with this status.
    ErrorInStream(u16),
    /// A page for people.
    WebPage,
    /// Something that is no text.
    Noise,
    /// A line without an end.
    Endless,
    /// The connection is reset.
    Reset,
    /// The connection is closed without a word.
    Close,
}

impl Act {
    /// Any act, with waits of at most so long.
    pub fn random(random: &mut SplitMix64, longest: Duration) -> Act {
        let mut wait = || Duration::from_micros(random.below(longest.as_micros() as usize + 1) as u64);
        let (short, long) = (wait() / 8, wait());
        match random.below(24) {
            0 => Act::After(long, Box::new(Act::Answer)),
            1 => Act::FirstByteAfter(long),
            2 => Act::Whole,
            3 => Act::Status(429, Some(short.as_secs_f64())),
            4 => Act::Status(429, Some(3_600.0)),
            5 => Act::Status([500, 502, 503, 504][random.below(4)], None),
            6 => Act::Status([401, 404, 413][random.below(3)], None),
            7 => Act::EchoKey,
            8 => Act::Say("I would rather not.".to_string()),
            9 => Act::Think("hm ".repeat(random.below(40))),
            10 => Act::Ramble,
            11 => Act::Malformed,
            12 => Act::WrongShape,
            13 => Act::CutInPiece,
            14 => Act::CutShort,
            15 => Act::CutBeforeDone,
            16 => Act::Stall,
            17 => Act::Silence,
            18 => Act::ErrorInStream([400, 500, 503][random.below(3)]),
            19 => Act::WebPage,
            20 => Act::Noise,
            21 => Act::Endless,
            22 => Act::Reset,
            _ => Act::After(short, Box::new(Act::Close)),
        }
    }
}

/// One chat.
pub struct Turn<'a> {
    pub kind: &'a Kind,
    pub asked: &'a Asked,
    pub answer: &'a str,
    pub stream: &'a mut TcpStream,
}

impl Turn<'_> {
    /// Does it; says whether the connection goes on.
    pub fn perform(&mut self, act: &Act) -> io::Result<bool> {
        if let Some(words) = self.kind.refusal(self.asked) {
            return self.refuse(400, words, None);
        }
        match act {
            Act::Answer if self.asked.body["stream"] == true => self.tell("", self.answer, ""),
            Act::Answer | Act::Whole => self.whole(),
            Act::AnswerAndClose => {
                self.perform(&Act::Answer)?;
                Ok(false)
            }
            Act::After(wait, act) => Ok(http::wait(self.stream, *wait)? && self.perform(act)?),
            Act::FirstByteAfter(wait) => {
                http::begin(self.stream, "text/event-stream")?;
                Ok(http::wait(self.stream, *wait)? && self.say("", self.answer, "")?)
            }
            Act::Status(status, retry_after) => self.refuse(*status, "as the script says", *retry_after),
            Act::Refuse(status, words) => self.refuse(*status, words, None),
            Act::EchoKey => self.refuse(401, &format!("wrong: {}", self.asked.header("authorization")), None),
            Act::Say(text) => self.tell("", text, ""),
            Act::Think(thoughts) => self.tell(thoughts, self.answer, ""),
            Act::Ramble => {
                self.tell_on("", self.answer)?;
                while http::wait(self.stream, Duration::from_millis(1))? {
                    self.event(&self.piece(json!({"content": "{\"and\":1}\n"}), Value::Null))?;
                }
                Ok(false)
            }
            Act::Malformed => {
                http::begin(self.stream, "text/event-stream")?;
                http::piece(self.stream, "data: {\"choices\":[{\"delta\":{\"cont\n\n")?;
                self.end()
            }
            Act::WrongShape => {
                let headers = [("content-type", "application/json".to_string())];
                http::respond(self.stream, 200, &headers, r#"{"choices":"none"}"#)?;
                Ok(true)
            }
            Act::CutInPiece => {
                self.tell_on("", &self.answer[..self.answer.len() / 2])?;
                io::Write::write_all(self.stream, b"ff\r\ndata: {\"choices\":[{\"del")?;
                Ok(false)
            }
            Act::CutShort => {
                self.tell_on("", &self.answer[..self.answer.len() / 2])?;
                http::piece(self.stream, "")?;
                Ok(true)
            }
            Act::CutBeforeDone => {
                self.tell_on("", self.answer)?;
                Ok(false)
            }
            Act::Stall => {
                self.tell_on("", &self.answer[..self.answer.len() / 2])?;
                http::wait(self.stream, FOR_EVER)?;
                Ok(false)
            }
            Act::Silence => {
                http::wait(self.stream, FOR_EVER)?;
                Ok(false)
            }
            Act::ErrorInStream(status) => {
                http::begin(self.stream, "text/event-stream")?;
                self.event(&json!({"error": {"code": status, "message": "as the script says"}}))?;
                self.end()
            }
            Act::WebPage => {
                let headers = [("content-type", "text/html; charset=utf-8".to_string())];
                http::respond(self.stream, 200, &headers, "<html><body>It works!</body></html>")?;
                Ok(true)
            }
            Act::Noise => {
                io::Write::write_all(self.stream, b"\0\x01\x02 noise \xff\r\n\r\n")?;
                Ok(false)
            }
            Act::Endless => {
                http::begin(self.stream, "text/event-stream")?;
                let piece = "x".repeat(16 << 10);
                while http::piece(self.stream, &piece).is_ok() {}
                Ok(false)
            }
            Act::Reset => {
                let at_once = Some(Duration::ZERO);
                rustix::net::sockopt::set_socket_linger(&*self.stream, at_once)?;
                Ok(false)
            }
            Act::Close => Ok(false),
        }
    }

    fn refuse(&mut self, status: u16, words: &str, retry_after: Option<f64>) -> io::Result<bool> {
        let mut headers = vec![("content-type", "application/json".to_string())];
        headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        let body = json!({"error": {"code": status, "message": words, "type": "scripted"}});
        http::respond(self.stream, status, &headers, &body.to_string())?;
        Ok(true)
    }

    fn whole(&mut self) -> io::Result<bool> {
        let mut document = json!({
            "object": "chat.completion",
            "model": self.kind.model(),
            "choices": [{"index": 0, "message": {"role": "assistant", "content": self.answer}, "finish_reason": "stop"}],
            "usage": self.usage(),
        });
        if self.has_probabilities() {
            document["choices"][0]["logprobs"] =
                json!({"content": tokens(self.answer).map(probable).collect::<Vec<_>>()});
        }
        let headers = [("content-type", "application/json".to_string())];
        http::respond(self.stream, 200, &headers, &document.to_string())?;
        Ok(true)
    }

    /// A whole stream.
    fn tell(&mut self, thoughts: &str, text: &str, rest: &str) -> io::Result<bool> {
        http::begin(self.stream, "text/event-stream")?;
        self.say(thoughts, text, rest)
    }

    /// A stream that goes on.
    fn tell_on(&mut self, thoughts: &str, text: &str) -> io::Result<()> {
        http::begin(self.stream, "text/event-stream")?;
        self.words(thoughts, text)
    }

    fn say(&mut self, thoughts: &str, text: &str, rest: &str) -> io::Result<bool> {
        self.words(thoughts, text)?;
        self.words("", rest)?;
        self.event(&self.piece(json!({}), json!("stop")))?;
        if self.asked.body["stream_options"]["include_usage"] == true {
            self.event(&json!({"object": "chat.completion.chunk", "choices": [], "usage": self.usage()}))?;
        }
        self.end()
    }

    fn end(&mut self) -> io::Result<bool> {
        http::piece(self.stream, "data: [DONE]\n\n")?;
        http::piece(self.stream, "")?;
        Ok(true)
    }

    fn words(&mut self, thoughts: &str, text: &str) -> io::Result<()> {
        for token in tokens(thoughts) {
            self.event(&self.piece(json!({"reasoning_content": token}), Value::Null))?;
        }
        for token in tokens(text) {
            let mut piece = self.piece(json!({"content": token}), Value::Null);
            if self.has_probabilities() {
                piece["choices"][0]["logprobs"] = json!({"content": [probable(token)]});
            }
            self.event(&piece)?;
        }
        Ok(())
    }

    fn piece(&self, delta: Value, finish: Value) -> Value {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        json!({"object": "chat.completion.chunk", "model": self.kind.model(), "choices": [choice]})
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        http::piece(self.stream, &format!("data: {event}\n\n"))
    }

    fn has_probabilities(&self) -> bool {
        self.kind.gives_probabilities && self.asked.body["logprobs"] == true
    }

    fn usage(&self) -> Value {
        let words = self.asked.body["messages"].to_string().len() / TOKEN_LETTERS;
        let said = tokens(self.answer).count();
        json!({"prompt_tokens": words, "completion_tokens": said, "total_tokens": words + said,
            "prompt_tokens_details": {"cached_tokens": words / 2}})
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let begins: Vec<usize> = letters.into_iter().step_by(TOKEN_LETTERS).collect();
    (0..begins.len()).map(move |place| &text[begins[place]..begins.get(place + 1).copied().unwrap_or(text.len())])
}

/// Every token is as probable as nine in ten.
fn probable(token: &str) -> Value {
    json!({"token": token, "logprob": 0.9_f64.ln(), "bytes": token.as_bytes(), "top_logprobs": []})
}
