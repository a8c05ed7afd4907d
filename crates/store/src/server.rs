//! What the database server says about itself.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::pool::Conn;

/// Version and time of the server.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct Facts {
    /// For people: `15.18 (Debian …)`.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// For comparing: 150018.
    #[diesel(sql_type = Integer)]
    pub version_number: i32,
    /// The server's clock, which schedules follow.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
}

/// Asks the server.
///
/// # Errors
///
/// When the database fails.
pub async fn facts(conn: &mut Conn) -> Result<Facts, StoreError> {
    Ok(diesel::sql_query(
        "SELECT current_setting('server_version') AS version, \
                current_setting('server_version_num')::integer AS version_number, \
                clock_timestamp() AS now",
    )
    .get_result(conn)
    .await?)
}
