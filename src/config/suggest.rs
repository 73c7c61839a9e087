//! What a mistyped word may have meant.

use strsim::damerau_levenshtein;

use super::quote::shown;

/// The hint for a word that is none of the known ones.
pub(super) fn instead_of(word: &str, known: &[&str]) -> String {
    if word == "<<" {
        return "merge keys are not read; put what is shared under `defaults:`".to_owned();
    }
    let close = close(word, known);
    if !close.is_empty() {
        return format!("did you mean {}?", any_of(&close));
    }
    if let Some((_, above)) = MISPLACED.iter().find(|(key, _)| *key == word) {
        return format!("it stands under `{above}`");
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
pub fn close<'known>(word: &str, known: &[&'known str]) -> Vec<&'known str> {
    let word = plain(word);
    let mut close: Vec<(usize, &str)> = known
        .iter()
        .map(|candidate| (damerau_levenshtein(&word, &plain(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .collect();
    close.sort_by_key(|(distance, _)| *distance);
    if close.first().is_some_and(|(distance, _)| *distance == 0) {
        close.truncate(1);
    }
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
    words.iter().map(|word| shown(word)).collect()
}

/// Keys that are often written one level too high, and where they belong.
const MISPLACED: [(&str, &str); 16] = [
    ("attempts", "retry"),
    ("ca_file", "tls"),
    ("cert_file", "tls"),
    ("concurrency", "defaults"),
    ("enabled", "checks: {pull: …}"),
    ("histogram_buckets", "defaults"),
    ("hosts", "credentials: {NAME: …}"),
    ("insecure_skip_verify", "tls"),
    ("interval", "checks: {pull: …}"),
    ("key_file", "tls"),
    ("label_values", "limits"),
    ("mount_from", "checks: {capabilities: …}"),
    ("profile", "registries"),
    ("upload_interval", "checks: {push: …}"),
    ("url", "registries"),
    ("urls", "registries"),
];

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
            ("interval s", "did you mean `interval`?"),
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
        assert_eq!(instead_of("ca_file", &known), "it stands under `tls`");
        let long: Vec<String> = (0..18).map(|index| format!("key number {index}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        assert_eq!(
            instead_of("x", &long),
            "no key here is spelled alike; `examples/full.yml` shows every key"
        );
        assert!(instead_of("<<", &known).starts_with("merge keys are not read"));
    }
}
