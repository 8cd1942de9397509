//! What mGBA-http's script is asked, in its words, and what its answers must look like to be believed.
//!
//! Requests are built from checked values alone: versions before 0.10 answer a misspelt request with success. An answer
//! that is not of exactly the form that was due is a [`Fault`], and a fault ends the connection.

use std::vec::IntoIter;
use wire::buttons::Mask;
use wire::memory::Region;

/// What ends every message from version 0.6 on.
pub(super) const END: &str = "<|END|>";
/// What a request without a value is answered: by version 0.6 and later, and by those before.
pub(super) const DONE: [&str; 2] = ["<|SUCCESS|>", "<|ACK|>"];
/// What a request is answered that failed, from version 0.8 on.
pub(super) const REFUSED: &str = "<|ERROR|>";
/// A request that every version up to 0.9 answers with one of [`DONE`]; only those before 0.6 are sent it.
pub(super) const MARKER: &str = "<|ACK|>";
/// The keys in the order of their bits.
const KEYS: [&str; 10] = ["A", "B", "Select", "Start", "Right", "Left", "Up", "Down", "R", "L"];
/// The most digits of a number; mGBA's frame count has at most ten.
const DIGITS_MAX: usize = 15;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Frames since the game's start.
    Frame,
    /// 0 is a Game Boy Advance.
    Platform,
    Code,
    Title,
    RomBytes,
    /// The keys that are held.
    Keys,
    HoldKeys(Mask),
    /// Keys that the script presses by itself for so many frames, counted from the next; in the words of versions before
    /// 0.8 or in later ones.
    PressKeys(Mask, u64, Notation),
    Byte(u32),
    /// A byte as a list of one, in whatever notation this version writes lists.
    ByteAsList(u32),
    Range(Region),
    WriteByte(u32, u8),
    /// Writes the picture to a file on mGBA's machine.
    Screenshot(String),
    /// Writes the machine's state to a file on mGBA's machine.
    StateFile(String),
    Reset,
}

/// The form an answer must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Text,
    List(usize),
    /// Success is also what the script makes of a value that is false.
    Truth,
    Done,
}

/// How a version writes a list of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// `5a,01`, from version 0.8 on.
    Hexadecimal,
    /// `90,1`, before.
    Decimal,
}

/// An answer that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    Truth(bool),
    Done,
}

/// Why a connection cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the connection to mGBA ended: {0}")]
    Ended(String),
    #[error("mGBA does not answer: resume it if it is paused")]
    Silent,
    #[error("mGBA-http's script answered what was not asked: {0}")]
    Garbled(String),
    #[error("mGBA-http's script could not do what it was asked: load a game in the window")]
    Refused,
}

impl Request {
    /// The request without its end.
    pub(super) fn text(&self) -> String {
        match self {
            Request::Frame => "core.currentFrame".to_string(),
            Request::Platform => "core.platform".to_string(),
            Request::Code => "core.getGameCode".to_string(),
            Request::Title => "core.getGameTitle".to_string(),
            Request::RomBytes => "core.romSize".to_string(),
            Request::Keys => "core.getKeys".to_string(),
            Request::HoldKeys(mask) => format!("core.setKeys,{mask}"),
            Request::PressKeys(mask, frames, notation) => press(*mask, *frames, *notation),
            Request::Byte(address) => format!("core.read8,{address}"),
            Request::ByteAsList(address) => format!("core.readRange,{address},1"),
            Request::Range(region) => format!("core.readRange,{},{}", region.address, region.length),
            Request::WriteByte(address, value) => format!("core.write8,{address},{value}"),
            Request::Screenshot(path) => format!("core.screenshot,{path}"),
            // Flag 1: with the picture, and without save memory and clock. Without the picture mGBA 0.10 writes none.
            Request::StateFile(path) => format!("core.saveStateFile,{path},1"),
            Request::Reset => "coreAdapter.reset".to_string(),
        }
    }

    pub(super) fn form(&self) -> Form {
        match self {
            Request::Frame | Request::Platform | Request::RomBytes | Request::Keys | Request::Byte(_) => Form::Number,
            Request::Code | Request::Title | Request::ByteAsList(_) => Form::Text,
            Request::Range(region) => Form::List(region.length as usize),
            Request::StateFile(_) => Form::Truth,
            Request::HoldKeys(_)
            | Request::PressKeys(..)
            | Request::WriteByte(..)
            | Request::Screenshot(_)
            | Request::Reset => Form::Done,
        }
    }
}

impl Form {
    /// Believes an answer, or says why not.
    pub(super) fn read(self, notation: Notation, bytes: &[u8]) -> Result<Answer, Fault> {
        let garbled = || Fault::Garbled(excerpt(bytes));
        let text = std::str::from_utf8(bytes).map_err(|_| garbled())?;
        if text == REFUSED {
            return Err(Fault::Refused);
        }
        let answer = match self {
            Form::Done => DONE.contains(&text).then_some(Answer::Done),
            Form::Truth => (text == "true" || DONE.contains(&text)).then(|| Answer::Truth(text == "true")),
            Form::Number => number(text).map(Answer::Number),
            Form::Text => (!text.contains("<|")).then(|| Answer::Text(text.to_string())),
            Form::List(length) => list(text, length, notation).map(Answer::Bytes),
        };
        answer.ok_or_else(garbled)
    }
}

