//! How a population is trained, resolved, and turned into the engine's options.

mod words;

use crate::connections::{Areas, Masks};
use crate::error::{Result, StudyError};
use crate::spec::{DaleBy, Data};
use crate::study::NetworkPlan;
use chiliad_engine::executor::{Order, TrainOptions};
use chiliad_engine::population::initialise::{Initial, dale_signs};
use chiliad_engine::population::{Population, Role};
use chiliad_engine::recipe::{
    Constraint, Forcing, Form, JacobianNorm, Loss, Optimiser, Part, Penalty, Regulariser, Schedule,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one network has of the numbers that may differ between networks, by name: strengths of penalties, `weight_decay`,
/// `input_noise`, `ratio`, `density`, `rank`, `dimensions`, `gamma`, `forcing_every`, `alpha`.
pub type Settings = BTreeMap<String, f64>;

/// What all networks of a population share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipePlan {
    /// Whether the bank's first trials are taken at every step.
    #[serde(default)]
    pub in_turn: bool,
    /// Where the trials of a step come from.
    #[serde(default)]
    pub data: Data,
    /// Optimiser.
    pub optimiser: Optimiser,
    /// Factor of the step size.
    pub schedule: Schedule,
    /// Factor of the noise.
    pub noise_schedule: Schedule,
    /// Largest entry of a gradient.
    pub clip_value: Option<f64>,
    /// Loss.
    pub loss: Loss,
    /// Penalties; their strengths are settings of the networks, by the penalties' names.
    pub penalties: Vec<Penalty>,
    /// Restrictions.
    pub restriction: Restriction,
    /// Initial weights.
    pub initial: Initial,
    /// Units that the last outputs read as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observe: Vec<usize>,
    /// Teacher forcing; its numbers are settings of the networks, `forcing_every` or `alpha`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forcing: Option<ForcingPlan>,
}

/// How states are forced.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ForcingPlan {
    /// Replaced at every so many steps.
    Sparse,
    /// Moved by a share.
    Generalised,
    /// Moved by a share that follows the Jacobians.
    Annealed {
        /// Which norm of them.
        norm: JacobianNorm,
        /// Training steps between two estimates.
        every: u64,
        /// Share of alpha that stays where the estimate is smaller.
        keep: f64,
    },
}

/// Restrictions that all networks share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    /// Dale's law.
    pub dale: Option<Dale>,
    /// Areas of units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub areas: Option<Areas>,
    /// Factors of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masks: Option<Masks>,
    /// Whether a unit may be its own input.
    pub autapses: bool,
    /// Never below 0.
    pub non_negative: Vec<Part>,
    /// Not trained.
    pub frozen: Vec<Part>,
    /// Units that nothing leaves.
    pub silenced: Vec<usize>,
    /// Recurrent weights `A - A^T`.
    #[serde(default)]
    pub antisymmetric: bool,
}

impl Default for Restriction {
    fn default() -> Self {
        Self {
            dale: None,
            areas: None,
            masks: None,
            autapses: true,
            non_negative: Vec::new(),
            frozen: Vec::new(),
            silenced: Vec::new(),
            antisymmetric: false,
        }
    }
}

/// Dale's law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dale {
    /// How.
    pub by: DaleBy,
    /// Whether only excitatory units are read out.
    pub excitatory_readout: bool,
}

impl RecipePlan {
    /// Fills what the recipe says into the options of networks whose drawn initial weights are `population`'s.
    ///
    /// # Errors
    ///
    /// Where a restriction cannot be: more dimensions than parameters, signs together with low rank.
    pub fn fill(
        &self,
        options: &mut TrainOptions,
        population: &Population,
        networks: &[&NetworkPlan],
    ) -> Result<()> {
        let setting = |name: &str| -> Option<Vec<f32>> {
            let of = |n: &&NetworkPlan| n.settings.get(name).copied();
            networks.iter().any(|n| of(n).is_some()).then(|| {
                networks
                    .iter()
                    .map(|n| of(n).unwrap_or(0.0) as f32)
                    .collect()
            })
        };
        options.order = match (self.data, self.in_turn) {
            (Data::Fresh, _) => Order::Own,
            (Data::Bank, true) => Order::InTurn,
            (Data::Bank, false) => Order::Drawn,
        };
        options.optimiser = self.optimiser;
        options.schedule = self.schedule.clone();
        options.noise_schedule = self.noise_schedule.clone();
        options.clip_value = self.clip_value.map_or(f32::INFINITY, |v| v as f32);
        options.loss = self.loss;
        options.weight_decay = setting("weight_decay").unwrap_or_default();
        options.input_noise = setting("input_noise").unwrap_or_default();
        if let Some(gamma) = setting("gamma") {
            let rates = options.learning_rate.iter_mut().zip(gamma);
            rates.for_each(|(rate, gamma)| *rate *= gamma);
        }
        options.regularisers = self
            .penalties
            .iter()
            .map(|penalty| Regulariser {
                penalty: penalty.clone(),
                strength: setting(penalty.name()).unwrap_or_else(|| vec![0.0; networks.len()]),
            })
            .collect();
        options.observed.clone_from(&self.observe);
        options.forcing = self.forcing.map(|plan| match plan {
            ForcingPlan::Sparse => Forcing::Sparse {
                every: setting("forcing_every")
                    .unwrap_or_default()
                    .iter()
                    .map(|e| *e as u64)
                    .collect(),
            },
            ForcingPlan::Generalised => Forcing::Generalised {
                alpha: setting("alpha").unwrap_or_default(),
            },
            ForcingPlan::Annealed { norm, every, keep } => Forcing::Annealed { norm, every, keep },
        });
        options.constraint = self
            .constraint(population, networks, options.train_initial_state)?
            .map(Arc::new);
        Ok(())
    }

