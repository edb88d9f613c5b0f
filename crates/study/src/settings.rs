//! `--set PATH=VALUE`: one value of a study file replaced in its text, before anything reads it.

use crate::error::{Result, StudyError};
use crate::locate::places;

/// The text with every setting applied, in order.
///
/// # Errors
///
/// [`StudyError::Input`] where a setting has no `=`, or names no place in the text.
pub fn apply(text: &str, settings: &[String]) -> Result<String> {
    settings
        .iter()
        .try_fold(text.to_owned(), |text, setting| one(&text, setting))
}

fn one(text: &str, setting: &str) -> Result<String> {
    let (path, value) = setting.split_once('=').ok_or_else(|| {
        StudyError::Input(format!(
            "--set {setting}: no `=`; written PATH=VALUE, as in networks[0].units=64"
        ))
    })?;
    let (path, value) = (path.trim(), value.trim());
    let places = places(text);
    if let Some(place) = places.iter().find(|p| !p.path.is_empty() && p.path == path) {
        return Ok(format!(
            "{}{value}{}",
            &text[..place.start],
            &text[place.end..]
        ));
    }
    // A field that is not written down yet goes to the front of the struct it belongs to.
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = places
        .iter()
        .find(|p| p.path == parent)
        .filter(|_| !field.ends_with(']') && !field.is_empty());
    let Some(open) = parent.and_then(|p| text[p.start..p.end].find('(').map(|i| p.start + i + 1))
    else {
        let known: Vec<&str> = places
            .iter()
            .map(|p| p.path.as_str())
            .filter(|p| !p.is_empty())
            .collect();
        return Err(StudyError::Input(format!(
            "--set {setting}: no `{path}` in the study; {}",
            chiliad_tasks::suggestion::suggest(path, &known)
        )));
    };
    Ok(format!(
        "{}{field}: {value}, {}",
        &text[..open],
        &text[open..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_replaces_or_adds() {
        let text = "(title: \"t\", networks: [Train(cell: [\"gru\"], units: 32)])";
        let set = |s: &str| apply(text, &[s.to_owned()]);
        assert!(set("networks[0].units=64").unwrap().contains("units: 64)"));
        assert!(
            set("networks[0].cell[0]=\"lstm\"")
                .unwrap()
                .contains("[\"lstm\"]")
        );
        assert!(
            set("networks[0].batch = 8")
                .unwrap()
                .contains("Train(batch: 8, cell")
        );
        assert!(set("seed=3").unwrap().starts_with("(seed: 3, title"));
        assert!(
            set("networks[1].units=64")
                .unwrap_err()
                .to_string()
                .contains("networks[0].units")
        );
        assert!(set("units").is_err());
    }
}
