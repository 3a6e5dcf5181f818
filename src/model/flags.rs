//! Sets of a few named things, in one number: cues, tones.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A named thing, of at most sixteen.
pub trait Flag: Copy + Eq + 'static {
    /// All of them; each is at its index.
    const ALL: &'static [Self];

    /// Its place in [`Flag::ALL`].
    fn index(self) -> usize;

    /// Name as in JSON.
    fn as_str(self) -> &'static str;

    /// The one of this name.
    #[must_use]
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.as_str() == name)
    }
}

/// A set of flags. In JSON the list of their names, in postcard one number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flags<F>(u16, PhantomData<F>);

impl<F: Flag> Flags<F> {
    /// The empty set.
    pub const NONE: Self = Self(0, PhantomData);

    /// Adds one.
    pub fn add(&mut self, flag: F) {
        self.0 |= 1 << flag.index();
    }

    /// Adds one when `holds`.
    pub fn add_if(&mut self, flag: F, holds: bool) {
        self.0 |= u16::from(holds) << flag.index();
    }

    /// True when `flag` is in it.
    #[must_use]
    pub fn has(self, flag: F) -> bool {
        self.0 & (1 << flag.index()) != 0
    }

    /// True when nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0, PhantomData)
    }

    /// What is in it, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = F> {
        F::ALL.iter().copied().filter(move |&flag| self.has(flag))
    }
}

impl<F> Default for Flags<F> {
    fn default() -> Self {
        Self(0, PhantomData)
    }
}

impl<F: Flag> FromIterator<F> for Flags<F> {
    fn from_iter<I: IntoIterator<Item = F>>(flags: I) -> Self {
        let mut set = Self::NONE;
        flags.into_iter().for_each(|flag| set.add(flag));
        set
    }
}

impl<F: Flag> fmt::Debug for Flags<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Flag::as_str)).finish()
    }
}

impl<F: Flag> Serialize for Flags<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_seq(self.iter().map(Flag::as_str))
        } else {
            serializer.serialize_u16(self.0)
        }
    }
}

impl<'de, F: Flag> Deserialize<'de> for Flags<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_seq(Names(PhantomData))
        } else {
            Ok(Self(u16::deserialize(deserializer)?, PhantomData))
        }
    }
}

struct Names<F>(PhantomData<F>);

impl<'de, F: Flag> Visitor<'de> for Names<F> {
    type Value = Flags<F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = F::ALL.iter().map(|flag| flag.as_str()).collect();
        write!(f, "a list of {}", names.join(", "))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
        let mut set = Flags::NONE;
        while let Some(name) = names.next_element::<std::borrow::Cow<'_, str>>()? {
            set.add(
                F::from_name(&name)
                    .ok_or_else(|| A::Error::invalid_value(serde::de::Unexpected::Str(&name), &self))?,
            );
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cue, Tone};
    use super::*;

    #[test]
    fn every_flag_has_its_own_place_and_name() {
        fn check<F: Flag + fmt::Debug>() {
            assert!(F::ALL.len() <= 16);
            for (at, &flag) in F::ALL.iter().enumerate() {
                assert_eq!(flag.index(), at);
                assert_eq!(F::from_name(flag.as_str()), Some(flag));
            }
        }
        check::<Cue>();
        check::<Tone>();
    }

    #[test]
    fn sets_are_names_in_json_and_a_number_on_disk() {
        let set: Flags<Tone> = [Tone::Insult, Tone::Sarcasm].into_iter().collect();
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, r#"["sarcasm","insult"]"#);
        assert_eq!(serde_json::from_str::<Flags<Tone>>(&json).unwrap(), set);
        let bytes = postcard::to_extend(&set, Vec::new()).unwrap();
        assert_eq!((bytes.len(), postcard::from_bytes::<Flags<Tone>>(&bytes).unwrap()), (1, set));
        let error = serde_json::from_str::<Flags<Tone>>(r#"["rude"]"#).unwrap_err().to_string();
        assert!(error.contains("rude") && error.contains("sarcasm, insult"), "{error}");
    }
}
