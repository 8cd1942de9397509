//! The text that Burrow draws: where its windows stand, and what is in them.

use super::memory::Memory;
use crate::font;
use reader::Hud;

/// Rows from one line to the next in a text, and in a list.
const LINE: u16 = 12;
const ROW: u16 = 12;
const LOG_ROWS: u32 = 9;
const ROWS_A_PAGE: usize = 10;
const SCREEN_WIDTH: usize = 240;

/// A line: first column, top of its capitals, text.
pub type Line = (u16, u16, String);

/// The columns of each letter, by the reader's number: that of the letter less 32. They come from the game's font.
pub fn widths() -> Vec<usize> {
    const LETTERS: u8 = 95;
    const BLANK: usize = 3;
    const DIGIT: usize = 5;
    // What the font lacks is drawn as a question mark.
    let missing = font::glyph('?').unwrap_or_default();
    let width = |letter: u8| match font::glyph(letter.into()).unwrap_or_else(|| missing.clone()) {
        _ if letter == b' ' => BLANK,
        _ if letter.is_ascii_digit() => DIGIT,
        dots if dots.is_empty() => BLANK,
        dots => font::width(&dots),
    };
    (b' '..b' ' + LETTERS).map(width).collect()
}

fn width_of(text: &str, widths: &[usize]) -> usize {
    text.bytes().map(|letter| widths.get(usize::from(letter.wrapping_sub(b' '))).copied().unwrap_or_default() + 1).sum()
}

fn line(x: u16, y: u16, text: impl Into<String>) -> Line {
    (x, y, text.into())
}

/// The status line.
pub fn status(hud: &Hud, widths: &[usize]) -> Vec<Line> {
    let money = format!("{}c", hud.money);
    vec![
        line(3, 2, format!("B{}F", hud.floor)),
        line(32, 2, format!("Lv{}", hud.level)),
        line(60, 2, "HP"),
        line(110, 2, format!("{}/{}", hud.hp, hud.hp_max)),
        line(156, 2, format!("Belly {}", hud.belly)),
        line((SCREEN_WIDTH - 1 - width_of(&money, widths)) as u16, 3, money),
    ]
}

/// The name of the next floor.
pub fn banner(memory: &Memory<'_>, widths: &[usize]) -> Vec<Line> {
    let text = format!("The Burrow  B{}F", memory.floor_number());
    vec![line(((SCREEN_WIDTH - width_of(&text, widths)) / 2) as u16, 74, text)]
}

/// The message over the floor.
pub fn message(memory: &Memory<'_>) -> Vec<Line> {
    if memory.windows() != super::memory::Windows::Message {
        return Vec::new();
    }
    (0..).zip(memory.message()).map(|(row, text)| line(9, 133 + LINE * row, text)).collect()
}

/// The messages so far.
pub fn log(memory: &Memory<'_>) -> Vec<Line> {
    let rows = (0..).zip(memory.log(LOG_ROWS));
    let rows = rows.filter_map(|(row, text)| Some(line(12, 33 + ROW * row, text?)));
    std::iter::once(line(12, 20, "What happened")).chain(rows).collect()
}

/// The text box, with answers where it is a question.
pub fn dialogue(memory: &Memory<'_>, is_choice: bool) -> Vec<Line> {
    let (speaker, text) = memory.dialogue();
    let mut lines = vec![line(12, 110, speaker)];
    lines.extend((0..).zip(text.split('\n')).map(|(row, text)| line(12, 122 + LINE * row, text)));
    if is_choice {
        lines.extend([
            line(203, 72, "Yes"),
            line(203, 85, "No"),
            line(194, 72 + 13 * memory.dialogue_cursor().min(1), ">"),
        ]);
    }
    lines
}

/// A list with a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    Main,
    Bag,
    Team,
    Others,
    /// What can be done, by the game's numbers.
    Actions(Vec<u16>),
}

impl List {
    /// What can be done with an item lies over the bag.
    pub fn lies_over_the_bag(&self) -> bool {
        matches!(self, List::Actions(actions) if !matches!(actions.first(), Some(0x26 | 0x32)))
    }