/// The script presses keys one frame longer than it is told; measured with mGBA 0.10.1.
fn press(mask: Mask, frames: u64, notation: Notation) -> String {
    let keys = KEYS.iter().enumerate().filter(|(bit, _)| mask & 1 << bit != 0).map(|(_, name)| *name);
    let keys = keys.collect::<Vec<_>>().join(";");
    let command = match notation {
        Notation::Hexadecimal => "holdMany",
        Notation::Decimal => "holdmany",
    };
    format!("mgba-http.button.{command},{keys},{}", frames.saturating_sub(1))
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.len() <= DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn list(text: &str, length: usize, notation: Notation) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    for item in text.split(',') {
        let value = match notation {
            Notation::Hexadecimal => two_digits(item)?,
            Notation::Decimal => number(item).filter(|_| item.len() == 1 || !item.starts_with('0'))?.try_into().ok()?,
        };
        bytes.push(value);
    }
    (bytes.len() == length).then_some(bytes)
}

fn two_digits(item: &str) -> Option<u8> {
    let &[high, low] = item.as_bytes() else { return None };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

/// The beginning of an answer, for a message to a person.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 40;
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_MAX)]);
    format!("{:?}, {} bytes", shown, bytes.len())
}

/// The answers to a batch, taken one after the other in the order of the requests.
#[derive(Debug)]
pub(super) struct Answers(IntoIter<Answer>);

impl Answers {
    pub(super) fn new(answers: Vec<Answer>) -> Answers {
        Answers(answers.into_iter())
    }

    pub(super) fn number(&mut self) -> Result<u64, Fault> {
        match self.0.next() {
            Some(Answer::Number(number)) => Ok(number),
            other => Err(Fault::Garbled(format!("{other:?} for a number"))),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, Fault> {
        match self.0.next() {
            Some(Answer::Text(text)) => Ok(text),
            other => Err(Fault::Garbled(format!("{other:?} for a text"))),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        match self.0.next() {
            Some(Answer::Bytes(bytes)) => Ok(bytes),
            other => Err(Fault::Garbled(format!("{other:?} for bytes"))),
        }
    }

    /// Whatever was asked for.
    pub(super) fn any(&mut self) -> Result<Answer, Fault> {
        self.0.next().ok_or_else(|| Fault::Garbled("no answer where one was due".to_string()))
    }

    pub(super) fn truth(&mut self) -> Result<bool, Fault> {
        match self.0.next() {
            Some(Answer::Truth(truth)) => Ok(truth),
            other => Err(Fault::Garbled(format!("{other:?} for true or false"))),
        }
    }

    pub(super) fn done(&mut self) -> Result<(), Fault> {
        match self.0.next() {
            Some(Answer::Done) => Ok(()),
            other => Err(Fault::Garbled(format!("{other:?} for success"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: Form, notation: Notation, text: &str) -> Option<Answer> {
        form.read(notation, text.as_bytes()).ok()
    }

    #[test]
    fn a_list_is_believed_in_its_own_notation_and_length_only() {
        let hexadecimal = |text: &str| read(Form::List(2), Notation::Hexadecimal, text);
        assert_eq!(hexadecimal("5a,01"), Some(Answer::Bytes(vec![0x5A, 1])));
        for wrong in ["5a", "5a,01,02", "5a,1", "5A,01", "5a,", "5a01", "90,256", "", "<|SUCCESS|>"] {
            assert_eq!(hexadecimal(wrong), None, "{wrong}");
        }
        let decimal = |text: &str| read(Form::List(2), Notation::Decimal, text);
        assert_eq!(decimal("90,1"), Some(Answer::Bytes(vec![90, 1])));
        for wrong in ["90", "90,01", "90,256", "5a,01", "90,", "90,-1"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn success_is_no_value_and_a_value_is_no_success() {
        for success in DONE {
            for form in [Form::Number, Form::Text, Form::List(1)] {
                assert_eq!(read(form, Notation::Hexadecimal, success), None, "{form:?}");
            }
            assert_eq!(read(Form::Truth, Notation::Hexadecimal, success), Some(Answer::Truth(false)));
            assert_eq!(read(Form::Done, Notation::Hexadecimal, success), Some(Answer::Done));
        }
        for value in ["1", "true", "", "<|SUCCESS|><|SUCCESS|>"] {
            assert_eq!(read(Form::Done, Notation::Hexadecimal, value), None, "{value}");
        }
        assert!(matches!(Form::Number.read(Notation::Decimal, b"<|ERROR|>"), Err(Fault::Refused)));
    }

    #[test]
    fn a_press_is_told_in_the_words_of_its_version() {
        assert_eq!(press(0x011, 1, Notation::Hexadecimal), "mgba-http.button.holdMany,A;Right,0");
        assert_eq!(press(0x200, 5, Notation::Decimal), "mgba-http.button.holdmany,L,4");
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        let read = |text: &str| read(Form::Number, Notation::Hexadecimal, text);
        assert_eq!(read("4294967296"), Some(Answer::Number(4_294_967_296)));
        for wrong in ["", "-1", "1.0", " 1", "1e3", "nil", "0x10", "1234567890123456"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
