//! How fast an account is made, read, scored and assessed: `rates`. Prints one line each; run it
//! with `--release` on a machine that has nothing else to do.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::hint::black_box;
use std::time::Instant;

use riftwatch_detection::lines::{Lines, assess_lines};
use riftwatch_detection::statistics::Statistics;
use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Evidence, Model, Priors, assess, scan};

const ACCOUNTS: u32 = 12_000;

/// The best of three runs, divided by `count`.
fn time(what: &str, count: u32, mut work: impl FnMut()) {
    let mut best = std::time::Duration::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        work();
        best = best.min(begun.elapsed());
    }
    println!("{what:<44} {:>10.0} ns", best.as_nanos() as f64 / f64::from(count));
}

fn main() {
    let model = Model::default_model();
    let priors = Priors::default();
    let world = Generator::new(World::base(), 1);
    let accounts: Vec<Evidence> =
        (0..ACCOUNTS).map(|number| world.account(u64::from(number)).0).collect();
    let file: Vec<u8> = accounts
        .iter()
        .flat_map(|account| {
            let mut line = serde_json::to_vec(account).expect("evidence can be written");
            line.push(b'\n');
            line
        })
        .collect();
    let games: Vec<_> = accounts.iter().map(|account| model.read(account)).collect();
    let count: u32 = games.iter().map(|games| games.len() as u32).sum();
    let statistics: Vec<_> = accounts
        .iter()
        .zip(&games)
        .map(|(account, games)| Statistics::of(account.account_level, games))
        .collect();
    let breaks: Vec<_> =
        games.iter().zip(&statistics).map(|(games, sums)| scan::scan(games, sums)).collect();
    println!("{ACCOUNTS} accounts, {:.1} games each", f64::from(count) / f64::from(ACCOUNTS));

    time("generate an account", ACCOUNTS, || {
        for number in 0..ACCOUNTS {
            black_box(world.account(u64::from(number)));
        }
    });
    time("read a game into an index", count, || {
        for account in &accounts {
            black_box(model.read(account));
        }
    });
    time("add a game to the statistics", count, || {
        for (account, games) in accounts.iter().zip(&games) {
            black_box(Statistics::of(account.account_level, games));
        }
    });
    time("scan an account for a break", ACCOUNTS, || {
        for (games, sums) in games.iter().zip(&statistics) {
            black_box(scan::scan(games, sums));
        }
    });
    time("score an account from its statistics", ACCOUNTS, || {
        for (sums, found) in statistics.iter().zip(&breaks) {
            black_box(model.probability(sums, found.as_ref(), &priors));
        }
    });
    time("assess an account, interval and reasons", ACCOUNTS, || {
        for account in &accounts {
            black_box(assess(model, account, &priors));
        }
    });
    time("parse a line", ACCOUNTS, || {
        let mut lines = Lines::new(&file[..]);
        while let Some(account) = lines.next().expect("the file was just written") {
            black_box(account);
        }
    });
    time("parse, assess and write a line", ACCOUNTS, || {
        let written = assess_lines(model, &priors, &file[..], std::io::sink());
        black_box(written.expect("the file was just written"));
    });
}
