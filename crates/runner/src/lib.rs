//! Recurring jobs on PostgreSQL: ticks, claims, runs and their records.
