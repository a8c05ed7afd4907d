//! How far a listener is: what `id:` of an event and `Last-Event-ID` hold.
//!
//! A cursor says all by itself what its listener has been told, so that any process can go on from
//! it: up to which run everything is over and told, and of each run beyond or still open, the
//! number of the last line and hashes of its status, progress and metrics.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::error::{ApiError, Code};
use crate::paging::checksum;

/// The most runs of a cursor that is read. A cursor of ours has the runs that are open and those
/// that began a moment ago.
const MAX_RUNS: u64 = 10_000;

/// How far a listener is in one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The last line.
    pub(super) seq: i32,
    /// Hashes of what was last said; 0: nothing yet.
    pub(super) status: u32,
    pub(super) progress: u32,
    pub(super) metrics: u32,
    /// Everything was said, its end too.
    pub(super) ended: bool,
}

/// How far a listener is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Every run up to this one has ended and was told to the end, unless it is in `runs`.
    pub(super) floor: i64,
    pub(super) runs: BTreeMap<i64, Told>,
}

impl Cursor {
    /// Of a listener to one run.
    pub(super) fn of_run(id: i64, told: Told) -> Self {
        Self { floor: 0, runs: BTreeMap::from([(id, told)]) }
    }

    /// As `id:` has it: letters, digits, `-` and `_`.
    pub(super) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(16 + self.runs.len() * 20);
        put(&mut bytes, self.floor.cast_unsigned());
        let mut previous = 0;
        for (id, told) in &self.runs {
            put(&mut bytes, (id - previous).cast_unsigned());
            previous = *id;
            put(&mut bytes, u64::from(told.seq.cast_unsigned()) << 1 | u64::from(told.ended));
            for hash in [told.status, told.progress, told.metrics] {
                bytes.extend_from_slice(&hash.to_le_bytes());
            }
        }
        let mut whole = checksum("events", &bytes).to_be_bytes().to_vec();
        whole.append(&mut bytes);
        BASE64_URL_SAFE_NO_PAD.encode(whole)
    }

    /// Reads what [`Cursor::encode`] wrote.
    pub(super) fn decode(text: &str) -> Result<Self, ApiError> {
        read(text).ok_or_else(|| {
            ApiError::new(
                Code::InvalidCursor,
                "not the id of an event of ours: begin without one, and read the lists once more",
            )
            .field("Last-Event-ID")
        })
    }
}

fn read(text: &str) -> Option<Cursor> {
    let whole = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (sum, mut bytes) = whole.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*sum) != checksum("events", bytes) {
        return None;
    }
    let mut cursor = Cursor { floor: id(take(&mut bytes)?)?, runs: BTreeMap::new() };
    let mut previous = 0_i64;
    let mut count = 0;
    while !bytes.is_empty() {
        count += 1;
        if count > MAX_RUNS {
            return None;
        }
        previous = previous.checked_add(id(take(&mut bytes)?)?)?;
        let seq = take(&mut bytes)?;
        let mut hash = || {
            let (hash, rest) = bytes.split_first_chunk::<4>()?;
            bytes = rest;
            Some(u32::from_le_bytes(*hash))
        };
        let told = Told {
            seq: i32::try_from(seq >> 1).ok()?,
            ended: seq & 1 == 1,
            status: hash()?,
            progress: hash()?,
            metrics: hash()?,
        };
        cursor.runs.insert(previous, told);
    }
    Some(cursor)
}

fn id(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// Seven bits a byte, the lowest first.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told() -> impl Strategy<Value = Told> {
        (0..=i32::MAX, any::<[u32; 3]>(), any::<bool>()).prop_map(
            |(seq, [status, progress, metrics], ended)| Told {
                seq,
                status,
                progress,
                metrics,
                ended,
            },
        )
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back(
            floor in 0..=i64::MAX,
            runs in prop::collection::btree_map(0..=i64::MAX, told(), 0..20),
        ) {
            let cursor = Cursor { floor, runs };
            let text = cursor.encode();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            prop_assert_eq!(Cursor::decode(&text).unwrap(), cursor);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Cursor::decode(&text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = checksum("events", &bytes).to_be_bytes().to_vec();
            whole.extend(&bytes);
            let _ = Cursor::decode(&BASE64_URL_SAFE_NO_PAD.encode(whole));
        }
    }

    #[test]
    fn a_cursor_of_idle_times_is_short() {
        let cursor = Cursor { floor: 1_000_000, runs: BTreeMap::new() };
        assert!(cursor.encode().len() <= 10, "{}", cursor.encode());
    }
}
