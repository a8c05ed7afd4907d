//! Generated matches are like recorded ones, field by field and position by position, within
//! bounds that the example `likeness` prints the figures to.

#[expect(unreachable_pub, dead_code, reason = "the example uses the rest")]
#[path = "../../examples/likeness/rows.rs"]
mod rows;

use rows::{FIELDS, ROLES, distance, generated, moments, recorded, sorted};

use crate::support::recorded_data;

/// Averages by position of 27,629 rows of EUW, March 2025, Emerald and above: kills, deaths,
/// assists, then cs, gold, damage and vision a minute.
const MARCH_2025: [[f64; 7]; 5] = [
    [5.47, 5.90, 5.41, 7.08, 410.0, 788.0, 0.56],
    [7.22, 5.70, 8.14, 6.52, 420.0, 687.0, 0.78],
    [6.57, 5.81, 6.63, 7.05, 413.0, 824.0, 0.60],
    [7.36, 5.98, 6.58, 7.31, 432.0, 831.0, 0.54],
    [2.42, 5.77, 14.31, 1.08, 291.0, 401.0, 2.24],
];

#[test]
fn averages_are_those_of_real_games_and_distances_to_recorded_rows_are_bounded() {
    let made = generated(1, 250);
    for (role, name) in ROLES.iter().enumerate() {
        for (field, &known) in MARCH_2025[role].iter().enumerate() {
            let (mean, _) = moments(&sorted(&made, role, field));
            // The generated world has all tiers, the sample the upper ones.
            let off = (mean / known - 1.0).abs();
            assert!(off < 0.25, "{name} {}: {mean:.2} against {known:.2}", FIELDS[field]);
        }
    }
    let Some(data) = recorded_data() else { return };
    let real = recorded(&data.join("match"));
    assert!(real.len() > 500, "{} recorded rows", real.len());
    let mut sum = 0.0;
    for (role, name) in ROLES.iter().enumerate() {
        for (field, what) in FIELDS.iter().enumerate() {
            let d = distance(&sorted(&made, role, field), &sorted(&real, role, field));
            assert!(d < 0.35, "{name} {what}: {d:.3}");
            sum += d;
        }
    }
    let mean = sum / (ROLES.len() * FIELDS.len()) as f64;
    assert!(mean < 0.16, "{mean:.3}");
}
