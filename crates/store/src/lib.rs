//! What riftwatch knows, in PostgreSQL.
