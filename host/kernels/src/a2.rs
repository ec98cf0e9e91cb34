//! Which kernel of A2 activations a code takes, by its row of data.

use nda_spec::WeightCode;

/// What three population counts come to for two planes of weights and the two of A2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum A2Identity {
    /// `3s + e - 2`: sign and extra bits.
    SignExtra,
    /// `2p - a` where no `p` stands without its `a`: active and positive bits.
    ActivePositive,
    /// Any other code: four counts.
    None,
}

impl A2Identity {
    /// The identity of that code.
    pub(crate) const fn of(code: WeightCode) -> A2Identity {
        match (code.affine().coefficients, code.row().excludes_second_alone) {
            ([3, 1], _) => A2Identity::SignExtra,
            ([-1, 2], true) => A2Identity::ActivePositive,
            _ => A2Identity::None,
        }
    }
}
