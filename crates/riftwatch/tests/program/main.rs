//! The program as its users meet it: started, asked, killed, stopped.

mod access;
mod commands;
mod crash;
mod demo;
mod detection;
mod found;
mod harness;
mod main_job;
mod runbook;
mod secrets;
mod seed;
mod traces;
