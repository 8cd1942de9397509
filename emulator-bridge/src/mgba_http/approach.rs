//! Finding out who listens at a port: mGBA-http's script, in which version's manner, and with which game.
//!
//! The first request makes a server of web pages answer at once, too: its end of line ends what such a server would wait
//! for, and the script cuts it off. So only a paused window, and a stranger that never says anything, stay silent.

use super::link::{self, Framing, Link};
use super::request::{Answers, DONE, END, Fault, Notation, REFUSED, Request, excerpt};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The platform number of a Game Boy Advance.
const GAME_BOY_ADVANCE: u64 = 0;
/// A byte of the cartridge's header that is the same in every game. Its two notations differ.
const FIXED_ADDRESS: u32 = 0x0800_00B2;
const FIXED_BYTE: u64 = 0x96;
const FIXED_HEXADECIMAL: &str = "96";
const FIXED_DECIMAL: &str = "150";
/// What the largest cartridge holds.
const ROM_BYTES_MAX: u64 = 32 << 20;

/// What runs in the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Game {
    pub title: String,
    /// Four characters.
    pub code: String,
    pub rom_bytes: u64,
}

/// Why whoever listens is not spoken to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    #[error("another program listens there; it answered {0}")]
    Foreign(String),
    #[error("mGBA-http's script answers, but {0}")]
    Unfit(&'static str),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What is known once the approach succeeded.
#[derive(Debug)]
pub(super) struct Reached {
    pub link: Link,
    pub game: Game,
    /// The newest frame.
    pub frame: u64,
}

/// A connection about which not everything is known yet.
#[derive(Debug)]
pub(super) struct Approach {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Asked in the manner of version 0.6 and later.
    Greeted {
        stream: TcpStream,
        inbox: Vec<u8>,
    },
    /// Asked in its own manner what runs.
    Introduced(Link),
    Over,
}

/// What the answer to the greeting shows.
#[derive(Debug, PartialEq, Eq)]
enum Manner {
    Framed(Framing),
    NotYet,
}

impl Approach {
    /// Asks the first question.
    pub(super) fn begin(mut stream: TcpStream) -> Result<Approach, Rejected> {
        let greeting = format!("{}\r\n\r\n{END}", Request::Frame.text());
        link::send(&mut stream, greeting.as_bytes())?;
        Ok(Approach { stage: Stage::Greeted { stream, inbox: Vec::new() } })
    }

    /// Goes on until it is known who this is, or this moment has come; `None`: it is not known yet.
    pub(super) fn advance(&mut self, until: Instant) -> Result<Option<Reached>, Rejected> {
        loop {
            match &mut self.stage {
                Stage::Greeted { stream, inbox } => match manner(inbox)? {
                    Manner::Framed(framing) => self.introduce(framing)?,
                    Manner::NotYet => {
                        let has_come = link::receive(stream, inbox, until).map_err(|fault| match fault {
                            Fault::Ended(_) => Rejected::Foreign("nothing, and hung up".to_string()),
                            other => other.into(),
                        })?;
                        if !has_come {
                            return Ok(None);
                        }
                    }
                },
                Stage::Introduced(link) => {
                    let Some(answers) = link.advance(until)? else { return Ok(None) };
                    let Stage::Introduced(link) = std::mem::replace(&mut self.stage, Stage::Over) else { continue };
                    return reached(link, answers).map(Some);
                }
                Stage::Over => return Err(Fault::Ended("it was given up".to_string()).into()),
            }
        }
    }

    /// Goes on until it is known who this is, or nothing was answered for this long.
    pub(super) fn finish(&mut self, patience: Duration) -> Result<Option<Reached>, Rejected> {
        loop {
            let until = Instant::now() + patience;
            let stage = std::mem::discriminant(&self.stage);
            match self.advance(until)? {
                // Each of the questions that follow the greeting may take as long again.
                None if std::mem::discriminant(&self.stage) != stage => {}
                other => return Ok(other),
            }
        }
    }

    /// Releases all keys, which an earlier connection may have left held, and asks what runs.
    fn introduce(&mut self, framing: Framing) -> Result<(), Rejected> {
        let Stage::Greeted { stream, .. } = std::mem::replace(&mut self.stage, Stage::Over) else { return Ok(()) };
        let mut link = Link::new(stream, framing);
        let mut batch = vec![Request::HoldKeys(0), Request::Keys, Request::Byte(FIXED_ADDRESS)];
        batch.push(Request::ByteAsList(FIXED_ADDRESS));
        batch.extend(GAME);
        batch.push(Request::Frame);
        link.begin(batch)?;
        self.stage = Stage::Introduced(link);
        Ok(())
    }
}

impl Rejected {
    /// What it means on a connection that was in use already.
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Rejected::Fault(fault) => fault,
            other => Fault::Garbled(other.to_string()),
        }
    }
}

