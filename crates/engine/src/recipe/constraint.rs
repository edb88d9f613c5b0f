//! What restricts the weights: parameters as trained ("raw") to weights as used ("effective"), its adjoint, and
//! projections after a step.
//!
//! Three stages, each of which may be absent: `raw' = origin + basis z` (a random subspace), `W = L R^T` (low rank) or
//! `W = A - A^T` (antisymmetric), and per parameter `w = factor form(raw)`. Populations and files hold effective weights everywhere; raw ones live in an
//! optimiser's state only.

mod antisymmetric;
mod build;
mod low_rank;
mod subspace;

use crate::error::EngineError;
use crate::population::{Layout, Role};
use antisymmetric::Antisymmetric;
use low_rank::LowRank;
use std::sync::Arc;
use subspace::Subspace;

/// A pointwise function of a raw parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// x
    #[default]
    Free,
    /// |x|, derivative 0 at 0.
    Absolute,
    /// max(x, 0), derivative 0 at 0.
    Rectified,
}

/// What is done to a raw parameter after every step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Projection {
    /// Nothing.
    #[default]
    None,
    /// Values below 0 become exactly 0.
    NonNegative,
    /// Values above 0 become exactly 0.
    NonPositive,
}

/// One parameter of one network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) factor: f32,
    pub(crate) form: Form,
    pub(crate) projection: Projection,
    pub(crate) frozen: bool,
}

impl Rule {
    const FREE: Self = Self {
        factor: 1.0,
        form: Form::Free,
        projection: Projection::None,
        frozen: false,
    };

    fn words(&self) -> [u32; 2] {
        let code = self.form as u32 | (self.projection as u32) << 2 | u32::from(self.frozen) << 4;
        [self.factor.to_bits(), code]
    }
}

/// Restrictions of a population; what may differ between networks does.
#[derive(Clone, Debug)]
pub struct Constraint {
    layout: Arc<Layout>,
    /// `[network, parameter]`
    pub(crate) rules: Vec<Rule>,
    low_rank: Option<LowRank>,
    antisymmetric: Option<Antisymmetric>,
    subspace: Option<Subspace>,
}

impl Constraint {
    /// No restriction yet.
    pub fn new(layout: &Arc<Layout>, n_networks: usize) -> Self {
        Self {
            layout: Arc::clone(layout),
            rules: vec![Rule::FREE; n_networks * layout.n_params],
            low_rank: None,
            antisymmetric: None,
            subspace: None,
        }
    }

    /// Number of networks.
    pub fn n_networks(&self) -> usize {
        self.rules.len() / self.layout.n_params.max(1)
    }

    /// Whether it acts on each parameter by itself, as the GPU's kernels do.
    pub fn is_elementwise(&self) -> bool {
        self.low_rank.is_none() && self.antisymmetric.is_none() && self.subspace.is_none()
    }

    /// Rank of a network's recurrent matrices, where it is restricted.
    pub(crate) fn rank(&self, network: usize) -> Option<usize> {
        self.low_rank.as_ref().and_then(|l| l.rank(network))
    }

    /// Whether a network's recurrent matrices are antisymmetric.
    pub(crate) fn is_antisymmetric(&self, network: usize) -> bool {
        self.antisymmetric.as_ref().is_some_and(|a| a.has(network))
    }

    /// Origin `[parameter]` and basis `[dimension][parameter]` of a network's subspace, where it has one.
    pub(crate) fn space(&self, network: usize) -> Option<(&[f32], &[f32])> {
        self.subspace.as_ref().and_then(|s| s.of(network))
    }

    fn rules(&self, network: usize) -> &[Rule] {
        let n = self.layout.n_params;
        &self.rules[network * n..][..n]
    }

    /// Raw parameters of one network whose initial weights are these; the effective ones may differ from them already.
    pub fn raw(&self, network: usize, initial: &[f32]) -> Vec<f32> {
        let mut raw = initial.to_vec();
        for (r, rule) in raw.iter_mut().zip(self.rules(network)) {
            match rule.projection {
                Projection::NonNegative => *r = r.max(0.0),
                Projection::NonPositive => *r = r.min(0.0),
                Projection::None => {}
            }
            if rule.form == Form::Rectified {
                *r = r.abs();
            }
        }
        if let Some(low_rank) = &self.low_rank {
            low_rank.factor(network, &mut raw);
        }
        if let Some(antisymmetric) = &self.antisymmetric {
            antisymmetric.halve(network, &mut raw);
        }
        if let Some(subspace) = &self.subspace {
            subspace.origin_to_zero(network, &mut raw);
        }
        raw
    }

