//! The champions of the simulated world: enough to fill every position.

/// A champion, with what decides who picks it and what its damage looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Champion {
    /// Riot's key.
    pub(crate) id: i32,
    /// Riot's spelling in matches.
    pub(crate) name: &'static str,
    /// Positions as letters: top, jungle, middle, bottom, support.
    roles: &'static str,
    /// Deals mostly magic damage.
    pub(crate) is_magic: bool,
}

impl Champion {
    /// Whether it is played in a position, given by its place in Riot's order.
    pub(crate) fn plays(&self, role: u8) -> bool {
        self.roles.as_bytes().contains(&b"TJMBS"[usize::from(role)])
    }
}

/// The champions of a position, as places in [`CHAMPIONS`].
pub(crate) fn of_role(role: u8) -> Vec<u8> {
    (0..CHAMPIONS.len())
        .filter(|&i| CHAMPIONS[i].plays(role))
        .map(|i| u8::try_from(i).expect("there are fewer than 256 champions"))
        .collect()
}

const fn champion(name: &'static str, id: i32, roles: &'static str, is_magic: bool) -> Champion {
    Champion { id, name, roles, is_magic }
}

/// All of them, by name.
#[rustfmt::skip]
pub(crate) const CHAMPIONS: &[Champion] = &[
    champion("Aatrox", 266, "T", false),
    champion("Ahri", 103, "M", true),
    champion("Akali", 84, "MT", true),
    champion("Akshan", 166, "M", false),
    champion("Alistar", 12, "S", true),
    champion("Ambessa", 799, "T", false),
    champion("Amumu", 32, "JS", true),
    champion("Anivia", 34, "M", true),
    champion("Annie", 1, "M", true),
    champion("Aphelios", 523, "B", false),
    champion("Ashe", 22, "BS", false),
    champion("AurelionSol", 136, "M", true),
    champion("Aurora", 893, "MT", true),
    champion("Azir", 268, "M", true),
    champion("Bard", 432, "S", true),
    champion("Belveth", 200, "J", false),
    champion("Blitzcrank", 53, "S", true),
    champion("Brand", 63, "SM", true),
    champion("Braum", 201, "S", true),
    champion("Briar", 233, "J", false),
    champion("Caitlyn", 51, "B", false),
    champion("Camille", 164, "T", false),
    champion("Cassiopeia", 69, "M", true),
    champion("Chogath", 31, "T", true),
    champion("Corki", 42, "M", true),
    champion("Darius", 122, "T", false),
    champion("Diana", 131, "JM", true),
    champion("Draven", 119, "B", false),
    champion("DrMundo", 36, "T", true),
    champion("Ekko", 245, "JM", true),
    champion("Elise", 60, "J", true),
    champion("Evelynn", 28, "J", true),
    champion("Ezreal", 81, "B", false),
    champion("FiddleSticks", 9, "J", true),
    champion("Fiora", 114, "T", false),
    champion("Fizz", 105, "M", true),
    champion("Galio", 3, "MS", true),
    champion("Gangplank", 41, "T", false),
    champion("Garen", 86, "T", false),
    champion("Gnar", 150, "T", false),
    champion("Gragas", 79, "TJ", true),
    champion("Graves", 104, "J", false),
    champion("Gwen", 887, "T", true),
    champion("Hecarim", 120, "J", false),
    champion("Hwei", 910, "M", true),
    champion("Illaoi", 420, "T", false),
    champion("Irelia", 39, "TM", false),
    champion("Ivern", 427, "J", true),
    champion("Janna", 40, "S", true),
    champion("JarvanIV", 59, "J", false),
    champion("Jax", 24, "TJ", false),
    champion("Jayce", 126, "T", false),
    champion("Jhin", 202, "B", false),
    champion("Jinx", 222, "B", false),
    champion("Kaisa", 145, "B", false),
    champion("Kalista", 429, "B", false),
    champion("Karma", 43, "S", true),
    champion("Karthus", 30, "J", true),
    champion("Kassadin", 38, "M", true),
    champion("Katarina", 55, "M", true),
    champion("Kayle", 10, "T", true),
    champion("Kayn", 141, "J", false),
    champion("Kennen", 85, "T", true),
    champion("Khazix", 121, "J", false),
    champion("Kindred", 203, "J", false),
    champion("Kled", 240, "T", false),
    champion("KogMaw", 96, "B", false),
    champion("KSante", 897, "T", false),
    champion("Leblanc", 7, "M", true),
    champion("LeeSin", 64, "J", false),
    champion("Leona", 89, "S", true),
    champion("Lillia", 876, "J", true),
    champion("Lissandra", 127, "M", true),
    champion("Lucian", 236, "B", false),
    champion("Lulu", 117, "S", true),
    champion("Lux", 99, "SM", true),
    champion("Malphite", 54, "T", true),
    champion("Malzahar", 90, "M", true),
    champion("Maokai", 57, "SJ", true),
    champion("MasterYi", 11, "J", false),
    champion("Mel", 800, "M", true),
    champion("Milio", 902, "S", true),
    champion("MissFortune", 21, "B", false),
    champion("MonkeyKing", 62, "JT", false),
    champion("Mordekaiser", 82, "T", true),
    champion("Morgana", 25, "S", true),
    champion("Naafiri", 950, "M", false),
    champion("Nami", 267, "S", true),
    champion("Nasus", 75, "T", false),
    champion("Nautilus", 111, "S", true),
    champion("Nidalee", 76, "J", true),
    champion("Nilah", 895, "B", false),
    champion("Nocturne", 56, "J", false),
    champion("Olaf", 2, "T", false),
    champion("Orianna", 61, "M", true),
    champion("Ornn", 516, "T", true),
    champion("Pantheon", 80, "ST", false),
    champion("Pyke", 555, "S", false),
    champion("Qiyana", 246, "M", false),
    champion("Quinn", 133, "T", false),
    champion("Rakan", 497, "S", true),
    champion("Rammus", 33, "J", true),
    champion("RekSai", 421, "J", false),
    champion("Rell", 526, "S", true),
    champion("Renekton", 58, "T", false),
    champion("Rengar", 107, "J", false),
    champion("Riven", 92, "T", false),
    champion("Rumble", 68, "T", true),
    champion("Ryze", 13, "M", true),
    champion("Samira", 360, "B", false),
    champion("Sejuani", 113, "J", true),
    champion("Senna", 235, "SB", false),
    champion("Seraphine", 147, "SB", true),
    champion("Sett", 875, "T", false),
    champion("Shaco", 35, "J", false),
    champion("Shen", 98, "T", true),
    champion("Shyvana", 102, "J", true),
    champion("Sion", 14, "T", false),
    champion("Sivir", 15, "B", false),
    champion("Smolder", 901, "B", false),
    champion("Sona", 37, "S", true),
    champion("Soraka", 16, "S", true),
    champion("Swain", 50, "SM", true),
    champion("Sylas", 517, "M", true),
    champion("Syndra", 134, "M", true),
    champion("TahmKench", 223, "TS", true),
    champion("Taliyah", 163, "MJ", true),
    champion("Talon", 91, "M", false),
    champion("Taric", 44, "S", true),
    champion("Teemo", 17, "T", true),
    champion("Thresh", 412, "S", true),
    champion("Tristana", 18, "BM", false),
    champion("Trundle", 48, "TJ", false),
    champion("Tryndamere", 23, "T", false),
    champion("TwistedFate", 4, "M", true),
    champion("Twitch", 29, "B", false),
    champion("Udyr", 77, "J", true),
    champion("Urgot", 6, "T", false),
    champion("Varus", 110, "B", false),
    champion("Vayne", 67, "BT", false),
    champion("Veigar", 45, "M", true),
    champion("Vex", 711, "M", true),
    champion("Vi", 254, "J", false),
    champion("Viego", 234, "J", false),
    champion("Viktor", 112, "M", true),
    champion("Vladimir", 8, "MT", true),
    champion("Volibear", 106, "TJ", true),
    champion("Warwick", 19, "JT", true),
    champion("Xayah", 498, "B", false),
    champion("Xerath", 101, "MS", true),
    champion("XinZhao", 5, "J", false),
    champion("Yasuo", 157, "MB", false),
    champion("Yone", 777, "MT", false),
    champion("Yorick", 83, "T", false),
    champion("Yuumi", 350, "S", true),
    champion("Zac", 154, "J", true),
    champion("Zed", 238, "M", false),
    champion("Zeri", 221, "B", false),
    champion("Ziggs", 115, "BM", true),
    champion("Zilean", 26, "S", true),
    champion("Zoe", 142, "M", true),
    champion("Zyra", 143, "S", true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_has_a_choice_of_champions() {
        for role in 0..5 {
            assert!(of_role(role).len() >= 20, "{role}");
        }
    }
}
