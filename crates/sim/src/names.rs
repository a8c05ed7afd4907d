//! Riot IDs in many scripts.

use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;

use crate::dice::Dice;

/// Beginnings and ends of names; any beginning goes with any end of its row.
const SCRIPTS: &[(f64, &[&str], &[&str])] = &[
    (
        0.52,
        &[
            "Grim", "Luna", "Storm", "Tiny", "Salt", "Iron", "Moss", "Ember", "Night", "Pale",
            "Quiet", "Rusty", "Silver", "Blue", "Cold", "Fox", "Hollow", "Lucky", "Old", "Wild",
        ],
        &[
            "walker", "fang", "brew", "heart", "pike", "root", "wing", "song", "Otter", "Lantern",
            "Badger", "smith", " Harbor", " Raven", " Tea", "field", "thorn", " Comet", "bite",
            "moth",
        ],
    ),
    (
        0.10,
        &["Żółty", "Gęś", "Łoś", "Kaç", "Gül", "Ñandú", "Über", "Straße", "Éclair", "Øre", "Åska"],
        &["ek", "ık", "ón", " Król", "chen", "ette", "sen", " Bär", "ą", "öz"],
    ),
    (
        0.10,
        &["Тихий", "Снежный", "Ночной", "Старый", "Рыжий", "Белый"],
        &[" Лис", " Волк", " Ёж", "Кот", " Шторм", "Дед", " Сокол"],
    ),
    (0.06, &["Κόκκινος", "Μικρός", "Νύχτα", "Άγριος"], &[" Λύκος", "Φως", " Αετός", "ίδης"]),
    (
        0.10,
        &["달빛", "바람", "별", "파란", "작은", "겨울", "고요한"],
        &["고양이", "여우", "나무", "토끼", "사슴", "곰돌이"],
    ),
    (
        0.08,
        &["夜の", "青い", "小さな", "雪", "月の", "サクラ", "風の"],
        &["狐", "猫", "うさぎ", "カラス", "ドラゴン", "桜"],
    ),
    (0.04, &["قمر", "ليل", "صقر", "نجم"], &[" الشرق", " البحر", "ستان", " الريح"]),
];

/// A name and a tag. Names that somebody has already, as `is_taken` tells, are not given
/// twice.
pub(crate) fn riot_id(
    dice: &mut Dice,
    platform: Platform,
    mut is_taken: impl FnMut(&RiotId) -> bool,
) -> RiotId {
    let weights: Vec<f64> = SCRIPTS.iter().map(|(weight, ..)| *weight).collect();
    loop {
        let (_, starts, ends) = &SCRIPTS[dice.weighted(&weights)];
        let mut name =
            format!("{}{}", starts[dice.below(starts.len())], ends[dice.below(ends.len())]);
        if dice.chance(0.3) {
            name = format!("{name}{}", dice.below(100));
        }
        if dice.chance(0.05) {
            name = name.to_uppercase();
        }
        let game_name: String = name.chars().take(16).collect();
        let game_name = game_name.trim().to_owned();
        if game_name.chars().count() < 3 {
            continue;
        }
        let id = RiotId { game_name, tag_line: tag(dice, platform) };
        if !is_taken(&id) {
            return id;
        }
    }
}

fn tag(dice: &mut Dice, platform: Platform) -> String {
    const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    if dice.chance(0.35) {
        // What Riot gave out when tags came: EUW, EUNE, KR1, …
        return match platform {
            Platform::Eun1 => "EUNE".to_owned(),
            Platform::Kr | Platform::Ru => format!("{}1", platform.as_str().to_uppercase()),
            other => {
                let name = other.as_str().to_uppercase();
                if name.len() > 3 { name[..3].to_owned() } else { name }
            }
        };
    }
    // The last letter is one of the platform's own two, so that no two platforms give the same tag
    // and names need comparing within a platform only.
    let len = 2 + dice.below(3);
    let own = LETTERS[2 * platform as usize + dice.below(2)];
    let letters = (0..len).map(|_| LETTERS[dice.below(LETTERS.len())]);
    letters.chain([own]).map(char::from).collect()
}

/// How a name is looked up: Riot ignores case. Through upper case, letter by letter, because `ς` and
/// `σ` are both the small `Σ`.
pub(crate) fn lookup_key(game_name: &str, tag_line: &str) -> String {
    let fold = |text: &str| -> String {
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    };
    format!("{}#{}", fold(game_name), fold(tag_line))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::dice::Stream;

    #[test]
    fn names_are_valid_different_and_of_many_scripts() {
        let mut dice = Dice::new(5, Stream::Account, 0, 0);
        let mut taken = HashSet::new();
        for platform in Platform::ACTIVE.into_iter().cycle().take(3_000) {
            let id = riot_id(&mut dice, platform, |id| {
                taken.contains(&lookup_key(&id.game_name, &id.tag_line))
            });
            assert_eq!(id.to_string().parse(), Ok(id.clone()), "{id}");
            assert!((3..=16).contains(&id.game_name.chars().count()), "{id}");
            assert!((3..=5).contains(&id.tag_line.chars().count()), "{id}");
            assert!(taken.insert(lookup_key(&id.game_name, &id.tag_line)));
        }
        let foreign = taken.iter().filter(|name| !name.is_ascii()).count();
        assert!(foreign > 900, "{foreign} of 3000 in other scripts");
    }
}
