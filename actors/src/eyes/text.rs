//! How the text on a picture is laid out: windows with a cursor, text boxes, and messages that come up and go.

use reader::Line;

/// Columns from a cursor to the entry that it stands at.
const CURSOR_WIDTH: i32 = 9;
/// How many pixels a text may be off.
const SLACK: i32 = 3;
/// Rows from one entry to the next, at least and at most.
const ENTRY_ROWS: std::ops::RangeInclusive<i32> = 10..=15;
/// Where the status line ends.
const STATUS_BOTTOM: u16 = 12;
/// Entries of a window at most, whatever is read.
const ENTRIES_MAX: usize = 16;
/// The longest text that is kept, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 400;

/// A list with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// What stands above it; empty where nothing does.
    pub title: String,
    /// Its entries, from the top.
    pub entries: Vec<String>,
    /// The entry that the cursor stands at, from 0.
    pub cursor: usize,
    /// The page that shows, from 0, and how many there are.
    pub page: (i16, i16),
}

/// The window whose cursor is the rightmost: one that opens over another lies to its right.
pub(super) fn window(lines: &[Line]) -> Option<Window> {
    let lines = apart(lines);
    let cursor = lines.iter().filter(|line| line.text == ">").max_by_key(|line| line.x)?;
    let column: Vec<&Line> = in_column(&lines, i32::from(cursor.x) + CURSOR_WIDTH);
    let here = column.iter().position(|line| is_near(line.y.into(), cursor.y.into()))?;
    let follows = |from: usize, to: usize| ENTRY_ROWS.contains(&(i32::from(column[to].y) - i32::from(column[from].y)));
    let first = (0..here).rev().take_while(|at| follows(*at, *at + 1)).last().unwrap_or(here);
    let last = (here + 1..column.len()).take_while(|at| follows(*at - 1, *at)).last().unwrap_or(here);
    let entries = column[first..=last].iter().take(ENTRIES_MAX).map(|line| bounded(&line.text)).collect();
    let top = i32::from(column[first].y);
    let above = lines.iter().filter(|line| ENTRY_ROWS.contains(&(top - i32::from(line.y))));
    let mut above: Vec<&Line> = above.filter(|line| i32::from(line.x) + SLACK >= i32::from(cursor.x)).collect();
    above.sort_by_key(|line| line.x);
    let titled = above.first().filter(|line| is_near(line.x.into(), i32::from(cursor.x) + 1));
    let page = titled.and_then(|_| above.iter().rev().find_map(|line| page_of(&line.text)));
    let title = titled.map(|line| without_page(&line.text)).unwrap_or_default();
    Some(Window { title, entries, cursor: here - first, page: page.unwrap_or((0, 1)) })
}

/// What a text box says, without who speaks and without the answers to choose from.
pub(super) fn boxed(lines: &[Line]) -> String {
    let lines = apart(lines);
    let cursor = lines.iter().filter(|line| line.text == ">").max_by_key(|line| line.x);
    let is_answer = |line: &Line| cursor.is_some_and(|cursor| line.x + 2 >= cursor.x && line.y < cursor.y + 30);
    let mut rows: Vec<&Line> = lines.iter().filter(|line| line.y > STATUS_BOTTOM && !is_answer(line)).collect();
    rows.sort_by_key(|line| (line.y, line.x));
    let speaker = rows.first().map(|line| line.y);
    let said: Vec<&str> = rows.iter().filter(|line| Some(line.y) != speaker).map(|line| line.text.trim()).collect();
    bounded(&said.join(" "))
}

/// The messages that show, the oldest first.
pub(super) fn messages(lines: &[Line], rows: (u16, u16)) -> Vec<String> {
    let mut shown: Vec<&Line> = lines.iter().filter(|line| (rows.0..rows.1).contains(&line.y)).collect();
    shown.sort_by_key(|line| (line.y, line.x));
    let mut texts: Vec<(u16, String)> = Vec::new();
    for line in shown {
        match texts.last_mut() {
            Some((y, text)) if line.y.abs_diff(*y) <= SLACK as u16 => {
                text.push(' ');
                text.push_str(line.text.trim());
            }
            _ => texts.push((line.y, line.text.trim().to_owned())),
        }
    }
    texts.into_iter().map(|(_, text)| bounded(&text)).collect()
}

/// The messages among those that show now that did not show before: old ones move up and out.
pub(super) fn fresh<'a>(before: &[String], now: &'a [String]) -> &'a [String] {
    let common = (0..=before.len().min(now.len())).rev().find(|count| before[before.len() - count..] == now[..*count]);
    &now[common.unwrap_or(0)..]
}

/// The lines with each cursor as a line of its own.
fn apart(lines: &[Line]) -> Vec<Line> {
    let mut all = Vec::with_capacity(lines.len() + 4);
    for line in lines {
        match line.text.strip_prefix('>') {
            Some(rest) if !rest.trim().is_empty() => {
                let x = line.x.saturating_add(CURSOR_WIDTH as u16);
                all.push(Line { text: ">".to_owned(), ..line.clone() });
                all.push(Line { x, text: rest.trim().to_owned(), ..line.clone() });
            }
            _ => all.push(Line { text: line.text.trim().to_owned(), ..line.clone() }),
        }
    }
    all
}

