//! JSON values that are not always of the type they should be.
//!
//! Riot sends the same field as an integer in one version and as a float in the next. These types
//! take what can be understood, and the optional ones take anything else for absent.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Any JSON value, as far as a number, a truth or a text can be made of it.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Int(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        // PostgreSQL refuses the character NUL in any text.
        Ok(Scalar::Text(value.replace('\0', "")))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

impl Scalar {
    /// Rounded and cut to the range of the type.
    fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            // The cast saturates.
            Self::Float(value) => value.is_finite().then(|| value.round() as i64),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bool(_) | Self::Other => None,
        }
    }

    fn float(&self) -> Option<f64> {
        let value = match self {
            Self::Int(value) => *value as f64,
            Self::Float(value) => *value,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Bool(_) | Self::Other => return None,
        };
        value.is_finite().then_some(value)
    }

    fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::Text(text) => text.trim().to_ascii_lowercase().parse().ok(),
            Self::Float(_) | Self::Other => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Other => None,
        }
    }
}

macro_rules! lenient {
    ($(#[$doc:meta])* $name:ident($inner:ty), $convert:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub(super) struct $name(pub(super) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let convert: fn(Scalar) -> Option<$inner> = $convert;
                match convert(Scalar::deserialize(deserializer)?) {
                    Some(value) => Ok(Self(value)),
                    None => Err(D::Error::custom(concat!("expected ", $expected))),
                }
            }
        }
    };
}

lenient!(
    /// A whole number that must be there; cut to the range of `i32`.
    Int(i32), |scalar| scalar.int().map(clamp), "a number"
);
lenient!(
    /// A truth that must be there.
    Truth(bool), |scalar| scalar.truth(), "true or false"
);
lenient!(
    /// A text that must be there.
    Text(String), Scalar::text, "a text"
);

macro_rules! optional {
    ($(#[$doc:meta])* $name:ident($inner:ty), $convert:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(super) struct $name(pub(super) Option<$inner>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let convert: fn(Scalar) -> Option<$inner> = $convert;
                Ok(Self(convert(Scalar::deserialize(deserializer)?)))
            }
        }
    };
}

optional!(
    /// A whole number, or nothing.
    OptInt(i32), |scalar| scalar.int().map(clamp)
);
optional!(
    /// A large whole number, or nothing.
    OptLong(i64), |scalar| scalar.int()
);
optional!(
    /// A number, or nothing.
    OptFloat(f64), |scalar| scalar.float()
);
optional!(
    /// A truth, or nothing.
    OptTruth(bool), |scalar| scalar.truth()
);
optional!(
    /// A text, or nothing.
    OptText(String), Scalar::text
);

impl OptInt {
    pub(super) fn or_zero(&self) -> i32 {
        self.0.unwrap_or(0)
    }
}

impl OptTruth {
    pub(super) fn or_false(&self) -> bool {
        self.0.unwrap_or(false)
    }
}

impl OptText {
    /// Nothing where the text is empty.
    pub(super) fn non_empty(self) -> Option<String> {
        self.0.filter(|text| !text.is_empty())
    }

    pub(super) fn or_empty(self) -> String {
        self.0.unwrap_or_default()
    }
}

/// A list whose elements are all readable, or an empty one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OptList<T>(pub(super) Vec<T>);

impl<T> Default for OptList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OptList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// The nearest number of the smaller type.
pub(super) fn clamp(value: i64) -> i32 {
    value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(json: &str) -> Option<i32> {
        serde_json::from_str::<OptInt>(json).expect("never fails").0
    }

    #[test]
    fn a_number_is_read_from_anything_that_is_one() {
        for (json, expected) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("6.6", Some(7)),
            ("\"7\"", Some(7)),
            ("-3", Some(-3)),
            ("99999999999", Some(i32::MAX)),
            ("1e300", Some(i32::MAX)),
            ("-1e300", Some(i32::MIN)),
            ("18446744073709551615", Some(i32::MAX)),
            ("null", None),
            ("\"x\"", None),
            ("true", None),
            ("[1,{\"a\":2}]", None),
            ("{\"a\":[1]}", None),
        ] {
            assert_eq!(int(json), expected, "{json}");
        }
    }

    #[test]
    fn what_must_be_there_says_what_was_expected() {
        let error = serde_json::from_str::<Int>("null").expect_err("no number");
        assert!(error.to_string().contains("expected a number"), "{error}");
    }

    #[test]
    fn texts_lose_the_character_nul() {
        let text: Text = serde_json::from_str("\"a\\u0000b\"").expect("a text");
        assert_eq!(text.0, "ab");
    }
}
