//! Transactions around functions of this crate, for callers that know no diesel.

use diesel_async::{AnsiTransactionManager, TransactionManager};

use crate::error::StoreError;
use crate::pool::Conn;

/// Begins a transaction. What follows must be given to [`end`]. A pooled connection that is dropped
/// in between is closed, and with it the transaction.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(AnsiTransactionManager::begin_transaction(conn).await?)
}

/// Commits if `result` is good, rolls back if not.
///
/// # Errors
///
/// `result`'s, or that of the commit.
pub async fn end<T, E: From<StoreError>>(conn: &mut Conn, result: Result<T, E>) -> Result<T, E> {
    match result {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn).await.map_err(StoreError::from)?;
            Ok(value)
        }
        Err(error) => {
            // The first error says more than a rollback that fails after it.
            let _ = AnsiTransactionManager::rollback_transaction(conn).await;
            Err(error)
        }
    }
}
