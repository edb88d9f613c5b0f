//! Where each value of a RON text stands, so that an error about a value can name its line.

/// A value and its path, as in `networks[0].cell[1]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

/// All values, each after those it stands in. Stops without complaint where the text is not RON: that is the parser's to say.
pub(crate) fn places(text: &str) -> Vec<Place> {
    let mut scanner = Scanner {
        text: text.as_bytes(),
        at: 0,
        places: Vec::new(),
    };
    scanner.value("");
    scanner.places
}

/// Line and column, from 1, of a byte.
pub(crate) fn line_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// The place of a path, or of the nearest value around it that is written down.
pub(crate) fn nearest<'a>(places: &'a [Place], path: &str) -> Option<&'a Place> {
    let mut path = path;
    loop {
        if let Some(place) = places.iter().find(|p| p.path == path) {
            return Some(place);
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

/// Path of the innermost value that holds a line and column; empty for the whole.
pub(crate) fn path_at(text: &str, line: usize, column: usize) -> String {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let byte = line_start
        + text[line_start.min(text.len())..]
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum::<usize>();
    let holds = |p: &&Place| p.start <= byte && byte <= p.end;
    places(text)
        .iter()
        .rfind(holds)
        .map_or_else(String::new, |p| p.path.clone())
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    places: Vec<Place>,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        loop {
            while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
                self.at += 1;
            }
            match self.text.get(self.at..self.at + 2) {
                Some(b"//") => {
                    self.at += self.text[self.at..]
                        .iter()
                        .position(|c| *c == b'\n')
                        .unwrap_or(self.text.len() - self.at);
                }
                Some(b"/*") => {
                    self.at += self.text[self.at..]
                        .windows(2)
                        .position(|w| w == b"*/")
                        .map_or(self.text.len() - self.at, |i| i + 2);
                }
                _ => return,
            }
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || b"_.+-#!".contains(&c))
        {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.text[start..self.at]).into_owned()
    }

    fn string(&mut self) -> String {
        let start = self.at + 1;
        self.at = start;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                b'\\' => self.at += 1,
                b'"' => break,
                _ => {}
            }
        }
        let end = self
            .at
            .saturating_sub(1)
            .clamp(start.min(self.text.len()), self.text.len());
        String::from_utf8_lossy(&self.text[start.min(end)..end]).into_owned()
    }

    fn value(&mut self, path: &str) {
        self.skip();
        let index = self.places.len();
        self.places.push(Place {
            path: path.to_owned(),
            start: self.at,
            end: self.text.len(),
        });
        match self.peek() {
            Some(b'"') => {
                self.string();
            }
            Some(b'(') => self.fields(path),
            Some(b'[') => self.elements(path),
            Some(b'{') => self.entries(path),
            Some(_) => {
                let word = self.word();
                let after_word = self.at;
                self.skip();
                if !word.is_empty() && self.peek() == Some(b'(') {
                    self.fields(path);
                } else {
                    self.at = after_word;
                }
            }
            None => {}
        }
        self.places[index].end = self.at;
    }

    /// `(a: 1, b: 2)` or `(1, 2)`.
    fn fields(&mut self, path: &str) {
        self.at += 1;
        for position in 0.. {
            self.skip();
            if matches!(self.peek(), None | Some(b')')) {
                break;
            }
            let start = self.at;
            let name = self.word();
            self.skip();
            let field = if !name.is_empty() && self.peek() == Some(b':') {
                self.at += 1;
                name
            } else {
                self.at = start;
                position.to_string()
            };
            self.value(&if path.is_empty() {
                field
            } else {
                format!("{path}.{field}")
            });
            if !self.comma(b')') {
                return;
            }
        }
        self.at = (self.at + 1).min(self.text.len());
    }

    fn elements(&mut self, path: &str) {
        self.at += 1;
        for position in 0.. {
            self.skip();
            if matches!(self.peek(), None | Some(b']')) {
                break;
            }
            self.value(&format!("{path}[{position}]"));
            if !self.comma(b']') {
                return;
            }
        }
        self.at = (self.at + 1).min(self.text.len());
    }

    fn entries(&mut self, path: &str) {
        self.at += 1;
        loop {
            self.skip();
            if matches!(self.peek(), None | Some(b'}')) {
                break;
            }
            let key = if self.peek() == Some(b'"') {
                self.string()
            } else {
                self.word()
            };
            self.skip();
            if self.peek() != Some(b':') {
                return;
            }
            self.at += 1;
            self.value(&format!("{path}[{key:?}]"));
            if !self.comma(b'}') {
                return;
            }
        }
        self.at = (self.at + 1).min(self.text.len());
    }

    /// Steps over a comma; false where the text is malformed and scanning has to end.
    fn comma(&mut self, closing: u8) -> bool {
        self.skip();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                true
            }
            Some(c) if c == closing => true,
            _ => {
                self.at = self.text.len();
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "(\n  title: \"a (b, \\\" c\", // (x\n  networks: [Train(cell: [\"gru\", \"lstm\"], until: Loss(1e-3), constants: {\"leak\": 0.1})],\n)";

    #[test]
    fn every_value_has_its_path() {
        let places = places(TEXT);
        let paths: Vec<(&str, &str)> = places
            .iter()
            .map(|p| (p.path.as_str(), &TEXT[p.start..p.end]))
            .collect();
        for (path, text) in [
            ("networks[0].cell[1]", "\"lstm\""),
            ("networks[0].until", "Loss(1e-3)"),
            ("networks[0].until.0", "1e-3"),
            ("networks[0].constants[\"leak\"]", "0.1"),
            ("", TEXT),
        ] {
            assert!(paths.contains(&(path, text)), "{path} in {paths:?}");
        }
        let cell = nearest(&places, "networks[0].cell[7]").unwrap();
        assert_eq!(line_column(TEXT, cell.start), (3, 26));
        assert_eq!(path_at(TEXT, 3, 35), "networks[0].cell[1]");
    }

    #[test]
    fn malformed_text_ends_quietly() {
        for cut in 0..TEXT.len() {
            places(&TEXT[..cut]);
        }
        places("(a: [1 2], b: }");
    }
}
