//! "Did you mean": the nearest of the names allowed.

/// A clause to append to an error: the nearest of `allowed` if one is near, and all of them.
#[must_use]
pub fn suggest<S: AsRef<str>>(found: &str, allowed: &[S]) -> String {
    let near = allowed
        .iter()
        .map(|name| (distance(found, name.as_ref()), name.as_ref()))
        .min()
        .filter(|(edits, name)| *edits <= 2.max(name.chars().count() / 3));
    let list = allowed
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ");
    match near {
        Some((_, name)) => format!("did you mean `{name}`? Allowed: {list}"),
        None => format!("allowed: {list}"),
    }
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A parser's message without the names of Rust's types.
#[must_use]
pub fn expected(message: &str) -> String {
    let words = [
        ("usize", "a whole number, 0 or more"),
        ("u64", "a whole number, 0 or more"),
        ("u32", "a whole number, 0 or more"),
        ("i64", "a whole number"),
        ("f64", "a number"),
        ("f32", "a number"),
        ("identifier", "a name, without quotes and not a list"),
        ("string", "a text in quotes"),
        ("bool", "true or false"),
    ];
    if message == "Integer is out of bounds" {
        return "the number is out of range; allowed: a whole number, 0 or more".to_owned();
    }
    let found = words.iter().find(|(name, _)| {
        message
            .strip_prefix("Expected ")
            .is_some_and(|what| what == *name)
    });
    found.map_or_else(
        || message.to_owned(),
        |(_, words)| format!("expected {words}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggest_names_the_nearest_or_only_lists() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert!(suggest("step", &["bits", "steps"]).starts_with("did you mean `steps`?"));
        assert_eq!(
            suggest("colour", &["bits", "steps"]),
            "allowed: `bits`, `steps`"
        );
        assert_eq!(suggest::<&str>("x", &[]), "allowed: ");
    }
}
