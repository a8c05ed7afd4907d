//! Puuids that carry their account: made and read without a table, and unreadable under another key,
//! like Riot's.

use crate::dice::scramble;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LEN: usize = 78;
/// Characters that hold the tag (64 bits) and the masked account (32 bits).
const TAG_LEN: usize = 11;
const ACCOUNT_LEN: usize = 6;

/// Makes and reads the puuids of one world, as one API key sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PuuidCodec {
    secret: u64,
}

impl PuuidCodec {
    /// `key`: the API key whose puuids these are; `None` where all keys see the same.
    pub(crate) fn new(seed: u64, key: Option<&str>) -> Self {
        let salt = key.map_or(0, |key| {
            key.bytes().fold(0x5eed, |hash, byte| scramble(hash ^ u64::from(byte)))
        });
        Self { secret: scramble(seed ^ salt.rotate_left(17)) }
    }

    /// The puuid of an account, given by its number.
    pub(crate) fn encode(self, account: u32) -> String {
        let tag = scramble(self.secret ^ (u64::from(account) << 13));
        let masked = account ^ (scramble(tag) as u32);
        let mut text = String::with_capacity(LEN);
        push_bits(&mut text, tag, TAG_LEN);
        push_bits(&mut text, u64::from(masked), ACCOUNT_LEN);
        let mut noise = tag;
        while text.len() < LEN {
            noise = scramble(noise);
            let n = (LEN - text.len()).min(10);
            push_bits(&mut text, noise, n);
        }
        text
    }

    /// The account of a puuid; `None` if this world and key did not make it.
    pub(crate) fn decode(self, puuid: &str) -> Option<u32> {
        if puuid.len() != LEN || !puuid.is_ascii() {
            return None;
        }
        let tag = read_bits(&puuid[..TAG_LEN])?;
        let masked = read_bits(&puuid[TAG_LEN..TAG_LEN + ACCOUNT_LEN])?;
        let account = (masked as u32) ^ (scramble(tag) as u32);
        (self.encode(account) == puuid).then_some(account)
    }
}

fn push_bits(text: &mut String, mut bits: u64, chars: usize) {
    for _ in 0..chars {
        text.push(ALPHABET[(bits & 63) as usize] as char);
        bits >>= 6;
    }
}

fn read_bits(text: &str) -> Option<u64> {
    let mut bits = 0u64;
    for byte in text.bytes().rev() {
        let value = ALPHABET.iter().position(|&c| c == byte)?;
        bits = (bits << 6) | value as u64;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_puuid_reads_back_under_its_own_key_alone() {
        let ours = PuuidCodec::new(7, Some("RGAPI-a"));
        let theirs = PuuidCodec::new(7, Some("RGAPI-b"));
        for account in [0, 1, 999, 0x0300_0001, u32::MAX] {
            let puuid = ours.encode(account);
            assert_eq!(puuid.len(), 78);
            assert!(puuid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            assert_eq!(ours.decode(&puuid), Some(account));
            assert_eq!(theirs.decode(&puuid), None);
        }
        assert_eq!(ours.decode("short"), None);
        assert_eq!(ours.decode(&"é".repeat(39)), None);
    }
}
