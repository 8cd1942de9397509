//! What models were asked and what they said, word for word: `exchanges.jsonl` in the run's folder, where that is wanted.
//!
//! One JSON object a line, each one `write(2)` on a file opened for appending, so that a line that was written survives any
//! death. A picture is named by the hash of the pixels that it was made from; the pixels are in the recording.
//! Absent: keys and addresses of servers, which are in no prompt.

use super::inquiry::Inquiry;
use super::model::{Prompt, Reply};
use serde::Serialize;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wire::hash::Hash;
use wire::log::{now, open_for_appending};
use wire::{Instance, Step};

/// A line of the file.
#[derive(Serialize)]
struct Exchange<'a> {
    ts: String,
    instance: Instance,
    step: Step,
    frame: u64,
    frame_hash: Hash,
    tier: &'a str,
    model: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    prompt: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning: &'a str,
    answer: &'a str,
}

/// A message of a prompt.
#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    text: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_none")]
    pictures: u32,
}

fn is_none(pictures: &u32) -> bool {
    *pictures == 0
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The tier.
    pub tier: &'a str,
    /// As in the log: `answered`, `late`, ….
    pub outcome: &'a str,
    /// Why there is no decision.
    pub reason: &'a str,
    /// What was answered.
    pub reply: &'a Reply,
}

/// Writes what models are asked and say.
#[derive(Debug)]
pub struct Exchanges {
    path: PathBuf,
    file: RefCell<Option<File>>,
}

impl Exchanges {
    /// Begins the file, or goes on with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<Exchanges> {
        Ok(Exchanges { path: path.to_path_buf(), file: RefCell::new(Some(open_for_appending(path)?)) })
    }

    /// Writes down one call.
    ///
    /// # Errors
    /// Once, in words for a person, when the file cannot be written any more; nothing is written afterwards.
    pub fn note(&self, inquiry: &Inquiry, prompt: &Prompt, ended: Ended<'_>) -> Result<(), String> {
        let mut kept = self.file.borrow_mut();
        let Some(file) = kept.as_mut() else { return Ok(()) };
        let exchange = Exchange {
            ts: now(),
            instance: inquiry.instance,
            step: inquiry.step,
            frame: inquiry.basis.frame,
            frame_hash: inquiry.basis.frame_hash,
            tier: ended.tier,
            model: &ended.reply.model,
            outcome: ended.outcome,
            reason: ended.reason,
            prompt: messages(prompt),
            reasoning: &ended.reply.reasoning,
            answer: &ended.reply.text,
        };
        let mut line = serde_json::to_vec(&exchange).map_err(|error| self.told(&error))?;
        line.push(b'\n');
        let written = file.write_all(&line);
        if written.is_err() {
            *kept = None;
        }
        written.map_err(|error| self.told(&error))
    }

    fn told(&self, error: &dyn std::fmt::Display) -> String {
        format!("{}: {error}; what models are asked is not written down any more", self.path.display())
    }
}

fn messages(prompt: &Prompt) -> Vec<Said<'_>> {
    let said = |role, text| Said { role, text: Cow::Borrowed(text), pictures: 0 };
    let mut messages = vec![said("system", &prompt.system), said("user", &prompt.user)];
    messages[1].pictures = u32::from(prompt.picture.is_some());
    if let Some(repair) = &prompt.repair {
        messages.push(said("assistant", &repair.answer));
        messages.push(said("user", &repair.complaint));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::model::Repair;
    use crate::router::tests::{Scene, inquiry};

    #[test]
    fn a_repair_follows_the_question_and_a_full_disk_is_told_once() {
        let prompt = Prompt {
            system: "rules".into(),
            user: "now".to_string(),
            repair: Some(Repair { answer: "dance".to_string(), complaint: "not on offer".to_string() }),
            ..Prompt::default()
        };
        let said: Vec<_> = messages(&prompt).into_iter().map(|said| (said.role, said.text.into_owned())).collect();
        let expected =
            [("system", "rules"), ("user", "now"), ("assistant", "dance"), ("user", "not on offer")].map(|(role, text)| {
                (role, text.to_string())
            });
        assert_eq!(said, expected);
        let exchanges = Exchanges::open(Path::new("/dev/full")).expect("it opens");
        let reply = Reply::default();
        let ended = Ended { tier: "t0", outcome: "late", reason: "no answer", reply: &reply };
        let problem = exchanges.note(&inquiry(&Scene::default()), &prompt, ended).expect_err("there is no room");
        assert!(problem.starts_with("/dev/full: No space left on device"), "{problem}");
        assert_eq!(exchanges.note(&inquiry(&Scene::default()), &prompt, ended), Ok(()));
    }
}
