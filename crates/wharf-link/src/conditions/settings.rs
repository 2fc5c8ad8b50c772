//! Conditions as people write them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Conditions;
use super::files::Files;
use super::keys::{Key, KeyHelp};
use crate::units::UnitError;

/// Conditions of one direction as people write them: texts under [keys](Key), each of which may be
/// there or not. A key that is not there says nothing; one that is `none` says that there is none.
///
/// Texts are checked when they come in, and kept in the shortest form, so that two settings that say
/// the same in other words are equal. In serde they are a map of texts, and an unknown key is an
/// error. Files are named and not read: [`Settings::resolve`] does that, by whoever can read.
///
/// ```
/// use wharf_link::{Conditions, Settings};
///
/// let mut profile = Settings::default();
/// profile.set("latency", "50 ms")?;
/// profile.set("loss", "1% burst 3")?;
/// let mut own = Settings::default();
/// own.set("loss", "none")?;
/// own.set("rate", "10mbit")?;
///
/// let no_files = &mut |name: &str| Err(format!("cannot read {name}"));
/// let conditions = own.over(&profile).resolve(&Conditions::CLEAR, no_files)?;
/// assert_eq!(conditions.to_string(), "50ms, 10mbit");
/// assert_eq!(conditions.settings().get("rate"), Some("10mbit"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<Key, String>);

/// Why settings are no conditions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct SettingsError {
    /// The key whose text is at fault.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: UnitError,
}

/// Settings whose files have been read: what they change in conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    keys: Vec<Key>,
    /// What the keys say. Of others nothing is meant.
    conditions: Conditions,
}

impl Patch {
    /// The conditions that this makes of `base`. What no key is about stays.
    #[must_use]
    pub fn over(&self, base: &Conditions) -> Conditions {
        let mut over = base.clone();
        for key in &self.keys {
            key.take(&self.conditions, &mut over);
        }
        over
    }
}

impl Settings {
    /// Sets a key.
    ///
    /// # Errors
    /// There is no such key, or the text says nothing that it understands.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), UnitError> {
        self.put(key.parse()?, text)
    }

    fn put(&mut self, key: Key, text: &str) -> Result<(), UnitError> {
        let mut read = Conditions::CLEAR;
        key.read(text, &mut read, &mut Files::Unread)?;
        self.0.insert(key, key.show(&read));
        Ok(())
    }

    /// What a key says, if it is there. `none` is an answer too.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let key = Key::named(key)?;
        self.0.get(&key).map(String::as_str)
    }

    /// The keys that are there, with their texts, in the order of [`Key::all`].
    pub fn iter(&self) -> impl Iterator<Item = (Key, &str)> {
        self.0.iter().map(|(key, text)| (*key, text.as_str()))
    }

    /// All keys that there can be.
    pub fn keys() -> impl ExactSizeIterator<Item = KeyHelp> {
        Key::all().map(Key::help)
    }

    /// Whether nothing is said at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, and what they do not speak of from `base`.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        for (key, text) in &base.0 {
            self.0.entry(*key).or_insert_with(|| text.clone());
        }
        self
    }

    /// The conditions that these make of `base`. `files` is asked for the text of each trace, table
    /// and recording that is named, and says in words why it has none.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub fn resolve(
        &self,
        base: &Conditions,
        files: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Conditions, SettingsError> {
        Ok(self.read(files)?.over(base))
    }

    /// Reads the files that are named, once and for all. `files` as in [`Settings::resolve`].
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub fn read(
        &self,
        files: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Patch, SettingsError> {
        Ok(Patch {
            keys: self.0.keys().copied().collect(),
            conditions: self.alone(&mut Files::Read(files))?,
        })
    }

    /// Whether over no conditions at all these make none.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.sketch().is_clear()
    }

    /// What differs from no conditions.
    pub(super) fn of(conditions: &Conditions) -> Self {
        let said = Key::all().map(|key| (key, key.show(conditions)));
        Self(
            said.filter(|(key, text)| *text != key.show(&Conditions::CLEAR))
                .collect(),
        )
    }

    /// These over no conditions.
    fn alone(&self, files: &mut Files<'_>) -> Result<Conditions, SettingsError> {
        let mut conditions = Conditions::CLEAR;
        for (key, text) in &self.0 {
            key.read(text, &mut conditions, files)
                .map_err(|problem| SettingsError {
                    key: key.name(),
                    problem,
                })?;
        }
        Ok(conditions)
    }

    /// These over nothing, with files for their names.
    fn sketch(&self) -> Conditions {
        // Each text has been read in this way when it was set.
        self.alone(&mut Files::Unread).unwrap_or_default()
    }
}

/// One line for people, as that of the [`Conditions`] that these are over nothing.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sketch().fmt(f)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, text) in &self.0 {
            map.serialize_entry(key.name(), text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("conditions, each a text")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Settings::default();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    if settings.get(&key).is_some() {
                        return Err(A::Error::custom(format!("`{key}` is there twice")));
                    }
                    let key: Key = key.parse().map_err(A::Error::custom)?;
                    settings
                        .put(key, &text)
                        .map_err(|problem| A::Error::custom(format!("{key}: {problem}")))?;
                }
                Ok(settings)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}
