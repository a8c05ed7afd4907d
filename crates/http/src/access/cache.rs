//! Bearers that were looked up a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use riftwatch_store::api_tokens::{Bearer, SecretHash};

/// How long a look-up is believed, and so how long a revoked token is taken on.
const FRESH: Duration = Duration::from_secs(2);

/// The most bearers that are kept.
const CAPACITY: usize = 10_000;

type Kept = HashMap<SecretHash, (Arc<Bearer>, Instant)>;

/// A query less for each request of those that come often.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Kept>);

impl Cache {
    pub(super) fn find(&self, hash: &SecretHash, now: Instant) -> Option<Arc<Bearer>> {
        let kept = self.kept();
        let (bearer, since) = kept.get(hash)?;
        (now.saturating_duration_since(*since) < FRESH).then(|| Arc::clone(bearer))
    }

    pub(super) fn keep(&self, hash: SecretHash, bearer: Bearer, now: Instant) -> Arc<Bearer> {
        let bearer = Arc::new(bearer);
        let mut kept = self.kept();
        if kept.len() >= CAPACITY {
            kept.retain(|_, (_, since)| now.saturating_duration_since(*since) < FRESH);
        }
        if kept.len() < CAPACITY {
            kept.insert(hash, (Arc::clone(&bearer), now));
        }
        bearer
    }

    pub(super) fn forget(&self, hash: &SecretHash) {
        self.kept().remove(hash);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("nobody panics while holding this lock")
    }
}

#[cfg(test)]
mod tests {
    use riftwatch_domain::access::Role;

    use super::*;

    #[test]
    fn a_look_up_is_believed_for_two_seconds() {
        let cache = Cache::default();
        let now = Instant::now();
        let hash = SecretHash::of("rw_a");
        let bearer = Bearer { token_id: 1, name: "a".to_owned(), role: Role::Viewer };
        cache.keep(hash, bearer.clone(), now);
        assert_eq!(cache.find(&hash, now).as_deref(), Some(&bearer));
        assert_eq!(cache.find(&hash, now + FRESH), None);
        cache.keep(hash, bearer, now);
        cache.forget(&hash);
        assert_eq!(cache.find(&hash, now), None);
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::default();
        let now = Instant::now();
        for n in 0..CAPACITY + 10 {
            let bearer = Bearer { token_id: 1, name: String::new(), role: Role::Viewer };
            cache.keep(SecretHash::of(&n.to_string()), bearer, now);
        }
        assert_eq!(cache.kept().len(), CAPACITY);
    }
}
