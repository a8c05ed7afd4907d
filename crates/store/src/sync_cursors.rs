//! How far each tracked player is stored without a gap.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::Puuid;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::player_sync_cursors;

/// Stands for all queues together in a cursor's key.
pub const ALL_QUEUES: QueueId = QueueId(0);

/// From when until when a player is stored without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synced {
    /// Start of the oldest match of the first sync: there tracking began.
    pub from: DateTime<Utc>,
    /// Every listed match that started from then until this time is stored.
    pub until: DateTime<Utc>,
}

/// How far a player is stored. `None`: nothing yet.
///
/// # Errors
///
/// When the database fails.
pub async fn find(
    conn: &mut Conn,
    puuid: &Puuid,
    queue: QueueId,
) -> Result<Option<Synced>, StoreError> {
    let row: Option<(DateTime<Utc>, DateTime<Utc>)> = player_sync_cursors::table
        .find((puuid.as_str(), queue.0))
        .select((player_sync_cursors::synced_from, player_sync_cursors::synced_until))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|(from, until)| Synced { from, until }))
}

/// Moves the cursor on; never back, whatever order two syncs of one player end in. The beginning
/// is that of the first call.
///
/// # Errors
///
/// When the database fails.
pub async fn advance(
    conn: &mut Conn,
    puuid: &Puuid,
    queue: QueueId,
    synced: Synced,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    use player_sync_cursors as cursors;
    let upsert = diesel::insert_into(cursors::table)
        .values((
            cursors::puuid.eq(puuid.as_str()),
            cursors::queue_id.eq(queue.0),
            cursors::synced_from.eq(synced.from),
            cursors::synced_until.eq(synced.until),
            cursors::updated_at.eq(now),
        ))
        .on_conflict((cursors::puuid, cursors::queue_id))
        .do_update()
        .set((
            cursors::synced_until.eq(excluded(cursors::synced_until)),
            cursors::updated_at.eq(excluded(cursors::updated_at)),
        ));
    // Spelled out, because a query's own `filter` has the same name.
    diesel::query_dsl::methods::FilterDsl::filter(
        upsert,
        cursors::synced_until.lt(excluded(cursors::synced_until)),
    )
    .execute(conn)
    .await?;
    Ok(())
}
