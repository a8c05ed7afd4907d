//! Values that cost the database something and may be a little old: asked for once for everybody.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// One value, kept for a time.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    keep: Duration,
    value: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Cached<T> {
    pub(crate) const fn new(keep: Duration) -> Self {
        Self { keep, value: Mutex::const_new(None) }
    }

    /// The value, from memory while it is young enough. Those who come while it is made wait for it
    /// and do not make it again; a failure is not kept.
    pub(crate) async fn get<E>(&self, make: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut value = self.value.lock().await;
        if let Some((made, kept)) = &*value
            && made.elapsed() < self.keep
        {
            return Ok(kept.clone());
        }
        let new = make().await?;
        *value = Some((Instant::now(), new.clone()));
        Ok(new)
    }

    /// Forgets the value: what it says was just changed.
    pub(crate) async fn forget(&self) {
        *self.value.lock().await = None;
    }
}

/// The most values of a [`CachedBy`]; the oldest goes.
const MOST: usize = 64;

/// Values by what was asked, each kept for a time.
#[derive(Debug)]
pub(crate) struct CachedBy<T> {
    keep: Duration,
    values: Mutex<Vec<(String, Instant, T)>>,
}

impl<T: Clone> CachedBy<T> {
    pub(crate) const fn new(keep: Duration) -> Self {
        Self { keep, values: Mutex::const_new(Vec::new()) }
    }

    /// The value of a question. Two who ask the same at the same moment may both make it.
    pub(crate) async fn get<E>(
        &self,
        asked: &str,
        make: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        {
            let mut values = self.values.lock().await;
            values.retain(|(_, made, _)| made.elapsed() < self.keep);
            if let Some((.., kept)) = values.iter().find(|(known, ..)| known == asked) {
                return Ok(kept.clone());
            }
        }
        let new = make().await?;
        let mut values = self.values.lock().await;
        if values.len() == MOST {
            values.remove(0);
        }
        values.push((asked.to_owned(), Instant::now(), new.clone()));
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_is_made_once_until_it_is_forgotten() {
        let cached = Cached::new(Duration::from_secs(60));
        let mut made = 0;
        for _ in 0..3 {
            made = cached.get(async || Ok::<_, ()>(made + 1)).await.unwrap();
        }
        assert_eq!(made, 1);
        cached.forget().await;
        assert_eq!(cached.get(async || Ok::<_, ()>(7)).await, Ok(7));
        cached.forget().await;
        assert_eq!(cached.get(async || Err::<i32, _>("away")).await, Err("away"));
        assert_eq!(cached.get(async || Ok::<_, ()>(8)).await, Ok(8));
    }

    #[tokio::test]
    async fn each_question_has_its_own_value_and_there_is_an_end_to_them() {
        let cached = CachedBy::new(Duration::from_secs(60));
        for question in 0..100 {
            let got = cached.get(&question.to_string(), async || Ok::<_, ()>(question)).await;
            assert_eq!(got, Ok(question));
        }
        assert_eq!(cached.get("99", async || Err("asked again")).await, Ok(99));
        assert_eq!(cached.get("0", async || Err("asked again")).await, Err("asked again"));
    }
}