impl Drop for Approach {
    fn drop(&mut self) {
        if let Stage::Greeted { stream, .. } = &self.stage {
            link::reset(stream);
        }
    }
}

/// The requests that [`Game::read`] reads the answers of.
pub(super) const GAME: [Request; 4] = [Request::Platform, Request::Code, Request::Title, Request::RomBytes];

impl Game {
    pub(super) fn read(answers: &mut Answers) -> Result<Game, Rejected> {
        let platform = answers.number()?;
        let code = answers.text()?;
        let title = answers.text()?;
        let rom_bytes = answers.number()?;
        if platform != GAME_BOY_ADVANCE {
            return Err(Rejected::Unfit("a game of another console is loaded: load a Game Boy Advance game"));
        }
        let (title, code) = (title.trim_end().to_string(), short(&code).to_string());
        Ok(Game { title, code, rom_bytes: rom_bytes.min(ROM_BYTES_MAX) })
    }

    /// Whether the script calls this game so.
    pub(super) fn is_called(&self, title: &str, code: &str) -> bool {
        self.title == title.trim_end() && self.code == short(code)
    }
}

/// A code without the console's name, which stands before it: `AGB-BPPE`.
fn short(code: &str) -> &str {
    code.rsplit('-').next().unwrap_or_default().trim_end()
}

fn reached(mut link: Link, mut answers: Answers) -> Result<Reached, Rejected> {
    answers.done()?;
    let keys = answers.number()?;
    let fixed = answers.number()?;
    let listed = answers.text()?;
    let game = Game::read(&mut answers)?;
    let frame = answers.number()?;
    // Where requests are carried out frames apart, a person may have pressed a key in between.
    if keys != 0 && link.is_marked() {
        return Err(Rejected::Unfit("it cannot release keys"));
    }
    link.notation = match listed.as_str() {
        _ if fixed != FIXED_BYTE => return Err(Rejected::Unfit("no Game Boy Advance cartridge is loaded")),
        FIXED_HEXADECIMAL => Notation::Hexadecimal,
        FIXED_DECIMAL => Notation::Decimal,
        _ => return Err(Rejected::Unfit("its version cannot list memory: load the script of mGBA-http 0.8 or later")),
    };
    Ok(Reached { link, game, frame })
}

fn manner(answer: &[u8]) -> Result<Manner, Rejected> {
    let foreign = || Rejected::Foreign(excerpt(answer));
    let text = std::str::from_utf8(answer).map_err(|_| foreign())?;
    if DONE.contains(&text) {
        return Ok(Manner::Framed(Framing::Bare));
    }
    let words = DONE.into_iter().chain([REFUSED]).map(|word| format!("{word}{END}"));
    if words.clone().any(|word| word == text) {
        return Err(Rejected::Unfit("no game runs in its window: load one"));
    }
    let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let has_digits = rest.len() < text.len();
    if has_digits && rest == END {
        Ok(Manner::Framed(Framing::Marked))
    } else if (has_digits && END.starts_with(rest)) || words.into_iter().any(|word| word.starts_with(text)) {
        Ok(Manner::NotYet)
    } else {
        Err(foreign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_known_by_its_first_answer_however_it_is_cut() {
        let answers = [
            ("<|ACK|>", Framing::Bare),
            ("<|SUCCESS|>", Framing::Bare),
            ("7<|END|>", Framing::Marked),
            ("123456<|END|>", Framing::Marked),
        ];
        for (answer, framing) in answers {
            for cut in 0..answer.len() {
                assert_eq!(manner(&answer.as_bytes()[..cut]).expect(answer), Manner::NotYet, "{answer} cut to {cut}");
            }
            assert_eq!(manner(answer.as_bytes()).expect(answer), Manner::Framed(framing));
        }
    }

    #[test]
    fn strangers_and_windows_without_a_game_are_told_apart() {
        for stranger in ["HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-", "12x", "<html>", "\u{1}", "<|OK|>"] {
            assert!(matches!(manner(stranger.as_bytes()), Err(Rejected::Foreign(_))), "{stranger}");
        }
        for empty in ["<|ERROR|><|END|>", "<|SUCCESS|><|END|>"] {
            assert!(matches!(manner(empty.as_bytes()), Err(Rejected::Unfit(_))), "{empty}");
        }
    }
}