    /// Its text. `cursor` is where its cursor is if memory has forgotten.
    pub fn lines(&self, memory: &Memory<'_>, cursor: Option<u16>) -> Vec<Line> {
        let (left, top, title) = self.window(memory);
        let first_row = top + if title.is_some() { 16 } else { 4 };
        let [cursor_now, on_page, _, page, pages] = memory.menu();
        let mut entries = self.entries(memory);
        let mut lines: Vec<Line> = title.into_iter().map(|title| line(left + 8, top + 4, title)).collect();
        let (cursor, page) = match cursor {
            // Its page is not known any more.
            Some(cursor) => (cursor, 0),
            None => {
                if pages > 1 && matches!(self, List::Bag) {
                    lines.push(line(left + 142 - 24, top + 4, format!("{}/{pages}", page + 1)));
                }
                (cursor_now, page)
            }
        };
        if matches!(self, List::Bag) {
            entries = entries.into_iter().skip(usize::from(page) * ROWS_A_PAGE).take(ROWS_A_PAGE).collect();
        } else {
            entries.truncate(usize::from(on_page));
        }
        lines.push(line(left + 7, first_row + ROW * cursor, ">"));
        lines.extend((0..).zip(entries).map(|(row, text)| line(left + 16, first_row + ROW * row, text)));
        lines
    }

    fn window(&self, memory: &Memory<'_>) -> (u16, u16, Option<String>) {
        match self {
            List::Main => (4, 16, None),
            List::Bag => (4, 16, Some("Bag".to_string())),
            List::Team => (4, 16, Some(memory.team_name())),
            List::Others => (82, 16, None),
            List::Actions(actions) => match actions.first() {
                Some(0x26) => (146, 56, Some("Stairs".to_string())),
                Some(0x32) => (82, 16, Some("Skills".to_string())),
                _ => (150, 30, None),
            },
        }
    }

    fn entries(&self, memory: &Memory<'_>) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect();
        match self {
            List::Main => words(&["Skills", "Items", "Team", "Others", "Ground"]),
            List::Others => words(&["Messages", "Hints", "Give up"]),
            List::Actions(actions) => actions.iter().map(|action| action_name(*action).to_string()).collect(),
            List::Bag => memory.bag().into_iter().map(item_label).collect(),
            List::Team => {
                let members = (0..2).filter_map(|index| Some((index, memory.member(index)?)));
                let label = |(index, name)| {
                    let (hp, hp_max) = memory.hp(index);
                    format!("{name}  Lv{}  HP {hp}/{hp_max}", memory.level(index))
                };
                members.map(label).collect()
            }
        }
    }
}

fn action_name(action: u16) -> &'static str {
    match action {
        0x0D => "Eat",
        0x31 => "Use",
        0x27 | 0x41 => "Throw",
        0x3C => "Set",
        0x3D => "Unset",
        0x08 => "Place",
        0x0C => "Info",
        0x26 => "Go down",
        0x39 => "Stay",
        0x32 => "Claw",
        0x1B => "Look",
        0x2E => "Give up",
        _ => "?",
    }
}

fn item_label([flags, quantity, item]: [u8; 3]) -> String {
    const SET: u8 = 0x10;
    match item {
        8 => format!("{quantity} Pebbles{}", if flags & SET != 0 { " *" } else { "" }),
        _ => item_name(item).to_string(),
    }
}

fn item_name(item: u8) -> &'static str {
    match item {
        8 => "Pebbles",
        53 => "Clear Seed",
        55 => "Dewberry",
        56 => "Sunberry",
        58 => "Phoenix Seed",
        59 => "Dust Seed",
        62 => "Heart Seed",
        69 => "Poppy Seed",
        71 => "Hop Seed",
        72 => "Ember Seed",
        82 => "Turnip",
        83 => "Big Turnip",
        105 => "Coins",
        188 => "Firefly Jar",
        _ => "Thing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        let widths = widths();
        let width = |letter: u8| widths[usize::from(letter - b' ')];
        assert_eq!([b' ', b'A', b'I', b'i', b'l', b'1', b'.', b'>'].map(width), [3, 5, 3, 3, 3, 5, 2, 4]);
        assert_eq!(width_of("A1", &widths), 12);
    }
}
