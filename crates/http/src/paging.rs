//! Lists in pages: `?limit&cursor` in, `{items, next_cursor}` out.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, Code};

/// Items on a page unless asked otherwise.
const DEFAULT_LIMIT: i64 = 50;

/// The most items on a page.
const MAX_LIMIT: i64 = 200;

/// The arguments of a list without others.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListArgs {
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ListArgs {
    pub(crate) fn page<K: Serialize + DeserializeOwned>(
        &self,
        list: &'static str,
    ) -> Result<Page<K>, ApiError> {
        Page::of(list, self.limit, self.cursor.as_deref())
    }
}

/// Which page is asked for. `K` is the key of an item in the list's order.
#[derive(Debug)]
pub(crate) struct Page<K> {
    list: &'static str,
    limit: i64,
    after: Option<K>,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads the arguments of a query. `list` names the list: a cursor of another one is refused.
    pub(crate) fn of(
        list: &'static str,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let message = format!("expected 1 to {MAX_LIMIT}");
            return Err(ApiError::new(Code::InvalidQuery, message).field("limit"));
        }
        let after = cursor.map(|cursor| decode(list, cursor)).transpose()?;
        Ok(Self { list, limit, after })
    }

    /// The key after which the page begins.
    pub(crate) fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// How many rows to read: one more than the page shows, to know whether there is another page.
    pub(crate) fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The answer, from [`Page::rows`] rows.
    pub(crate) fn answer<R, V>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
        view: impl Fn(R) -> V,
    ) -> List<V> {
        let limit = usize::try_from(self.limit).expect("a limit is at least 1");
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| encode(self.list, &key(last)));
        List { items: rows.into_iter().map(view).collect(), next_cursor }
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Give it back as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// `base64url(checksum, key as JSON)`.
fn encode<K: Serialize>(list: &str, key: &K) -> String {
    let key = serde_json::to_vec(key).expect("keys are numbers, times and texts");
    let mut bytes = checksum(list, &key).to_be_bytes().to_vec();
    bytes.extend_from_slice(&key);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode<K: DeserializeOwned>(list: &str, cursor: &str) -> Result<K, ApiError> {
    let key = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (sum, key) = bytes.split_first_chunk::<4>()?;
        // A NUL, which JSON has as an escape only, is in no key: PostgreSQL has none in a text.
        let has_nul = key.windows(6).any(|escape| escape == b"\\u0000");
        if u32::from_be_bytes(*sum) != checksum(list, key) || has_nul {
            return None;
        }
        serde_json::from_slice(key).ok()
    };
    key().ok_or_else(|| {
        ApiError::new(
            Code::InvalidCursor,
            "not a cursor of this list: take next_cursor as it is, or begin without one",
        )
        .field("cursor")
    })
}

/// FNV-1a. It keeps out what was mistyped or meant for another list; a cursor grants nothing, so
/// there is nothing to forge.
pub(crate) fn checksum(list: &str, key: &[u8]) -> u32 {
    let bytes = list.bytes().chain([0]).chain(key.iter().copied());
    bytes.fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_cursor_reads_back(id: i64, text in "\\PC*") {
            let cursor = encode("runs", &(id, &text));
            prop_assert_eq!(decode::<(i64, String)>("runs", &cursor).unwrap(), (id, text));
        }

        #[test]
        fn a_key_that_postgresql_cannot_hold_is_refused(before in "[a-z\\\\]*", after in "\\PC*") {
            let cursor = encode("runs", &(1_i64, format!("{before}\0{after}")));
            prop_assert!(decode::<(i64, String)>("runs", &cursor).is_err());
        }

        #[test]
        fn no_text_makes_a_cursor_panic(text in "\\PC*") {
            let _ = decode::<(i64, String)>("runs", &text);
        }

        #[test]
        fn no_bytes_behind_a_right_checksum_make_it_panic(key in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut bytes = checksum("runs", &key).to_be_bytes().to_vec();
            bytes.extend(&key);
            let _ = decode::<(i64, String)>("runs", &BASE64_URL_SAFE_NO_PAD.encode(bytes));
        }
    }

    #[test]
    fn a_cursor_reads_back_in_its_own_list_only() {
        let cursor = encode("jobs", &(7_i64, "x"));
        assert_eq!(decode::<(i64, String)>("jobs", &cursor).unwrap(), (7, "x".to_owned()));
        assert!(decode::<(i64, String)>("players", &cursor).is_err());
    }

    #[test]
    fn a_cursor_with_any_character_changed_is_refused() {
        let cursor = encode("jobs", &123_456_i64);
        for index in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(decode::<i64>("jobs", &changed).is_err(), "{changed}");
        }
        for cursor in ["", "x", "%", "AAAA", "AAAAAA=="] {
            assert!(decode::<i64>("jobs", cursor).is_err(), "{cursor}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = Page::<i64>::of("jobs", Some(2), None).unwrap();
        assert_eq!(page.rows(), 3);
        let list = page.answer(vec![1, 2], |n| *n, |n| n);
        assert_eq!((list.items, list.next_cursor), (vec![1, 2], None));
        let list = page.answer(vec![1, 2, 3], |n| *n, |n| n);
        assert_eq!(list.items, [1, 2]);
        let next = Page::<i64>::of("jobs", Some(2), list.next_cursor.as_deref()).unwrap();
        assert_eq!(next.after(), Some(&2));
    }

    #[test]
    fn a_limit_is_1_to_200() {
        for limit in [0, -1, 201, i64::MAX] {
            assert!(Page::<i64>::of("jobs", Some(limit), None).is_err(), "{limit}");
        }
        assert!(Page::<i64>::of("jobs", Some(200), None).is_ok());
    }
}
