//! Sealing secrets with a key that is not in the database.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// A key that seals and opens. `Debug` shows its id only.
#[derive(Clone)]
pub struct SecretKey {
    key: LessSafeKey,
    derivation: hmac::Key,
    id: String,
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {KEY_LEN} bytes in base64, as `openssl rand -base64 {KEY_LEN}` prints them")]
pub struct InvalidSecretKey;

/// A sealed value that does not open: another key sealed it, or it was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it was sealed with another key, or changed since")]
pub struct CannotOpen;

impl SecretKey {
    /// A new key, as text for a file or a variable.
    pub fn generate() -> String {
        BASE64_STANDARD.encode(random::<KEY_LEN>())
    }

    /// Reads a key: 32 bytes in base64.
    ///
    /// # Errors
    ///
    /// If the text is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidSecretKey> {
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| InvalidSecretKey)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| InvalidSecretKey)?;
        let hash = digest(&SHA256, &bytes);
        let id = hash.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        Ok(Self { key: LessSafeKey::new(key), derivation, id })
    }

    /// Which key it is; says nothing about the key itself.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A secret for another purpose, from which neither this key nor another purpose's secret can be
    /// told.
    pub fn derive(&self, purpose: &str) -> Vec<u8> {
        hmac::sign(&self.derivation, purpose.as_bytes()).as_ref().to_vec()
    }

    /// Seals a value. It opens only under the same name.
    pub fn seal(&self, name: &str, value: &str) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = value.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .expect("a value is far below the cipher's limit of 256 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`SecretKey::seal`] sealed.
    ///
    /// # Errors
    ///
    /// If it was sealed with another key or under another name, or was changed.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<SecretString, CannotOpen> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        let mut buffer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let value = self
            .key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut buffer)
            .map_err(|_| CannotOpen)?;
        std::str::from_utf8(value).map(SecretString::from).map_err(|_| CannotOpen)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Random bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::parse(&BASE64_STANDARD.encode([byte; KEY_LEN])).expect("a key")
    }

    #[test]
    fn only_the_same_key_and_name_open_what_was_sealed() {
        let sealed = key(1).seal("a", "RGAPI-secret");
        assert_eq!(key(1).open("a", &sealed).unwrap().expose_secret(), "RGAPI-secret");
        assert_eq!(key(2).open("a", &sealed).unwrap_err(), CannotOpen);
        assert_eq!(key(1).open("b", &sealed).unwrap_err(), CannotOpen);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key(1).open("a", &changed).unwrap_err(), CannotOpen, "byte {at}");
            assert!(key(1).open("a", &sealed[..at]).is_err(), "{at} bytes");
        }
        assert_ne!(sealed, key(1).seal("a", "RGAPI-secret"), "a nonce is used once");
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_and_is_not_shown() {
        let text = SecretKey::generate();
        let key = SecretKey::parse(&format!("{text}\n")).unwrap();
        assert_eq!(format!("{key:?}"), format!("SecretKey {{ id: \"{}\", .. }}", key.id()));
        for text in ["", "abc", "AAAA", &text[4..]] {
            assert_eq!(SecretKey::parse(text).unwrap_err(), InvalidSecretKey, "{text}");
        }
    }
}
