//! How fast accounts are read, scored and assessed. `just bench-detection`, on a quiet machine.
//!
//! What is wanted: 0.8 million accounts scored from their statistics a second and core; a new match
//! of ten participants below 5 µs; a file of 12,000 accounts bound by reading it.

use std::hint::black_box;
use std::io::sink;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use riftwatch_detection::evidence::Game;
use riftwatch_detection::lines::assess_lines;
use riftwatch_detection::scan::{self, Break};
use riftwatch_detection::statistics::{Played, Statistics};
use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Evidence, Model, Priors, assess, legacy};

/// Accounts of each bench: their statistics fit no cache but the last, as in life.
const ACCOUNTS: u64 = 12_000;

struct Accounts {
    evidence: Vec<Evidence>,
    games: Vec<Vec<Played>>,
    statistics: Vec<Statistics>,
    breaks: Vec<Option<Break>>,
    lines: Vec<String>,
}

fn accounts(model: &Model) -> Accounts {
    let world = Generator::new(World::base(), 1);
    let evidence: Vec<Evidence> = (0..ACCOUNTS).map(|number| world.account(number).0).collect();
    let games: Vec<_> = evidence.iter().map(|account| model.read(account)).collect();
    let statistics: Vec<_> = evidence
        .iter()
        .zip(&games)
        .map(|(account, games)| Statistics::of(account.account_level, games))
        .collect();
    let breaks =
        games.iter().zip(&statistics).map(|(games, sums)| scan::scan(games, sums)).collect();
    let lines = evidence
        .iter()
        .map(|account| serde_json::to_string(account).expect("evidence is JSON"))
        .collect();
    Accounts { evidence, games, statistics, breaks, lines }
}

fn benches(c: &mut Criterion) {
    let model = Model::default_model();
    let priors = Priors::default();
    let accounts = accounts(model);

    let mut group = c.benchmark_group("account");
    group.throughput(Throughput::Elements(ACCOUNTS));
    group.sample_size(20);
    group.bench_function("score from statistics", |bench| {
        bench.iter(|| {
            let pairs = accounts.statistics.iter().zip(&accounts.breaks);
            pairs.map(|(sums, found)| model.probability(sums, found.as_ref(), &priors)).sum::<f64>()
        });
    });
    group.bench_function("scan for a break", |bench| {
        bench.iter(|| {
            let pairs = accounts.games.iter().zip(&accounts.statistics);
            pairs
                .filter_map(|(games, sums)| scan::scan(games, sums))
                .map(|b| b.distance)
                .sum::<f32>()
        });
    });
    group.bench_function("read games into sums", |bench| {
        bench.iter(|| {
            for account in &accounts.evidence {
                let games = model.read(account);
                black_box(Statistics::of(account.account_level, &games));
            }
        });
    });
    group.bench_function("old score", |bench| {
        bench.iter(|| accounts.evidence.iter().filter_map(legacy::factors).count());
    });
    group.bench_function("assess", |bench| {
        bench.iter(|| {
            accounts
                .evidence
                .iter()
                .map(|account| assess(model, account, &priors).p_any)
                .sum::<f64>()
        });
    });
    group.bench_function("parse a line", |bench| {
        bench.iter(|| {
            for line in &accounts.lines {
                black_box(Evidence::parse(1, line).expect("just written"));
            }
        });
    });
    let assessments: Vec<_> =
        accounts.evidence.iter().map(|account| assess(model, account, &priors)).collect();
    group.bench_function("write an assessment", |bench| {
        bench.iter(|| {
            for assessment in &assessments {
                black_box(serde_json::to_vec(assessment).expect("an assessment is JSON"));
            }
        });
    });
    group.finish();

    let mut group = c.benchmark_group("file of 12,000 accounts");
    group.sample_size(10);
    let file = accounts.lines.join("\n");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("assess on all cores", |bench| {
        bench.iter(|| assess_lines(model, &priors, file.as_bytes(), sink(), drop).expect("memory"));
    });
    group.finish();

    let newest: Vec<(Game, Option<f32>)> = accounts.evidence[..10]
        .iter()
        .map(|account| account.games.last().expect("six or more").clone())
        .map(|game| (game.clone(), game.rank_tier_value))
        .collect();
    let mut group = c.benchmark_group("new match of ten");
    group.bench_function("into their sums", |bench| {
        bench.iter_batched_ref(
            || accounts.statistics[..10].to_vec(),
            |sums| {
                for (account, (game, rank)) in sums.iter_mut().zip(&newest) {
                    account.push(&model.read_game(account.games() as usize, game, *rank));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("into their sums, and scored", |bench| {
        bench.iter_batched_ref(
            || accounts.statistics[..10].to_vec(),
            |sums| {
                for (account, (game, rank)) in sums.iter_mut().zip(&newest) {
                    account.push(&model.read_game(account.games() as usize, game, *rank));
                    black_box(model.probability(account, None, &priors));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(detection, benches);
criterion_main!(detection);
