//! `riftwatch completions`: what a shell needs to complete the commands.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

pub(crate) fn run(shell: Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "riftwatch", &mut std::io::stdout());
}
