//! Files of evidence: order, bytes, bad lines, and memory.

use std::io::{self, BufReader, Read};

use riftwatch_detection::evidence::MalformedEvidence;
use riftwatch_detection::lines::{LinesError, assess_lines};
use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Assessment, Evidence, Model, Priors, Story, assess, evaluate};

fn model() -> &'static Model {
    Model::default_model()
}

fn of(story: Story, number: u64, games: usize) -> Evidence {
    Generator::new(World::base(), 77).account_of(number, story, Some(games))
}

fn file_of(world: &World, seed: u64, accounts: u64) -> Vec<u8> {
    let world = Generator::new(world.clone(), seed);
    let mut file = Vec::new();
    for number in 0..accounts {
        serde_json::to_writer(&mut file, &world.account(number).0).expect("evidence is JSON");
        file.push(b'\n');
    }
    file
}

/// The assessments of a file, and what was refused of it.
fn assessed_file(file: &[u8]) -> (Vec<u8>, Vec<MalformedEvidence>) {
    let (mut out, mut refused) = (Vec::new(), Vec::new());
    let outcome =
        assess_lines(model(), &Priors::default(), file, &mut out, |line| refused.push(line))
            .expect("memory does not fail");
    assert_eq!(outcome.accounts, out.iter().filter(|byte| **byte == b'\n').count() as u64);
    assert_eq!(outcome.refused, refused.len() as u64);
    (out, refused)
}

fn ids(out: &[u8]) -> Vec<String> {
    out.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<Assessment>(line).expect("an assessment").account_id)
        .collect()
}

#[test]
fn lines_keep_their_order_and_give_the_same_bytes() {
    // Several batches, so that cores overtake each other.
    let file = file_of(&World::few_games(), 5, 400);
    let (out, refused) = assessed_file(&file);
    assert_eq!(refused, []);
    assert_eq!(out, assessed_file(&file).0);
    assert_eq!(ids(&out), (0..400).map(|n| format!("few_games-{n}")).collect::<Vec<_>>());
}

#[test]
fn an_account_is_judged_alike_alone_and_among_others() {
    let file = file_of(&World::base(), 8, 20);
    let together = assessed_file(&file).0;
    let alone: Vec<u8> = file
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| assessed_file(line).0)
        .collect();
    assert_eq!(alone, together);
}

#[test]
fn a_bad_line_is_told_by_line_and_field_and_the_others_are_assessed() {
    let good = serde_json::to_string(&of(Story::Stable, 0, 9)).unwrap();
    let mut file = Vec::new();
    for line in [
        good.as_str(),
        "",
        &good.replacen("\"win\":true", "\"win\":7", 1),
        &good.replacen("2026", "in 2026", 1),
        "   ",
    ] {
        file.extend_from_slice(line.as_bytes());
        file.push(b'\n');
    }
    file.extend_from_slice(b"{\"account_id\": \"\xff\"}\r\n");
    // The last line ends without a newline.
    file.extend_from_slice(good.as_bytes());
    let (out, refused) = assessed_file(&file);
    assert_eq!(ids(&out).len(), 2);
    let told: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("line 3, field games["), "{}", told[0]);
    assert!(told[0].ends_with("].win: invalid type: integer `7`, expected true or false"));
    assert!(told[1].starts_with("line 4, field "), "{}", told[1]);
    assert!(told[1].ends_with("expected a time such as \"2026-03-01T18:22:07Z\""), "{}", told[1]);
    assert_eq!(told[2], "line 6, field .: not UTF-8 text");
}

#[test]
fn a_line_without_end_is_refused_without_being_kept() {
    let good = serde_json::to_string(&of(Story::Stable, 0, 9)).unwrap();
    let endless = io::repeat(b'x').take(40 << 20);
    let after = format!("\n{good}\n");
    let file = BufReader::new(endless.chain(after.as_bytes()));
    let (mut out, mut refused) = (Vec::new(), Vec::new());
    assess_lines(model(), &Priors::default(), file, &mut out, |line| refused.push(line)).unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].to_string(), "line 1, field .: longer than 16777216 bytes");
    assert_eq!(ids(&out), ["base-0"]);
}

#[test]
fn a_full_disk_is_told_with_its_line_and_ends_the_work() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let file = file_of(&World::base(), 5, 300);
    let error = assess_lines(model(), &Priors::default(), &file[..], Full, drop).unwrap_err();
    assert!(matches!(error, LinesError::Write { line: 1, .. }), "{error}");
}

#[test]
fn evaluation_of_a_file_wants_labels_and_agrees_with_the_world() {
    let share = Some(World::base().anomalies);
    let file = file_of(&World::base(), 6, 300);
    let mut refused = Vec::new();
    let mut evaluated = |file: &[u8]| {
        evaluate::lines(model(), "base", file, share, |line| refused.push(line.to_string()))
            .unwrap()
    };
    let mut from_world = evaluate::world(model(), World::base(), 6, 300);
    from_world.seed = None;
    assert_eq!(evaluated(&file), from_world);
    assert!(from_world.to_string().contains("story-1"));
    let text = String::from_utf8(file).unwrap();
    let unlabelled = text.replacen("\"label\"", "\"lable\"", 1);
    let without_first = evaluated(unlabelled.as_bytes());
    assert_eq!((without_first.accounts, without_first.refused), (299, 1));
    assert!(refused[0].starts_with("line 1, field label: missing"), "{refused:?}");
}

proptest::proptest! {
    #[test]
    fn a_damaged_line_is_refused_or_read_and_assessed_but_never_panics(
        number in 0_u64..20,
        at in 0_usize..6_000,
        with in "[ -~]{0,6}",
        drop in 0_usize..40,
    ) {
        let mut line = serde_json::to_string(&of(Story::Bought, number, 12)).unwrap();
        let start = at.min(line.len());
        let end = (start + drop).min(line.len());
        line.replace_range(start..end, &with);
        if let Ok(evidence) = Evidence::parse(1, &line) {
            proptest::prop_assert!(assess(model(), &evidence, &Priors::default()).p_any.is_finite());
        }
    }
}