/// The lines that begin in a column, from the top.
fn in_column(lines: &[Line], x: i32) -> Vec<&Line> {
    let mut column: Vec<&Line> = lines.iter().filter(|line| is_near(line.x.into(), x) && line.text != ">").collect();
    column.sort_by_key(|line| line.y);
    column
}

fn is_near(one: i32, other: i32) -> bool {
    (one - other).abs() <= SLACK
}

/// The page and how many there are, where a text ends with `2/3`.
fn page_of(text: &str) -> Option<(i16, i16)> {
    let (page, pages) = text.rsplit(' ').next()?.split_once('/')?;
    let (page, pages): (i16, i16) = (page.parse().ok()?, pages.parse().ok()?);
    (1..=pages).contains(&page).then_some((page - 1, pages))
}

fn without_page(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((title, last)) if page_of(last).is_some() => bounded(title.trim()),
        _ => bounded(text),
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().find(|(at, letter)| at + letter.len_utf8() > TEXT_BYTES_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(x: u16, y: u16, text: &str) -> Line {
        Line { x, y, text: text.to_owned(), confidence: 1.0 }
    }

    /// The bag's first page with the menu of its second item over it.
    fn bag_with_menu(joined: bool) -> Vec<Line> {
        let mut lines = vec![line(3, 2, "B3F"), line(12, 20, "Bag"), line(122, 20, "1/2")];
        for (row, text) in (0..).zip(["Turnip", "Dewberry", "5 Pebbles *"]) {
            lines.push(line(20, 32 + 12 * row, text));
        }
        for (row, text) in (0..).zip(["Eat", "Throw", "Place", "Info"]) {
            lines.push(line(166, 34 + 12 * row, text));
        }
        if joined {
            lines[4] = line(11, 44, "> Dewberry");
            lines[6] = line(157, 34, ">Eat");
        } else {
            lines.extend([line(11, 44, ">"), line(157, 34, ">")]);
        }
        lines
    }

    #[test]
    fn the_window_in_front_is_the_one_that_counts() {
        for joined in [false, true] {
            let mut lines = bag_with_menu(joined);
            let menu = window(&lines).expect("it is there");
            assert_eq!((menu.cursor, menu.title.as_str(), menu.page), (0, "", (0, 1)));
            assert_eq!(menu.entries, ["Eat", "Throw", "Place", "Info"]);
            lines.retain(|line| line.x < 150);
            let bag = window(&lines).expect("it is there");
            assert_eq!((bag.cursor, bag.title.as_str(), bag.page), (1, "Bag", (0, 2)));
            assert_eq!(bag.entries, ["Turnip", "Dewberry", "5 Pebbles *"]);
        }
        assert_eq!(window(&[line(12, 20, "Bag")]), None);
    }

    #[test]
    fn a_choice_is_told_from_what_is_asked() {
        let lines = [
            line(3, 2, "B2F"),
            line(194, 85, ">"),
            line(203, 72, "Yes"),
            line(203, 85, "No"),
            line(12, 110, "Shrew"),
            line(12, 122, "I lost my way in the dark..."),
            line(12, 134, "May I come with you?"),
        ];
        assert_eq!(boxed(&lines), "I lost my way in the dark... May I come with you?");
        assert_eq!(
            window(&lines).map(|it| (it.cursor, it.entries)),
            Some((1, vec!["Yes".to_owned(), "No".to_owned()]))
        );
    }

    #[test]
    fn new_messages_are_those_that_did_not_show_before() {
        let texts = |all: &[&str]| all.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let new = |before: &[&str], now: &[&str]| fresh(&texts(before), &texts(now)).to_vec();
        assert_eq!(new(&[], &["a", "b"]), ["a", "b"]);
        assert_eq!(new(&["a", "b"], &["b", "c"]), ["c"]);
        assert_eq!(new(&["a", "b"], &["c", "d"]), ["c", "d"]);
        assert_eq!(new(&["a"], &["a", "a"]), ["a"]);
        assert_eq!(new(&["a", "b"], &["a", "b"]), [""; 0]);
        assert_eq!(new(&["a"], &[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_lines_make_it_panic(
            lines in proptest::collection::vec((any::<u16>(), any::<u16>(), "[>0-9/ a-z…]{0,9}"), 0..40),
        ) {
            let lines: Vec<Line> = lines.iter().map(|(x, y, text)| line(*x % 300, *y % 200, text)).collect();
            let found = window(&lines);
            prop_assert!(found.is_none_or(|found| found.cursor < 200 && found.entries.len() <= ENTRIES_MAX));
            prop_assert!(boxed(&lines).len() <= TEXT_BYTES_MAX);
            let shown = messages(&lines, (129, 159));
            prop_assert!(fresh(&shown, &shown).is_empty());
        }
    }
}
