//! What can go wrong between us and the database, by what the caller can do about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A query that gave no answer. Not found is no error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or the connection broke: try again later.
    #[error("the database is unavailable")]
    Unavailable(#[source] BoxError),
    /// A constraint says no: the caller's values collide with what is stored.
    #[error("refused by the constraint {constraint}")]
    Conflict {
        /// The constraint's name.
        constraint: String,
    },
    /// A stored value is not one that this program writes.
    #[error("{table}.{column} holds a value that cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What was wrong with it.
        #[source]
        source: BoxError,
    },
    /// Anything else that the database said.
    #[error("the query failed")]
    Query(#[source] DieselError),
    /// The schema could not be brought up to date.
    #[error("migrating the database")]
    Migration(#[source] BoxError),
}

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// For a value that does not read back.
    pub fn corrupt(table: &'static str, column: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Corrupt { table, column, source: source.into() }
    }

    /// Whether the same call may succeed later, with nothing changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Query(DieselError::DatabaseError(kind, _)) => {
                matches!(kind, DatabaseErrorKind::SerializationFailure)
            }
            _ => false,
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | DieselError::BrokenTransactionManager => Self::Unavailable(error.into()),
            DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::ExclusionViolation,
                ref info,
            ) => match info.constraint_name() {
                Some(constraint) => Self::Conflict { constraint: constraint.to_owned() },
                None => Self::Query(error),
            },
            // A server that shuts down says so in an ordinary error (57P01), which diesel files
            // under "unknown" with the message as its only mark.
            DieselError::DatabaseError(_, ref info)
                if info.message().starts_with("terminating connection")
                    || info.message().contains("the database system is")
                    || info.message().contains("connection closed") =>
            {
                Self::Unavailable(error.into())
            }
            other => Self::Query(other),
        }
    }
}
