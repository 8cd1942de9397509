//! A prompt template: paragraphs of text with placeholders, in two parts.
//!
//! A paragraph whose placeholders are all empty is left out, heading and all. Before the line [`MARK`] stands only what never
//! changes within a run, so that the first part stays the same to the byte.

use std::fmt::Write as _;

/// The line between what stays and what changes.
pub const MARK: &str = "--- user ---";
/// How alike a placeholder must be to be taken for a slip of the pen.
const ALIKE: f64 = 0.7;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// What the player is after.
    Objective,
    /// Texts of the skills that are guidance.
    Guidance,
    /// What is seen, decoded.
    State,
    /// The known map, in letters.
    Map,
    /// Recalled memories.
    Memories,
    /// What was done last, and what came of it.
    Outcomes,
    /// The skills on offer.
    Skills,
}

impl Slot {
    /// Every placeholder.
    pub const ALL: [Slot; 7] =
        [Slot::Objective, Slot::Guidance, Slot::State, Slot::Map, Slot::Memories, Slot::Outcomes, Slot::Skills];

    /// Its name between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Slot::Objective => "objective",
            Slot::Guidance => "guidance",
            Slot::State => "state",
            Slot::Map => "map",
            Slot::Memories => "memories",
            Slot::Outcomes => "outcomes",
            Slot::Skills => "skills",
        }
    }

    /// Whether what it stands for is the same in a whole run.
    fn stays(self) -> bool {
        matches!(self, Slot::Objective | Slot::Guidance)
    }
}

/// A template that can be filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    system: Vec<Paragraph>,
    user: Vec<Paragraph>,
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {what}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

type Paragraph = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(Slot),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut template = Template::default();
        let mut mark = None;
        let mut paragraph = Vec::new();
        let text = without_comments(text)?;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let part = if mark.is_none() { &mut template.system } else { &mut template.user };
            if line.trim() == MARK {
                if mark.replace(number).is_some() {
                    return Err(TemplateError { line: number, what: format!("a second line `{MARK}`; one is enough") });
                }
                end(&mut paragraph, part);
            } else if line.trim().is_empty() {
                end(&mut paragraph, part);
            } else {
                if !paragraph.is_empty() {
                    push_text(&mut paragraph, "\n");
                }
                parse_line(line.trim_end(), number, mark.is_none(), &mut paragraph)?;
            }
        }
        let lines = text.lines().count().max(1);
        let Some(mark) = mark else {
            let what = format!("there is no line `{MARK}` between what stays and what changes; add it");
            return Err(TemplateError { line: lines, what });
        };
        end(&mut paragraph, &mut template.user);
        if !template.user.iter().flatten().any(|piece| *piece == Piece::Slot(Slot::Skills)) {
            let what = "{{skills}} is missing; without it a model does not know what it can choose".to_string();
            return Err(TemplateError { line: mark, what });
        }
        Ok(template)
    }

    /// The first part.
    pub fn system<'a>(&self, value: impl Fn(Slot) -> &'a str) -> String {
        fill(&self.system, value)
    }

    /// The second part.
    pub fn user<'a>(&self, value: impl Fn(Slot) -> &'a str) -> String {
        fill(&self.user, value)
    }

    /// Bytes of the second part besides what is filled in.
    pub fn user_bytes(&self) -> usize {
        let text = self.user.iter().flatten().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Slot(_) => 0,
        });
        text.sum::<usize>() + 2 * self.user.len()
    }
}

fn fill<'a>(paragraphs: &[Paragraph], value: impl Fn(Slot) -> &'a str) -> String {
    let mut text = String::with_capacity(4096);
    for paragraph in paragraphs {
        let mut slots = paragraph.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(value(*slot).is_empty()),
            Piece::Text(_) => None,
        });
        let has_slots = paragraph.iter().any(|piece| matches!(piece, Piece::Slot(_)));
        if has_slots && slots.all(|is_empty| is_empty) {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        for piece in paragraph {
            text.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Slot(slot) => value(*slot).trim_end(),
            });
        }
    }
    text
}

fn end(paragraph: &mut Paragraph, part: &mut Vec<Paragraph>) {
    if !paragraph.is_empty() {
        part.push(std::mem::take(paragraph));
    }
}

fn push_text(paragraph: &mut Paragraph, text: &str) {
    match paragraph.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => paragraph.push(Piece::Text(text.to_string())),
    }
}

