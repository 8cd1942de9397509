//! Burrow's font.

/// A line `= LETTERS` names letters that stand side by side in the nine lines below it, six columns each, `#` for a dot.
const FONT: &str = include_str!("../../emulator-bridge/burrow/art/font.txt");
const ROWS: usize = 9;
const COLUMNS: usize = 6;

/// The dots of a letter, column and row, its first column 0; nothing where the font lacks it.
pub fn glyph(letter: char) -> Option<Vec<(usize, usize)>> {
    let lines: Vec<&str> = FONT.lines().collect();
    let place = |line: &str| line.strip_prefix("= ")?.chars().position(|known| known == letter);
    let (number, place) = lines.iter().enumerate().find_map(|(number, line)| Some((number, place(line)?)))?;
    let rows = lines.iter().skip(number + 1).take(ROWS).enumerate();
    let dots: Vec<(usize, usize)> = rows
        .flat_map(|(row, line)| {
            let cells = line.as_bytes().iter().skip(COLUMNS * place).take(COLUMNS).enumerate();
            cells.filter(|(_, pixel)| **pixel == b'#').map(move |(column, _)| (column, row))
        })
        .collect();
    let first = dots.iter().map(|(column, _)| *column).min().unwrap_or_default();
    Some(dots.into_iter().map(|(column, row)| (column - first, row)).collect())
}

/// The columns that dots take.
pub fn width(dots: &[(usize, usize)]) -> usize {
    dots.iter().map(|(column, _)| column + 1).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_dots_and_a_width() {
        assert_eq!(glyph('l').map(|dots| width(&dots) < 4), Some(true));
        assert_eq!(glyph('W').map(|dots| width(&dots)), Some(5));
        assert_eq!(glyph('€'), None);
    }
}
