//! Names: which are allowed, and which one was probably meant.

/// The longest name of a skill.
pub const NAME_CHARACTERS_MAX: usize = 64;
/// Names this unlike no known one are not suggested.
const SIMILARITY_MIN: f64 = 0.7;

/// Whether a skill can have this name.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    let rule = "a name is made of lower-case letters and digits, with single hyphens between them, at most 64 in all";
    let words_are_whole = name
        .split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    if words_are_whole && name.len() <= NAME_CHARACTERS_MAX {
        return Ok(());
    }
    Err(format!("\"{}\" is no name for a skill; {rule}", shortened(name)))
}

/// Whether a parameter of a skill can have this name: scripts read it as a field.
///
/// # Errors
/// What is wrong with it.
pub fn check_parameter_name(name: &str) -> Result<(), String> {
    let mut bytes = name.bytes();
    let begins_well = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on_well = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if begins_well && goes_on_well && name.len() <= NAME_CHARACTERS_MAX {
        return Ok(());
    }
    let rule = "it is made of lower-case letters, digits and _, begins with a letter, and has at most 64 of them";
    Err(format!("\"{}\" is no name for a parameter; {rule}", shortened(name)))
}

/// The known name most like `name`, if one is much like it.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, or nothing where no known name is much like it.
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if name.len() > NAME_CHARACTERS_MAX {
        return String::new();
    }
    nearest(name, known).map_or(String::new(), |other| format!("; did you mean \"{other}\"?"))
}

/// A text as a message can quote it: on one line, and not longer than a name.
pub fn shortened(text: &str) -> String {
    let clean: String = text.chars().flat_map(char::escape_debug).take(NAME_CHARACTERS_MAX).collect();
    if clean.len() < text.len() { format!("{clean}…") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words_joined_by_single_hyphens() {
        for good in ["eat", "use-item", "a1-2b", &"x".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "Eat", "-eat", "eat-", "use--item", "use_item", "é", "a b", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        assert_eq!(nearest("desciption", ["name", "description"]), Some("description"));
        assert_eq!(nearest("zzz", ["name", "description"]), None);
    }
}
