//! On which line of a task file a field stands, from its path as errors write it.
//!
//! The parser keeps no positions, so the path is followed through the text: comments blanked, strings left alone.

/// The line, from 1, of `path` such as `variants["sparse"].signals[2].value`; of as much of it as is there.
pub(super) fn line_of(text: &str, path: &str) -> Option<usize> {
    let blanked = without_comments(text);
    let steps = steps(path);
    let found = follow(&blanked, &steps);
    // What a variant does not write stands under `generator`.
    let found = match (found, steps.first()) {
        ((_, n), Some(Step::Field(first))) if first == "variants" && n < steps.len() => {
            let mut below = vec![Step::Field("generator".to_owned())];
            below.extend(steps[2.min(steps.len())..].iter().cloned());
            let (at, followed) = follow(&blanked, &below);
            if followed > n.saturating_sub(1) && followed > 1 {
                (at, followed)
            } else {
                found
            }
        }
        _ => found,
    };
    (found.1 > 0).then(|| blanked[..found.0].iter().filter(|c| **c == b'\n').count() + 1)
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A field of a struct.
    Field(String),
    /// An entry of a map.
    Key(String),
    /// An entry of a list.
    Index(usize),
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (field, rest) = part
            .split_once('[')
            .map_or((part, None), |(f, r)| (f, Some(r)));
        if !field.is_empty() {
            steps.push(Step::Field(field.to_owned()));
        }
        for inside in rest.into_iter().flat_map(|r| r.split('[')) {
            let inside = inside.trim_end_matches(']');
            steps.push(match inside.parse() {
                Ok(k) => Step::Index(k),
                Err(_) => Step::Key(inside.trim_matches('"').to_owned()),
            });
        }
    }
    steps
}

/// Where the path leads, and how many of its steps were found.
fn follow(text: &[u8], steps: &[Step]) -> (usize, usize) {
    let (mut at, mut end) = (0, text.len());
    for (k, step) in steps.iter().enumerate() {
        let Some((found, value)) = entry(text, at, end, step) else {
            return (at, k);
        };
        (at, end) = (found, value);
        if k + 1 == steps.len() {
            return (at, k + 1);
        }
    }
    (at, steps.len())
}

/// The entry `step` of the first bracket after `from`: where it begins, and where it ends.
fn entry(text: &[u8], from: usize, to: usize, step: &Step) -> Option<(usize, usize)> {
    let open = (from..to).find(|&i| matches!(text[i], b'(' | b'{' | b'['))?;
    let (mut depth, mut index, mut begin, mut at) = (0, 0, open + 1, open);
    while at < to {
        match text[at] {
            b'"' => at = string_end(text, at),
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => depth -= 1,
            _ => {}
        }
        let ends = depth == 0 || (depth == 1 && text.get(at) == Some(&b','));
        if ends {
            let begins = (begin..at).find(|&i| !text[i].is_ascii_whitespace())?;
            let piece = String::from_utf8_lossy(&text[begins..at]);
            let name = piece.split(':').next().unwrap_or_default().trim();
            let here = match step {
                Step::Field(field) => name == field,
                Step::Key(key) => name.trim_matches('"') == key,
                Step::Index(k) => index == *k,
            };
            if here {
                return Some((begins, at));
            }
            (begin, index) = (at + 1, index + 1);
        }
        if depth == 0 {
            return None;
        }
        at += 1;
    }
    None
}

fn string_end(text: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len() - 1)
}

/// The text with `//` comments as spaces, byte for byte.
fn without_comments(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'"' {
            at = string_end(&bytes, at);
        } else if bytes[at..].starts_with(b"//") {
            while at < bytes.len() && bytes[at] != b'\n' {
                bytes[at] = b' ';
                at += 1;
            }
        }
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_line() {
        let text = "// (a: {\n(\n  summary: \"x(\", // y\n  generator: Trial(\n    variables: {\n      \"c\": 1,\n    },\n    signals: [\n      (to: \"a\"),\n      (to: \"b\",\n       value: 1),\n    ],\n  ),\n  variants: {\n    \"v\": Trial(\n      dt: 1),\n  },\n)\n";
        for (path, line) in [
            ("generator", 4),
            ("generator.variables[\"c\"]", 6),
            ("generator.signals[1].value", 11),
            ("generator.signals[0].to", 9),
            ("variants[\"v\"]", 15),
            ("variants[\"v\"].dt", 16),
            ("variants[\"v\"].variables[\"c\"]", 6),
            ("variants[\"v\"].nowhere", 15),
        ] {
            assert_eq!(line_of(text, path), Some(line), "{path}");
        }
        assert_eq!(line_of("", "generator"), None);
        assert_eq!(line_of("(\"", "generator.x"), None);
    }
}
