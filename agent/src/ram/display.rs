//! Where reports go: over each other on a terminal, one after the other elsewhere, when something changed.

use super::report::Report;
use super::text::{self, Length};
use crate::screen;
use std::io::{self, IsTerminal as _, Write as _};

const CLEAR: &str = "\x1b[2J";
const HOME: &str = "\x1b[H";
const CLEAR_REST: &str = "\x1b[J";
/// Terminals that know these draw what is between them at once; the others ignore them.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
/// Size of a terminal that does not tell.
const SIZE: (u16, u16) = (80, 24);

/// How reports are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    /// Text, drawn over the one before.
    Redrawn,
}

/// Where reports go.
#[derive(Debug)]
pub struct Display {
    form: Form,
    /// What was shown last, without what changes by itself.
    shown: Option<Report>,
}

impl Display {
    /// One that fits the standard output.
    pub fn fitting(json: bool, watch: bool) -> Display {
        let knows_cursor = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        let form = match (json, watch && io::stdout().is_terminal() && knows_cursor) {
            (true, _) => Form::Json,
            (false, true) => Form::Redrawn,
            (false, false) => Form::Text,
        };
        Display { form, shown: None }
    }

    /// Shows a report if it says anything new; `false` when nobody reads any more.
    pub fn show(&mut self, report: &Report) -> bool {
        let lasting = Report { frame: 0, ..report.clone() };
        let is_new = self.shown.as_ref() != Some(&lasting);
        let is_first = self.shown.is_none();
        self.shown = Some(lasting);
        let output = match self.form {
            Form::Redrawn => {
                let text = text::write(report, Length::Brief);
                redrawn(&text, is_first, crossterm::terminal::size().unwrap_or(SIZE))
            }
            _ if !is_new => return screen::is_heard(),
            Form::Text => format!("{}{}", if is_first { "" } else { "\n" }, text::write(report, Length::Whole)),
            Form::Json => serde_json::to_string(report).expect("a report is JSON") + "\n",
        };
        let mut stdout = io::stdout().lock();
        stdout.write_all(output.as_bytes()).and_then(|()| stdout.flush()).is_ok()
    }
}

/// The text from the upper left corner on, cut to the terminal.
fn redrawn(text: &str, is_first: bool, (columns, rows): (u16, u16)) -> String {
    let (columns, rows) = (usize::from(columns), usize::from(rows).saturating_sub(1));
    let mut lines: Vec<String> = text.lines().map(|line| line.chars().take(columns).collect()).collect();
    if lines.len() > rows {
        let left_out = lines.len() + 1 - rows.max(1);
        lines.truncate(rows.saturating_sub(1));
        lines.push(
            format!("… {left_out} more lines: make the terminal higher, or pipe this into a file")
                .chars()
                .take(columns)
                .collect(),
        );
    }
    let begin = if is_first { CLEAR } else { "" };
    let drawn: String = lines.iter().map(|line| format!("{line}\x1b[K\r\n")).collect();
    format!("{BEGIN}{begin}{HOME}{drawn}{CLEAR_REST}{END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_redrawn_fits_the_terminal() {
        let text = "one\ntwo is longer\nthree\nfour\n";
        let drawn = redrawn(text, false, (5, 4));
        assert_eq!(drawn.matches("\r\n").count(), 3);
        assert!(
            drawn.contains("one\x1b[K") && drawn.contains("two i\x1b[K") && drawn.contains("… 2 m\x1b[K"),
            "{drawn:?}"
        );
        assert!(!redrawn(text, true, (40, 10)).contains("more lines"));
        assert!(redrawn(text, true, (0, 0)).starts_with(BEGIN));
    }
}
