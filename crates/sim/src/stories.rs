//! How common each story is in a simulated world.

use riftwatch_domain::story::Story;

/// Weights in the order of [`Story::ALL`], of any sum.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryMix(pub [f64; 14]);

impl Default for StoryMix {
    /// About 3 % smurfs, derankers and bought accounts together, 1.2 % shared ones; most of the rest
    /// plain, with enough of every innocent story that looks like one of them.
    fn default() -> Self {
        Self([55.0, 8.0, 4.5, 6.0, 5.0, 3.5, 2.0, 4.0, 2.0, 4.0, 2.2, 0.4, 0.5, 1.2])
    }
}

impl StoryMix {
    /// Every account has the same story.
    pub fn only(story: Story) -> Self {
        Self(std::array::from_fn(|place| f64::from(u8::from(place == story.index()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_to_four_in_a_hundred_are_smurfs() {
        let mix = StoryMix::default();
        let all: f64 = mix.0.iter().sum();
        let smurfs: f64 =
            Story::ALL.iter().zip(mix.0).filter(|(s, _)| s.is_smurf()).map(|(_, w)| w).sum();
        assert!((0.02..=0.04).contains(&(smurfs / all)));
    }
}
