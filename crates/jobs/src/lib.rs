//! Riftwatch's jobs, one file each.
