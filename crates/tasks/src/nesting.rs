//! Brackets within brackets: a text nested deeper than anybody writes is refused before a recursive parser sees it.

/// Brackets within brackets at most.
pub const MOST: usize = 200;

/// Line and column, from 1, of the first bracket beyond [`MOST`], if there is one. Strings and comments do not count; raw
/// strings do, as far as their brackets go.
#[must_use]
pub fn too_deep(text: &str) -> Option<(usize, usize)> {
    let (mut depth, mut line, mut start) = (0_usize, 1, 0);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\n' => (line, start) = (line + 1, at + 1),
            '"' => {
                let mut escaped = false;
                for (at, inner) in letters.by_ref() {
                    match inner {
                        '"' if !escaped => break,
                        '\n' => (line, start) = (line + 1, at + 1),
                        _ => {}
                    }
                    escaped = inner == '\\' && !escaped;
                }
            }
            '/' if letters.peek().is_some_and(|next| next.1 == '/') => {
                while letters.next_if(|next| next.1 != '\n').is_some() {}
            }
            '(' | '[' | '{' => {
                depth += 1;
                if depth > MOST {
                    return Some((line, at - start + 1));
                }
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{MOST, too_deep};

    #[test]
    fn only_brackets_within_brackets_count() {
        assert_eq!(too_deep(&"()".repeat(10_000)), None);
        assert_eq!(
            too_deep(&format!("\"{}\" // {}", "(".repeat(999), "[".repeat(999))),
            None
        );
        assert_eq!(too_deep(&"(".repeat(MOST)), None);
        assert_eq!(
            too_deep(&format!("\n{}", "([{".repeat(MOST))),
            Some((2, MOST + 1))
        );
    }
}