    /// Weights as used.
    pub fn effective(&self, network: usize, raw: &[f32]) -> Vec<f32> {
        let mut weights = match &self.subspace {
            Some(subspace) => subspace.expand(network, raw),
            None => raw.to_vec(),
        };
        self.link(network, &mut weights);
        for (w, rule) in weights.iter_mut().zip(self.rules(network)) {
            let value = match rule.form {
                Form::Free => *w,
                Form::Absolute => w.abs(),
                Form::Rectified => w.max(0.0),
            };
            // Exactly zero where masked, whatever lies below: 0 times infinity would not be.
            *w = if rule.factor == 0.0 {
                0.0
            } else {
                rule.factor * value
            };
        }
        weights
    }

    /// The stage that makes matrices of matrices.
    fn link(&self, network: usize, params: &mut [f32]) {
        if let Some(low_rank) = &self.low_rank {
            low_rank.multiply(network, params);
        }
        if let Some(antisymmetric) = &self.antisymmetric {
            antisymmetric.minus_transpose(network, params);
        }
    }

    /// Gradient by effective weights to gradient by raw parameters, in place.
    pub fn adjoint(&self, network: usize, raw: &[f32], gradient: &mut [f32]) {
        let expanded;
        let inner = match &self.subspace {
            Some(subspace) => {
                expanded = subspace.expand(network, raw);
                &expanded[..]
            }
            None => raw,
        };
        let mut values = inner.to_vec();
        self.link(network, &mut values);
        for ((g, w), rule) in gradient.iter_mut().zip(&values).zip(self.rules(network)) {
            let slope = match rule.form {
                Form::Free => 1.0,
                Form::Absolute if *w == 0.0 => 0.0,
                Form::Absolute => w.signum(),
                Form::Rectified => f32::from(u8::from(*w > 0.0)),
            };
            *g = if rule.frozen || rule.factor == 0.0 || slope == 0.0 {
                0.0
            } else {
                rule.factor * slope * *g
            };
        }
        if let Some(low_rank) = &self.low_rank {
            low_rank.adjoint(network, inner, gradient);
        }
        if let Some(antisymmetric) = &self.antisymmetric {
            antisymmetric.minus_transpose(network, gradient);
        }
        if let Some(subspace) = &self.subspace {
            subspace.adjoint(network, gradient);
        }
    }

    /// What happens to raw parameters after a step.
    pub fn project(&self, network: usize, raw: &mut [f32]) {
        for (r, rule) in raw.iter_mut().zip(self.rules(network)) {
            match rule.projection {
                // Not max(): -0 would stay.
                Projection::NonNegative if *r <= 0.0 => *r = 0.0,
                Projection::NonPositive if *r >= 0.0 => *r = 0.0,
                _ => {}
            }
        }
    }

    /// Whether a parameter of a network stays what it is; a coordinate of a subspace does not.
    pub(crate) fn is_frozen(&self, network: usize, parameter: usize) -> bool {
        self.rules(network)[parameter].frozen && self.space(network).is_none()
    }

    /// Effective weights of all networks, `[network, parameter]`.
    pub fn effective_all(&self, raw: &[f32]) -> Vec<f32> {
        let chunks = raw.chunks_exact(self.layout.n_params.max(1)).enumerate();
        chunks.flat_map(|(n, r)| self.effective(n, r)).collect()
    }

    /// Raw parameters of all networks, `[network, parameter]`.
    pub fn raw_all(&self, initial: &[f32]) -> Vec<f32> {
        let chunks = initial
            .chunks_exact(self.layout.n_params.max(1))
            .enumerate();
        chunks.flat_map(|(n, w)| self.raw(n, w)).collect()
    }

    /// Rules of some networks as the kernels read them: factor, form | projection << 2 | frozen << 4.
    pub(crate) fn words(&self, networks: std::ops::Range<usize>) -> Vec<[u32; 2]> {
        let n = self.layout.n_params;
        let rules = &self.rules[networks.start * n..networks.end * n];
        rules.iter().map(Rule::words).collect()
    }

    /// The same as the step reads them, where there are subspaces: rules are of weights, and a coordinate is none.
    pub(crate) fn words_of_the_step(
        &self,
        networks: std::ops::Range<usize>,
    ) -> Option<Vec<[u32; 2]>> {
        self.subspace.as_ref()?;
        let mut words = self.words(networks.clone());
        let each = words.chunks_exact_mut(self.layout.n_params.max(1));
        for (_, words) in networks.zip(each).filter(|n| self.space(n.0).is_some()) {
            words.fill(Rule::FREE.words());
        }
        Some(words)
    }

    fn refuse(what: String, allowed: String) -> EngineError {
        EngineError::Shape {
            operation: "constraint",
            what: "restriction".into(),
            found: what,
            expected: allowed,
        }
    }

    fn recurrent(layout: &Layout) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let recurrent = |t: &&crate::population::Tensor| matches!(t.role, Role::Recurrent(..));
        layout
            .tensors
            .iter()
            .filter(recurrent)
            .map(crate::population::Tensor::range)
    }
}

#[cfg(test)]
mod tests;
