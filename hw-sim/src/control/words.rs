//! A command's words: separated by blanks, in double quotes where one has blanks itself; and the word somebody meant.

/// More is no command.
const COMMAND_BYTES_MAX: usize = 1024;

/// The words of a line. Inside quotes `\"`, `\\`, `\n`, `\r` and `\t` are what they are elsewhere.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    if line.len() > COMMAND_BYTES_MAX {
        return Err(format!("a command has at most {COMMAND_BYTES_MAX} bytes, got {}", line.len()));
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => word.get_or_insert_default().push_str(&quoted_part(&mut characters)?),
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Up to the closing quote.
fn quoted_part(characters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut part = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok(part),
            '\\' => part.push(escaped(characters.next())?),
            other => part.push(other),
        }
    }
    Err("a `\"` is not closed".to_owned())
}

fn escaped(character: Option<char>) -> Result<char, String> {
    match character {
        Some(same @ ('"' | '\\')) => Ok(same),
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some(other) => Err(format!("unknown escape `\\{other}`: there are \\\" \\\\ \\n \\r \\t")),
        None => Err("a `\"` is not closed".to_owned()),
    }
}

/// The known word that differs least, if it is near enough to have been meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|known| (distance(word, known), known));
    let (distance, known) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= known.len().div_ceil(3)).then_some(known)
}

/// Letters to change, add or leave out on the way from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, character) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for column in 0..to.len() {
            let change = diagonal + usize::from(to[column] != character);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        assert_eq!(split(line), Ok(expected.iter().map(|word| (*word).to_owned()).collect()), "{line}");
    }

    #[test]
    fn words_have_blanks_between_them_and_quotes_around_blanks() {
        check("", &[]);
        check("  press \t short ", &["press", "short"]);
        check("fault unsolicited text=\"RDY now\" after=2", &["fault", "unsolicited", "text=RDY now", "after=2"]);
        check(r#""a \"b\" \\ \r\n\t" """#, &["a \"b\" \\ \r\n\t", ""]);
        assert!(split("text=\"open").unwrap_err().contains("not closed"));
        assert!(split(r#""\x""#).unwrap_err().contains("`\\x`"));
        assert!(split(&"x".repeat(1025)).unwrap_err().contains("1024"));
    }

    #[test]
    fn the_nearest_word_is_found_and_nothing_far_away() {
        assert_eq!(nearest("pres", ["press", "reset"]), Some("press"));
        assert_eq!(nearest("truncate", ["truncated", "noise"]), Some("truncated"));
        assert_eq!(nearest("banana", ["press", "reset"]), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc")), (3, 3));
    }
}
