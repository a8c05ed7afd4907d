//! How like real matches the generated ones are: distances by field and position, against recorded
//! matches and against the averages of 27,629 rows of EUW, March 2025; and how well a small
//! classifier tells the two apart.
//!
//! `cargo run --release -p riftwatch-sim --example likeness -- FOLDER` (of recorded match-v5 bodies)

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(unreachable_pub, reason = "a test uses the same module")]

mod rows;

use rows::{FIELDS, ROLES, distance, generated, moments, recorded, sorted, told_apart};

/// Mean and deviation by position: kills, deaths, assists, then cs, gold, damage and vision a minute.
const MARCH_2025: [[(f64, f64); 7]; 5] = [
    [
        (5.47, 3.7),
        (5.90, 3.1),
        (5.41, 4.0),
        (7.08, 1.22),
        (410.0, 70.0),
        (788.0, 282.0),
        (0.56, 0.19),
    ],
    [
        (7.22, 4.5),
        (5.70, 3.1),
        (8.14, 5.0),
        (6.52, 1.21),
        (420.0, 68.0),
        (687.0, 283.0),
        (0.78, 0.30),
    ],
    [
        (6.57, 4.3),
        (5.81, 3.1),
        (6.63, 4.4),
        (7.05, 1.16),
        (413.0, 65.0),
        (824.0, 287.0),
        (0.60, 0.22),
    ],
    [
        (7.36, 4.8),
        (5.98, 3.0),
        (6.58, 4.1),
        (7.31, 1.08),
        (432.0, 73.0),
        (831.0, 333.0),
        (0.54, 0.21),
    ],
    [
        (2.42, 2.4),
        (5.77, 3.2),
        (14.31, 7.2),
        (1.08, 0.45),
        (291.0, 43.0),
        (401.0, 199.0),
        (2.24, 0.56),
    ],
];

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of recorded matches");
    let real = recorded(folder.as_ref());
    let made = generated(1, 1_500);
    println!("{} recorded rows, {} generated ones", real.len(), made.len());
    println!("\nmean (deviation): generated | recorded | March 2025; distance to the recorded");
    for (role, name) in ROLES.iter().enumerate() {
        for (field, what) in FIELDS.iter().enumerate() {
            let (ours, theirs) = (sorted(&made, role, field), sorted(&real, role, field));
            let show = |(mean, sd): (f64, f64)| format!("{mean:7.2} ({sd:6.2})");
            let known = MARCH_2025[role].get(field).copied();
            println!(
                "{name:8} {what:12} {} | {} | {} | {:.3}",
                show(moments(&ours)),
                show(moments(&theirs)),
                known.map_or_else(|| " ".repeat(16), show),
                distance(&ours, &theirs)
            );
        }
    }
    println!("\ntold apart by a logistic regression: AUC {:.3}", told_apart(&real, &made));
    let (even, odd): (Vec<_>, Vec<_>) = made.into_iter().partition(|row| row.game / 2 % 2 == 0);
    println!("the same, generated rows from generated rows: AUC {:.3}", told_apart(&even, &odd));
}
