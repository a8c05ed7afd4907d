//! The program as its users meet it: started, asked, killed, stopped.

mod commands;
mod crash;
mod demo;
mod found;
mod harness;
mod main_job;
mod runbook;
mod seed;
