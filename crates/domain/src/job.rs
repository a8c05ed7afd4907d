//! Words of job configurations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
pub(crate) use row_id;

row_id! {
    /// Key of a job configuration.
    JobId
}

/// The text is none of the words of the set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {set}: expected one of {expected}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// Which set of words was asked for.
    pub set: &'static str,
    /// The words of the set.
    pub expected: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $set:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Every word of the set.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word as tables and JSON have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $crate::job::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::job::UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    $crate::job::UnknownWord {
                        word: text.to_owned(),
                        set: $set,
                        expected: Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What happens to ticks that nobody made in time.
    MisfirePolicy, "misfire policy", {
        /// All missed ticks become one run.
        Once = "once",
        /// Each missed tick within the window becomes a run, with its own nominal time.
        All = "all",
        /// Missed ticks are dropped.
        Skip = "skip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_lists_the_known_ones() {
        let error = "never".parse::<MisfirePolicy>().expect_err("no such word");
        assert_eq!(
            error.to_string(),
            r#""never" is not a misfire policy: expected one of once, all, skip"#
        );
    }
}