fn parse_line(line: &str, number: usize, stays: bool, paragraph: &mut Paragraph) -> Result<(), TemplateError> {
    let wrong = |what: String| TemplateError { line: number, what };
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            return Err(wrong("`{{` is not closed by `}}` on its line".to_string()));
        };
        let name = name.trim();
        let Some(slot) = Slot::ALL.into_iter().find(|slot| slot.name() == name) else {
            return Err(wrong(unknown(name)));
        };
        if !stays && slot == Slot::Guidance {
            return Err(wrong(format!("{{{{guidance}}}} stays the same; it belongs above `{MARK}`")));
        }
        if stays && !slot.stays() {
            let what = format!("{{{{{name}}}}} changes from step to step; it belongs below `{MARK}`");
            return Err(wrong(what));
        }
        push_text(paragraph, before);
        paragraph.push(Piece::Slot(slot));
        rest = after;
    }
    push_text(paragraph, rest);
    Ok(())
}

fn unknown(name: &str) -> String {
    let alike = |slot: &Slot| strsim::jaro_winkler(slot.name(), name);
    let nearest = Slot::ALL.into_iter().max_by(|left, right| alike(left).total_cmp(&alike(right)));
    let mut what = format!("unknown placeholder {{{{{name}}}}};");
    if let Some(slot) = nearest.filter(|slot| alike(slot) >= ALIKE) {
        let _ = write!(what, " did you mean {{{{{}}}}}?", slot.name());
    }
    what.push_str(" there are");
    for (index, slot) in Slot::ALL.into_iter().enumerate() {
        let _ = write!(what, "{} {{{{{}}}}}", if index == 0 { "" } else { "," }, slot.name());
    }
    what
}

/// The text without what is between `<!--` and `-->`; lines keep their numbers.
fn without_comments(text: &str) -> Result<String, TemplateError> {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        let Some((comment, after)) = after.split_once("-->") else {
            let line = kept.matches('\n').count() + 1;
            return Err(TemplateError { line, what: "the comment that begins here has no end `-->`".to_string() });
        };
        kept.extend(comment.chars().filter(|letter| *letter == '\n'));
        rest = after;
    }
    kept.push_str(rest);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(slot: Slot) -> &'static str {
        match slot {
            Slot::Memories | Slot::Guidance => "",
            Slot::Skills => "- explore {{state}}\n",
            slot => slot.name(),
        }
    }

    #[test]
    fn paragraphs_of_which_nothing_is_known_are_left_out() {
        let text = "<!-- one\ntwo -->\nRules.\n\nAdvice:\n{{guidance}}\n--- user ---\nSeen: {{ state }} and {{map}}.\n\n\
                    Recalled:\n{{memories}}\n\nOffers:\n{{skills}}\n{{memories}}\n\n\nChoose.";
        let template = Template::parse(text).expect("it is right");
        assert_eq!(template.system(value), "Rules.");
        let user = "Seen: state and map.\n\nOffers:\n- explore {{state}}\n\n\nChoose.";
        assert_eq!(template.user(value), user, "what is filled in is text, whatever it looks like");
        let filled: usize = [Slot::State, Slot::Map, Slot::Skills].map(|slot| value(slot).len()).iter().sum();
        assert!(template.user_bytes() + filled >= user.len());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, said) in [
            (
                "a\n{{stat}}\n--- user ---\n{{skills}}",
                "2: unknown placeholder {{stat}}; did you mean {{state}}? there are",
            ),
            ("{{zzz}}", "1: unknown placeholder {{zzz}}; there are {{objective}}, {{guidance}}, {{state}}"),
            ("a\n\n--- user ---\nb {{skills", "4: `{{` is not closed by `}}` on its line"),
            (
                "a\n{{map}}\n--- user ---\n{{skills}}",
                "2: {{map}} changes from step to step; it belongs below `--- user ---`",
            ),
            ("a\n--- user ---\n{{guidance}} {{skills}}", "3: {{guidance}} stays the same; it belongs above"),
            ("a\n--- user ---\n{{state}}", "2: {{skills}} is missing"),
            ("a\nb", "2: there is no line `--- user ---`"),
            ("", "1: there is no line"),
            ("a\n--- user ---\n{{skills}}\n--- user ---\n", "4: a second line `--- user ---`"),
            ("a\n<!-- b\n--- user ---\n{{skills}}", "2: the comment that begins here has no end"),
        ] {
            let error = Template::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(said), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_a_mistake(text in "[a-z{}!<>\n -]{0,120}") {
            for text in [text.clone(), format!("{text}\n{MARK}\n{text}{{{{skills}}}}")] {
                match Template::parse(&text) {
                    Ok(template) => prop_assert!(template.user(value).contains("- explore")),
                    Err(error) => prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1)),
                }
            }
        }
    }
}
