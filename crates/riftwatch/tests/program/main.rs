//! The program as its users meet it: started, asked, killed, stopped.

mod commands;
mod crash;
mod demo;
mod harness;
mod main_job;
mod seed;
