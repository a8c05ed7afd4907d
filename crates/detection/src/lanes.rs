//! Sixteen numbers at a time: one lane a story, two to spare.
//!
//! Written as plain loops over arrays, which the compiler turns into vector instructions. The
//! logarithm and the exponential are our own so that they are vectors too, and give the same bits
//! on every machine; both are good to about 1e-6, relative.

use std::array::from_fn;

/// Lanes of a vector: a power of two, at least the number of stories.
pub(crate) const LANES: usize = 16;

/// One number a story.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    pub(crate) fn new(value: impl FnMut(usize) -> f32) -> Self {
        Self(from_fn(value))
    }

    /// Exponential; what would overflow or vanish is held at e^±87.
    pub(crate) fn exp(self) -> Self {
        Self(self.0.map(exp))
    }

    /// The greatest of the innocent stories' lanes.
    #[inline(always)]
    pub(crate) fn honest_max(&self) -> f32 {
        // In a tree: one after the other, each would wait for the one before.
        let v = &self.0;
        let four: [f32; 4] = from_fn(|lane| larger(v[lane], v[lane + 4]));
        larger(larger(larger(four[0], four[1]), larger(four[2], four[3])), larger(v[8], v[9]))
    }

    /// The sum of e^(lane − `less`) over the innocent stories' lanes.
    #[inline(always)]
    pub(crate) fn honest_exp_sum(&self, less: f32) -> f32 {
        // Three vectors of four; the last two lanes are no innocent story's and stay out.
        let v: [f32; 12] = from_fn(|lane| exp(self.0[lane] - less));
        let four: [f32; 4] = from_fn(|lane| v[lane] + v[lane + 4]);
        ((four[0] + four[1]) + (four[2] + four[3])) + (v[8] + v[9])
    }
}

const _: () = assert!(crate::story::Story::HONEST == 10, "the lanes above are counted by hand");

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Natural logarithm of positive, normal numbers.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // x = m · 2^e with m in [√½, √2), then ln m by the series of the inverse hyperbolic tangent.
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    let e = (bits.wrapping_sub(SQRT_HALF_BITS) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e as u32) << 23));
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0))));
    e as f32 * std::f32::consts::LN_2 + 2.0 * s * series
}

#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding and taking away 1.5 · 2²³ rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    let k = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = x - k * LN_2_HIGH - k * LN_2_LOW;
    let series = 1.0
        + r * (1.0
            + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r / 720.0)))));
    series * f32::from_bits(((k as i32 + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_exponential_agree_with_the_standard_ones() {
        let mut x = 1e-9_f32;
        while x < 1e9 {
            assert!((ln(x) - x.ln()).abs() <= 2e-6 * x.ln().abs().max(1.0), "ln {x}");
            x *= 1.013;
        }
        let mut x = -86.0_f32;
        while x < 86.0 {
            assert!((exp(x) / x.exp() - 1.0).abs() < 2e-6, "exp {x}");
            x += 0.0137;
        }
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite());
    }
}
