//! Which known word somebody meant: edit distance, pure.

/// The word nearest to `wanted`, if it is near enough to be what was meant: a third of its letters may differ.
pub fn nearest<'a>(wanted: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = wanted.chars().count().div_ceil(3).max(1);
    known
        .iter()
        .map(|word| (distance(wanted, word), *word))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let known = ["listen", "behind_tls_proxy", "token_lifetime"];
        for (wanted, expected) in [
            ("lisen", Some("listen")),
            ("litsen", Some("listen")),
            ("behind_tls_prxy", Some("behind_tls_proxy")),
            ("token-lifetime", Some("token_lifetime")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, &known), expected, "{wanted}");
        }
    }
}
