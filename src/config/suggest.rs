//! What a mistyped word may have meant.

use strsim::damerau_levenshtein;

/// The hint for a word that is none of the known ones.
pub(super) fn instead_of(word: &str, known: &[&str]) -> String {
    if word == "<<" {
        return "merge keys are not read; put what is shared under `defaults:`".to_owned();
    }
    let close = close(word, known);
    if !close.is_empty() {
        return format!("did you mean {}?", any_of(&close));
    }
    match known {
        [] => "remove it".to_owned(),
        known if known.len() > MOST_LISTED => {
            "no key here is spelled alike; `examples/full.yml` shows every key".to_owned()
        }
        known => format!("known here: {}", backticked(known).join(", ")),
    }
}

/// At most three known words that differ from it by a slip, the closest first.
fn close<'known>(word: &str, known: &[&'known str]) -> Vec<&'known str> {
    let word = plain(word);
    let mut close: Vec<(usize, &str)> = known
        .iter()
        .map(|candidate| (damerau_levenshtein(&word, &plain(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .collect();
    close.sort_by_key(|(distance, _)| *distance);
    close.into_iter().take(3).map(|(_, word)| word).collect()
}

/// Case and separators are the commonest slips, and count for nothing.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .take(64)
        .collect::<String>()
        .to_lowercase()
}

fn any_of(words: &[&str]) -> String {
    let words = backticked(words);
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

fn backticked(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("`{word}`")).collect()
}

/// A longer list would not be read.
const MOST_LISTED: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let known = ["interval", "enabled", "test_repository", "url", "timeout"];
        for (word, expected) in [
            ("intervall", "did you mean `interval`?"),
            ("inetrval", "did you mean `interval`?"),
            ("Interval", "did you mean `interval`?"),
            ("testRepository", "did you mean `test_repository`?"),
            ("test-repository", "did you mean `test_repository`?"),
            ("uri", "did you mean `url`?"),
            (
                "colour",
                "known here: `interval`, `enabled`, `test_repository`, `url`, `timeout`",
            ),
        ] {
            assert_eq!(instead_of(word, &known), expected, "{word}");
        }
        assert_eq!(
            instead_of("ab", &["abc", "abd"]),
            "did you mean `abc` or `abd`?"
        );
        assert_eq!(instead_of("ab", &[]), "remove it");
    }
}
