//! What a page is asked with: the query of its address, or the fields of a form.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is left as it is in an address.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b',');

/// Names and values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Args(Vec<(String, String)>);

impl Args {
    /// Reads `a=1&b=2`. What cannot be read is left out; so are NUL characters, which no text in the
    /// database can have.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(text).unwrap_or_default();
        let clean = |text: String| text.replace('\0', "");
        Self(pairs.into_iter().map(|(name, value)| (clean(name), clean(value))).collect())
    }

    /// A value that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values =
            self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim());
        values.find(|value| !value.is_empty())
    }

    /// Every value of a name that is not empty.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    /// A value, empty if it is not there: what a form field shows.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Whether a field was sent at all, be it empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// A value as a type. `None` also for one that does not read: a filter in an address that says
    /// nothing we know filters nothing.
    pub(crate) fn read<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// The same with a name set to a value, and without where a list goes on.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs = self.without(name).0;
        if !value.is_empty() {
            pairs.push((name.to_owned(), value.to_owned()));
        }
        Self(pairs)
    }

    /// The same without a name, and without where a list goes on.
    pub(crate) fn without(&self, name: &str) -> Self {
        let kept = self.0.iter().filter(|(known, value)| {
            known != name && known != "after" && known != "before" && !value.is_empty()
        });
        Self(kept.cloned().collect())
    }

    /// Everything but these names, empty values too: for a form that is sent on.
    pub(crate) fn except(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect()
    }

    /// As an address of a path.
    pub(crate) fn href(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        format!("{path}?{}", pairs.join("&"))
    }

    /// Names and values, for hidden fields.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// A text as a part of an address.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_other_filters() {
        let args = Args::parse(b"status=failed&job=3&before=77&text=a%20b%00&empty=");
        assert_eq!(args.get("text"), Some("a b"));
        assert_eq!(args.get("empty"), None);
        assert!(args.has("empty"));
        assert_eq!(args.read::<i64>("job"), Some(3));
        assert_eq!(
            args.with("status", "success").href("/runs"),
            "/runs?job=3&text=a%20b&status=success"
        );
        assert_eq!(args.without("job").href("/runs"), "/runs?status=failed&text=a%20b");
    }

    #[test]
    fn no_value_breaks_out_of_an_address() {
        let args = Args::default().with("q", "a&b=\"<名>#");
        assert_eq!(args.href("/players"), "/players?q=a%26b%3D%22%3C%E5%90%8D%3E%23");
    }
}
