//! What the program does, one file a command.

pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod detection;
pub(crate) mod doctor;
pub(crate) mod job;
pub(crate) mod migrate;
pub(crate) mod player;
pub(crate) mod serve;
pub(crate) mod sim;
pub(crate) mod sim_study;
pub(crate) mod status;
pub(crate) mod token;
