//! A map of a task file that keeps the order of the file and refuses a name that comes twice.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Entries by name, in the order of the file.
#[derive(Clone, Debug)]
pub struct Named<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Named<T> {
    /// Fills in what is left out from `base`: its entries in its order, each replaced where one has the same name, then
    /// those that are new.
    pub(crate) fn over(&self, base: &Self, merge: impl Fn(&T, &T) -> T) -> Self {
        let mut entries: Vec<_> = base
            .0
            .iter()
            .map(|(name, below)| match self.get(name) {
                Some(own) => (name.clone(), merge(own, below)),
                None => (name.clone(), below.clone()),
            })
            .collect();
        let new = self.0.iter().filter(|(name, _)| base.get(name).is_none());
        entries.extend(new.cloned());
        Self(entries)
    }
}

impl<T> Named<T> {
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        Some(&self.0.iter().find(|(known, _)| known == name)?.1)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map by name, `{\"name\": ...}`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format!("`{name}` is there already")));
                    }
                    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    if name.is_empty() || !name.chars().all(allowed) {
                        return Err(A::Error::custom(format!(
                            "{name:?}: a name is of ASCII letters, digits, `_` and `-`"
                        )));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}
