//! Teacher forcing as written.

use super::{OneOrMany, defaults};
use chiliad_engine::recipe::JacobianNorm;
use serde::Deserialize;

/// How states are pulled to their targets in training. A list is an axis.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ForcingSpec {
    /// Replaced at every `every`-th step, the gradient cut there.
    Sparse {
        /// Steps.
        every: OneOrMany<u64>,
    },
    /// Moved by the share `alpha` at every step.
    Generalised {
        /// Share.
        alpha: OneOrMany<f64>,
    },
    /// The same, with a share that follows the norm of the Jacobians.
    Annealed {
        /// Which norm.
        #[serde(default)]
        norm: JacobianNorm,
        /// Training steps between two estimates.
        #[serde(default = "defaults::anneal_every")]
        every: u64,
        /// Share of alpha that stays where the estimate is smaller.
        #[serde(default = "defaults::anneal_keep")]
        keep: f64,
    },
}
