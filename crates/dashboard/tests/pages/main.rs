//! The dashboard through real HTTP, without a script: every page, every form, who may what.

mod actions;
mod forms;
mod harness;
mod looks;
mod roles;
mod settings;
