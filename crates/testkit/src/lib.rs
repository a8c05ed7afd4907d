//! Test support: a migrated database for each test, builders of domain values.
