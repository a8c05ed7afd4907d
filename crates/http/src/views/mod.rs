//! JSON as it goes out: one shape per thing, made from domain values.

pub(crate) mod analyses;
pub(crate) mod assessments;
pub(crate) mod executions;
pub(crate) mod history;
pub(crate) mod jobs;
pub(crate) mod matches;
pub(crate) mod players;
