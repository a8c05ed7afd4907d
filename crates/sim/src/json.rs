//! Writes JSON straight into bytes. A match has 3,000 fields; building a tree of them first takes
//! several times as long as writing them.

use std::io::Write;

/// JSON under construction. Every value leaves a comma behind, which the end of its container
/// takes back.
#[derive(Debug)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// The finished text.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.drop_comma();
        self.0
    }

    fn drop_comma(&mut self) {
        if self.0.last() == Some(&b',') {
            self.0.pop();
        }
    }

    fn key(&mut self, key: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    pub(crate) fn open(&mut self) {
        self.0.push(b'{');
    }

    pub(crate) fn object(&mut self, key: &str) {
        self.key(key);
        self.open();
    }

    pub(crate) fn close(&mut self) {
        self.drop_comma();
        self.0.extend_from_slice(b"},");
    }

    pub(crate) fn open_array(&mut self) {
        self.0.push(b'[');
    }

    pub(crate) fn array(&mut self, key: &str) {
        self.key(key);
        self.open_array();
    }

    pub(crate) fn close_array(&mut self) {
        self.drop_comma();
        self.0.extend_from_slice(b"],");
    }

    pub(crate) fn int(&mut self, key: &str, value: impl Into<i64>) {
        self.key(key);
        self.int_element(value);
    }

    pub(crate) fn int_element(&mut self, value: impl Into<i64>) {
        let value = value.into();
        if value < 0 {
            self.0.push(b'-');
        }
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = value.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[at..]);
        self.0.push(b',');
    }

    /// Whole numbers are written without a point, as Riot does.
    pub(crate) fn float(&mut self, key: &str, value: f64) {
        self.key(key);
        write!(self.0, "{value},").expect("a vector takes every byte");
    }

    pub(crate) fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.0.extend_from_slice(if value { b"true," } else { b"false," });
    }

    pub(crate) fn null(&mut self, key: &str) {
        self.key(key);
        self.0.extend_from_slice(b"null,");
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text_element(value);
    }

    pub(crate) fn text_element(&mut self, value: &str) {
        self.0.push(b'"');
        for byte in value.bytes() {
            match byte {
                b'"' => self.0.extend_from_slice(b"\\\""),
                b'\\' => self.0.extend_from_slice(b"\\\\"),
                0..0x20 => write!(self.0, "\\u{byte:04x}").expect("a vector takes every byte"),
                _ => self.0.push(byte),
            }
        }
        self.0.extend_from_slice(b"\",");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut json = Json::with_capacity(64);
        json.open();
        json.int("least", i64::MIN);
        json.float("ratio", 0.125);
        json.float("whole", 3.0);
        json.text("name", "a\"b\\c\n夜");
        json.bool("yes", true);
        json.array("list");
        json.int_element(0);
        json.text_element("x");
        json.close_array();
        json.object("empty");
        json.close();
        json.close();
        let text = String::from_utf8(json.finish()).expect("text");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            value,
            serde_json::json!({"least": i64::MIN, "ratio": 0.125, "whole": 3, "name": "a\"b\\c\n夜", "yes": true, "list": [0, "x"], "empty": {}})
        );
    }
}
