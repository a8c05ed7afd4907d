//! What is measured, for Prometheus.

mod requests;
mod snapshot;
mod text;

use std::time::{Duration, Instant};

use actix_web::web::Data;
use riftwatch_store::StoreError;
use tokio::sync::Mutex;

pub(crate) use requests::Requests;
use snapshot::{Stored, process, stored};
use text::Text;

use crate::events::Feed;
use crate::state::Api;

/// How long what was read from the database is told again: however many scrape, it is read twelve
/// times a minute at most.
const FRESH: Duration = Duration::from_secs(5);

/// Everything that is measured in this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: Requests,
    stored: Mutex<Option<(Instant, Stored)>>,
}

impl Metrics {
    /// All of it, in Prometheus' text format. Without the database's part while that is away.
    pub(crate) async fn text(&self, api: &Api, feed: &Data<std::sync::Arc<Feed>>) -> String {
        let mut text = Text::default();
        self.requests.write(&mut text);
        process(&mut text, api, feed.open_streams());
        let reached = self.write_stored(&mut text, api).await.is_ok();
        text.gauge(
            "riftwatch_database_up",
            "Whether the database answered at this scrape.",
            &[(&[], f64::from(u8::from(reached)))],
        );
        text.end()
    }

    async fn write_stored(&self, text: &mut Text, api: &Api) -> Result<(), StoreError> {
        // Those who scrape at the same time wait for one reading.
        let mut kept = self.stored.lock().await;
        let is_fresh = kept.as_ref().is_some_and(|(since, _)| since.elapsed() < FRESH);
        if !is_fresh {
            *kept = None;
            *kept = Some((Instant::now(), stored(api).await?));
        }
        if let Some((_, stored)) = &*kept {
            stored.write(text);
        }
        Ok(())
    }
}