    /// What restricts the weights, if anything does.
    fn constraint(
        &self,
        population: &Population,
        networks: &[&NetworkPlan],
        train_initial_state: bool,
    ) -> Result<Option<Constraint>> {
        let varies = ["ratio", "density", "rank", "dimensions", "gamma"];
        let varied = |n: &&NetworkPlan| varies.iter().any(|name| n.settings.contains_key(*name));
        let free = self.restriction == Restriction::default() && self.observe.is_empty();
        if free && !networks.iter().any(varied) {
            return Ok(None);
        }
        let units = population.architecture.units;
        let mut constraint = Constraint::new(&population.layout, networks.len());
        let wrong = |e: chiliad_engine::error::EngineError| StudyError::Input(e.to_string());
        for (k, network) in networks.iter().enumerate() {
            let r = &self.restriction;
            constraint.non_negative(k, |role| r.non_negative.iter().any(|p| p.holds(role)));
            if let (Some(dale), Some(&ratio)) = (&r.dale, network.settings.get("ratio")) {
                let signs = match &r.areas {
                    Some(areas) => areas.signs(ratio),
                    None => dale_signs(units, ratio),
                };
                let form = match dale.by {
                    DaleBy::Projection => Form::Free,
                    DaleBy::Absolute => Form::Absolute,
                    DaleBy::Rectified => Form::Rectified,
                };
                constraint.dale(k, &signs, form).map_err(wrong)?;
                if dale.excitatory_readout {
                    let read: Vec<bool> = signs.iter().map(|s| *s > 0.0).collect();
                    constraint.read_out_from(k, &read).map_err(wrong)?;
                }
            }
            if let Some(areas) = &r.areas {
                areas.apply(&mut constraint, k, network.seeds.init);
            }
            if let Some(masks) = &r.masks {
                masks.apply(&mut constraint, k)?;
            }
            if !r.autapses {
                constraint.no_autapses(k);
            }
            if let Some(&density) = network.settings.get("density") {
                constraint
                    .sparse(k, density, network.seeds.init)
                    .map_err(wrong)?;
            }
            if let Some(&gamma) = network.settings.get("gamma") {
                // Drawn with variance 1/N: times N, or sqrt N, it has the variance of the parametrisation.
                let n = units as f64;
                constraint.scale(k, (1.0 / n) as f32, |r| matches!(r, Role::Recurrent(..)));
                constraint.scale(k, (1.0 / (gamma * n)) as f32, |r| r == Role::Readout);
            }
            constraint.freeze(k, |role| r.frozen.iter().any(|p| p.holds(role)));
            if !train_initial_state && network.settings.contains_key("dimensions") {
                // A subspace would move it with all the others.
                constraint.freeze(k, |role| matches!(role, Role::InitialState(_)));
            }
            constraint.observe(k, self.observe.len());
            if !r.silenced.is_empty() {
                let gains: Vec<f32> = (0..units)
                    .map(|u| f32::from(u8::from(!r.silenced.contains(&u))))
                    .collect();
                constraint.gains(k, &gains).map_err(wrong)?;
            }
        }
        let whole = |name: &str| -> Vec<Option<usize>> {
            let of = |n: &&NetworkPlan| n.settings.get(name).map(|v| *v as usize);
            networks.iter().map(of).collect()
        };
        let ranks = whole("rank");
        if ranks.iter().any(Option::is_some) {
            constraint.low_rank(&ranks).map_err(wrong)?;
        }
        if self.restriction.antisymmetric {
            constraint
                .antisymmetric(&vec![true; networks.len()])
                .map_err(wrong)?;
        }
        let dimensions = whole("dimensions");
        if dimensions.iter().any(Option::is_some) {
            let seeds: Vec<u64> = networks.iter().map(|n| n.seeds.init).collect();
            constraint
                .subspace(&dimensions, &population.params, &seeds)
                .map_err(wrong)?;
        }
        Ok(Some(constraint))
    }
}

/// Sets the rows of the readout that read observed units.
pub fn read_observed(population: &mut Population, observed: &[usize]) {
    let layout = Arc::clone(&population.layout);
    let first = population
        .architecture
        .outputs
        .saturating_sub(observed.len());
    let units = population.architecture.units;
    for params in population.params.chunks_exact_mut(layout.n_params.max(1)) {
        if let Some(readout) = layout.find(Role::Readout) {
            let rows = params[readout.range()].chunks_exact_mut(units).skip(first);
            for (row, &unit) in rows.zip(observed) {
                row.fill(0.0);
                row[unit] = 1.0;
            }
        }
        if let Some(bias) = layout.find(Role::ReadoutBias) {
            let last = params[bias.range()].iter_mut().skip(first);
            last.take(observed.len()).for_each(|b| *b = 0.0);
        }
    }
}

/// Drawn weights at the scale of their parametrisation: recurrent ones with variance N and readouts with variance 1 where
/// a network has a `gamma` (the spread of inputs and readout is a project default).
pub fn scale_drawn(population: &mut Population, networks: &[&NetworkPlan]) {
    let layout = Arc::clone(&population.layout);
    let n = population.architecture.units as f32;
    for (k, network) in networks.iter().enumerate() {
        if !network.settings.contains_key("gamma") {
            continue;
        }
        let params = &mut population.params[k * layout.n_params..][..layout.n_params];
        for tensor in &layout.tensors {
            let factor = match tensor.role {
                Role::Recurrent(..) => n,
                Role::Readout => n.sqrt(),
                _ => continue,
            };
            params[tensor.range()].iter_mut().for_each(|w| *w *= factor);
        }
    }
}
