//! Teacher forcing: states pulled to what the targets say they should be, while the network is trained.

use serde::{Deserialize, Serialize};

/// How states are forced. After the first step they are replaced whole: trials begin where their first target is. From then on,
/// after step t, `z = (1 - a_t) z + a_t s_t` with the signal `s_t` that the target stands for; the loss sees z as it was before,
/// and no gradient passes through the signal.
#[derive(Clone, Debug, PartialEq)]
pub enum Forcing {
    /// `a_t` is 1 at every `every[network]`-th step, else 0 (sparse, or hard, forcing: Brenner et al. 2024).
    Sparse {
        /// `[network]`
        every: Vec<u64>,
    },
    /// `a_t = alpha[network]` (generalised forcing: Hess et al. 2023).
    Generalised {
        /// `[network]`
        alpha: Vec<f32>,
    },
    /// The same with one alpha per network that follows the Jacobians' norm: it begins at 1; at every `every`-th training step
    /// `max(0, 1 - 1 / norm)` is taken at once where it is larger, else `alpha = keep alpha + (1 - keep) (that)`.
    Annealed {
        /// Which norm.
        norm: JacobianNorm,
        /// Training steps between two estimates.
        every: u64,
        /// Share of alpha that stays where the estimate is smaller.
        keep: f64,
    },
}

/// A norm of Jacobians at the forcing signals, sigma being the largest singular value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JacobianNorm {
    /// `max |a|` plus the product over stages of `sigma(W)`: a bound that needs no signal; for cells with the unit parameter `a`.
    ParameterBound,
    /// Largest sigma over the batch.
    BatchMax,
    /// Geometric mean of sigma along a trial, largest over the batch.
    #[default]
    GeometricMean,
    /// sigma of the mean Jacobian along a trial, largest over the batch.
    MeanJacobian,
}

impl Forcing {
    /// For people and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sparse { .. } => "sparse teacher forcing",
            Self::Generalised { .. } => "generalised teacher forcing",
            Self::Annealed { .. } => "annealed teacher forcing",
        }
    }

    /// The shares `a_t` of a network, `alpha` being where an annealed one is now.
    pub(crate) fn share(&self, network: usize, alpha: Option<f32>) -> Share {
        match self {
            Self::Sparse { every } => Share::Every(every[network].max(1)),
            Self::Generalised { alpha } => Share::Always(alpha[network]),
            Self::Annealed { .. } => Share::Always(alpha.unwrap_or(1.0)),
        }
    }

    /// Whether an annealed alpha is estimated anew at a training step.
    pub(crate) fn estimates_at(&self, step: u64) -> bool {
        matches!(self, Self::Annealed { every, .. } if step.is_multiple_of((*every).max(1)))
    }

    /// Moves an annealed alpha at a training step; `estimate` gives `max(0, 1 - 1 / norm)`.
    pub(crate) fn anneal(
        &self,
        step: u64,
        alpha: &mut f32,
        estimate: impl FnOnce(JacobianNorm) -> Option<f32>,
    ) {
        let Self::Annealed { norm, keep, .. } = self else {
            return;
        };
        if !self.estimates_at(step) {
            return;
        }
        // What is not finite says nothing; the step that follows will say that the network has diverged.
        if let Some(now) = estimate(*norm).filter(|a| a.is_finite()) {
            *alpha = if now > *alpha {
                now
            } else {
                (keep * f64::from(*alpha) + (1.0 - keep) * f64::from(now)) as f32
            };
        }
    }

    /// Where annealed alphas begin, `[network]`; empty where there are none.
    pub(crate) fn start(forcing: Option<&Self>, n_networks: usize) -> Vec<f32> {
        match forcing {
            Some(Self::Annealed { .. }) => vec![1.0; n_networks],
            _ => Vec::new(),
        }
    }
}

/// `a_t` of one network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Share {
    /// Nothing but the start.
    Start,
    /// 1 at every n-th step.
    Every(u64),
    /// The same at all steps.
    Always(f32),
}

impl Share {
    /// How far the state after step t is moved.
    pub(crate) fn at(self, t: usize) -> f32 {
        match self {
            _ if t == 0 => 1.0,
            Self::Start => 0.0,
            Self::Every(n) => f32::from(u8::from((t as u64).is_multiple_of(n))),
            Self::Always(alpha) => alpha,
        }
    }
}
