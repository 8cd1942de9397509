//! The figures in the status line.

use crate::layout::STATUS_HEIGHT;
use crate::reading::{Hud, Line};

/// Reads the status line: `B3F Lv2 HP 23/40 Belly 87 120c`. Nothing where a figure is missing or is none.
pub(crate) fn read(lines: &[Line]) -> Option<Hud> {
    let lines = || lines.iter().filter(|line| usize::from(line.y) < STATUS_HEIGHT / 2);
    let words: Vec<&str> = lines().flat_map(|line| line.text.split_whitespace()).collect();
    let figure = |before: &str, after: &str| {
        words.iter().find_map(|word| word.strip_prefix(before)?.strip_suffix(after)?.parse::<u32>().ok())
    };
    let (hp, hp_max) = words.iter().find_map(|word| word.split_once('/'))?;
    let belly = words.iter().skip_while(|word| **word != "Belly").nth(1)?;
    let small = |text: &str| text.parse::<u16>().ok().map(i32::from);
    Some(Hud {
        floor: u8::try_from(figure("B", "F")?).ok()?,
        level: u8::try_from(figure("Lv", "")?).ok()?,
        hp: small(hp)?,
        hp_max: small(hp_max)?,
        belly: small(belly)?,
        money: i32::try_from(figure("", "c")?).ok()?,
        confidence: lines().map(|line| line.confidence).fold(1.0, f32::min),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: u16, y: u16, text: &str, confidence: f32) -> Line {
        Line { x, y, text: text.to_string(), confidence }
    }

    #[test]
    fn every_figure_has_its_place() {
        let whole = [
            line(3, 2, "B12F", 0.99),
            line(32, 2, "Lv7", 0.9),
            line(60, 2, "HP", 1.0),
            line(110, 2, "0/128 Belly 100", 0.98),
            line(200, 3, "1234c", 0.97),
            line(9, 133, "Moss found 9 coins. B1F 5/6", 0.1),
        ];
        let hud = Hud { floor: 12, level: 7, hp: 0, hp_max: 128, belly: 100, money: 1234, confidence: 0.9 };
        assert_eq!(read(&whole), Some(hud));
        for missing in 0..5 {
            if missing != 2 {
                let rest: Vec<Line> =
                    (0..6).filter(|place| *place != missing).map(|place| whole[place].clone()).collect();
                assert_eq!(read(&rest), None, "without {}", whole[missing].text);
            }
        }
    }

    #[test]
    fn nonsense_is_no_figure() {
        for text in ["B999F Lv1 1/2 Belly 3 4c", "B1F Lv1 1/2/3 Belly 3 4c", "B1F Lv1 99999/2 Belly 3 4c", ""] {
            assert_eq!(read(&[line(3, 2, text, 1.0)]), None, "{text}");
        }
    }
}
