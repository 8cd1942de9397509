//! The known map in letters, cut to what is known.

use super::situation::marks;
use std::fmt::Write as _;
use wire::observation::{MAP_HEIGHT, MAP_WIDTH, Observation, Position, Terrain};

/// The most columns and rows that are drawn around the leader.
pub(super) const WHOLE: (i16, i16) = (MAP_WIDTH as i16, MAP_HEIGHT as i16);
/// The same, where there is little room.
pub(super) const NEAR: (i16, i16) = (29, 17);

/// What each letter means, in the order in which it is told.
const MEANINGS: [(char, &str); 9] = [
    ('@', "you"),
    ('>', "stairs"),
    ('!', "item"),
    ('^', "trap"),
    ('&', "somebody"),
    ('.', "ground"),
    ('#', "wall"),
    ('~', "water"),
    (':', "chasm"),
];

/// The map with a line above it that says what its letters mean; empty where nothing is known.
pub(super) fn draw(seen: &Observation, (columns, rows): (i16, i16)) -> String {
    let Some(((left, top), (right, bottom))) = known(seen) else { return String::new() };
    let around = seen.leader().map(|leader| leader.position).filter(|place| place.index().is_some());
    let around = around.unwrap_or(Position { x: (left + right) / 2, y: (top + bottom) / 2 });
    let (left, right) = cut((left, right), around.x, columns);
    let (top, bottom) = cut((top, bottom), around.y, rows);
    let width = (right - left + 1) as usize;
    let mut cells: Vec<Vec<char>> =
        (top..=bottom).map(|y| (left..=right).map(|x| ground(seen, Position { x, y })).collect::<Vec<_>>()).collect();
    let mut put = |place: Position, letter: char| {
        if (left..=right).contains(&place.x) && (top..=bottom).contains(&place.y) {
            cells[(place.y - top) as usize][(place.x - left) as usize] = letter;
        }
    };
    seen.traps.iter().for_each(|trap| put(trap.position, '^'));
    seen.items.iter().for_each(|item| put(item.position, '!'));
    seen.stairs.iter().for_each(|stairs| put(*stairs, '>'));
    // The nearest are drawn last, so that they are not covered.
    marks(seen).into_iter().rev().for_each(|(mark, other)| put(other.position, mark));
    seen.leader().into_iter().for_each(|leader| put(leader.position, '@'));
    let mut text = String::with_capacity((width + 1) * cells.len() + 160);
    let _ = writeln!(text, "Map, x {left} to {right} from west to east, y {top} to {bottom} from north to south:");
    legend(&cells, &mut text);
    for row in &cells {
        let row: String = row.iter().collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn legend(cells: &[Vec<char>], text: &mut String) {
    let is_drawn = |letter: char| cells.iter().flatten().any(|cell| *cell == letter);
    let any = |fits: fn(&char) -> bool| cells.iter().flatten().any(fits);
    for (letter, meaning) in MEANINGS.into_iter().filter(|(letter, _)| is_drawn(*letter)) {
        let _ = write!(text, "{letter} {meaning}, ");
    }
    if any(char::is_ascii_lowercase) {
        text.push_str("a to z foes, ");
    }
    if any(char::is_ascii_uppercase) {
        text.push_str("A to Z allies and strangers, ");
    }
    text.push_str("blank not known\n");
}

fn ground(seen: &Observation, place: Position) -> char {
    match seen.tile(place).map(|tile| tile.terrain).unwrap_or_default() {
        Terrain::Unknown => ' ',
        Terrain::Wall => '#',
        Terrain::Floor => '.',
        Terrain::Secondary => '~',
        Terrain::Chasm => ':',
    }
}

/// The corners of what is known.
fn known(seen: &Observation) -> Option<((i16, i16), (i16, i16))> {
    let mut corners: Option<((i16, i16), (i16, i16))> = None;
    for (index, _) in seen.tiles.iter().enumerate().filter(|(_, tile)| tile.terrain != Terrain::Unknown) {
        let (x, y) = ((index % MAP_WIDTH) as i16, (index / MAP_WIDTH) as i16);
        let ((left, top), (right, bottom)) = corners.unwrap_or(((x, y), (x, y)));
        corners = Some(((left.min(x), top.min(y)), (right.max(x), bottom.max(y))));
    }
    corners
}

/// At most so many columns or rows, with this one in the middle as far as what is known allows.
fn cut((first, last): (i16, i16), around: i16, most: i16) -> (i16, i16) {
    if last - first < most {
        return (first, last);
    }
    let start = (around - most / 2).clamp(first, last - most + 1);
    (start, start + most - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::{Monster, Tile};

    /// A room with this leader, and a corridor far off.
    fn seen(leader: Position) -> Observation {
        let mut seen = Observation { leader: Some(0), ..Observation::default() };
        for (y, row) in ["#####", "#...#", "#..~#", "#####"].into_iter().enumerate() {
            for (x, letter) in row.chars().enumerate() {
                let terrain = match letter {
                    '#' => Terrain::Wall,
                    '~' => Terrain::Secondary,
                    _ => Terrain::Floor,
                };
                seen.tiles[(y + 3) * MAP_WIDTH + x + 10] = Tile { terrain, ..Tile::default() };
            }
        }
        seen.monsters.push(Monster { is_team: true, is_leader: true, position: leader, ..Monster::default() });
        seen.monsters.push(Monster { slot: 4, position: Position { x: 13, y: 4 }, ..Monster::default() });
        seen.stairs = Some(Position { x: 11, y: 5 });
        seen
    }

    #[test]
    fn the_map_is_cut_to_what_is_known_and_says_what_it_shows() {
        let text = draw(&seen(Position { x: 12, y: 4 }), WHOLE);
        let expected = "Map, x 10 to 14 from west to east, y 3 to 6 from north to south:\n\
                        @ you, > stairs, . ground, # wall, ~ water, a to z foes, blank not known\n\
                        #####\n#.@a#\n#>.~#\n#####\n";
        assert_eq!(text, expected);
        assert_eq!(draw(&Observation::default(), WHOLE), "");
    }

    #[test]
    fn a_small_map_keeps_the_leader_in_sight() {
        let small = draw(&seen(Position { x: 12, y: 4 }), (3, 2));
        assert!(small.starts_with("Map, x 11 to 13 from west to east, y 3 to 4"), "{small}");
        assert!(small.ends_with("\n###\n.@a\n"), "{small}");
        let outside = draw(&seen(Position { x: -5, y: 4000 }), (3, 2));
        assert!(outside.ends_with("\n###\n..a\n"), "{outside}");
    }

    #[test]
    fn what_is_cut_out_lies_within_what_is_known() {
        for (around, expected) in [(0, (2, 6)), (5, (3, 7)), (8, (6, 10)), (20, (6, 10))] {
            assert_eq!(cut((2, 10), around, 5), expected);
        }
        assert_eq!(cut((2, 6), 4, 5), (2, 6));
    }
}
