//! The restrictions by name: signs, masks, non-negative and frozen tensors, gains, rank, subspace.

use super::{Antisymmetric, Constraint, Form, LowRank, Projection, Subspace};
use crate::error::EngineError;
use crate::population::Role;
use chiliad_tasks::random::Stream;

/// Purpose word of the stream of sparse patterns.
const SPARSITY: u32 = 0x110;

impl Constraint {
    /// Calls `change` for every rule of the tensors with some roles: `(rule, row, column)`.
    fn each(
        &mut self,
        network: usize,
        wanted: impl Fn(Role) -> bool,
        mut change: impl FnMut(&mut super::Rule, usize, usize),
    ) {
        let n = self.layout.n_params;
        let rules = &mut self.rules[network * n..][..n];
        for tensor in self.layout.tensors.iter().filter(|t| wanted(t.role)) {
            let columns = tensor.shape.last().copied().unwrap_or(1).max(1);
            for (e, rule) in rules[tensor.range()].iter_mut().enumerate() {
                change(rule, e / columns, e % columns);
            }
        }
    }

    /// Dale's law: what leaves unit j has the sign of `signs[j]`, +1 or -1. With `form` [`Form::Free`] by projection: a
    /// recurrent weight of the wrong sign is set to 0 after each step; else by reparametrisation, `sign form(raw)`.
    pub fn dale(&mut self, network: usize, signs: &[f32], form: Form) -> Result<(), EngineError> {
        self.check_units(signs.len(), "signs")?;
        if let Some(sign) = signs.iter().find(|s| s.abs() != 1.0) {
            return Err(Self::refuse(format!("sign {sign}"), "1 or -1".into()));
        }
        self.each(network, recurrent, |rule, _, from| {
            if form == Form::Free {
                rule.projection = if signs[from] > 0.0 {
                    Projection::NonNegative
                } else {
                    Projection::NonPositive
                };
            } else {
                rule.form = form;
                rule.factor *= signs[from];
            }
        });
        Ok(())
    }

    /// Only units whose entry is true are read out.
    pub fn read_out_from(&mut self, network: usize, read: &[bool]) -> Result<(), EngineError> {
        self.check_units(read.len(), "readout units")?;
        self.each(
            network,
            |r| r == Role::Readout,
            |rule, _, from| {
                if !read[from] {
                    rule.factor = 0.0;
                }
            },
        );
        Ok(())
    }

    /// No unit is its own input.
    pub fn no_autapses(&mut self, network: usize) {
        self.each(network, recurrent, |rule, to, from| {
            if to == from {
                rule.factor = 0.0;
            }
        });
    }

    /// Every recurrent weight is present with probability `density`, by the network's own pattern: a function of `seed`.
    /// Gates of one cell have patterns of their own.
    pub fn sparse(&mut self, network: usize, density: f64, seed: u64) -> Result<(), EngineError> {
        if !(0.0..=1.0).contains(&density) {
            return Err(Self::refuse(format!("density {density}"), "0 to 1".into()));
        }
        self.sparse_between(network, recurrent, |_, _| density, seed);
        Ok(())
    }

    /// Every weight of some tensors is present with probability `density(row, column)`, by the network's own pattern: areas
    /// that are densely wired within and sparsely between, inputs that reach some of the units.
    pub fn sparse_between(
        &mut self,
        network: usize,
        wanted: impl Fn(Role) -> bool,
        density: impl Fn(usize, usize) -> f64,
        seed: u64,
    ) {
        let stream = Stream::new(seed, SPARSITY);
        let n = self.layout.n_params;
        let rules = &mut self.rules[network * n..][..n];
        for (k, tensor) in self.layout.tensors.iter().enumerate() {
            if !wanted(tensor.role) {
                continue;
            }
            let columns = tensor.shape.last().copied().unwrap_or(1).max(1);
            for (e, rule) in rules[tensor.range()].iter_mut().enumerate() {
                let present = f64::from(stream.uniform_at(k as u32, e as u32));
                if present >= density(e / columns, e % columns) {
                    rule.factor = 0.0;
                }
            }
        }
    }

    /// Recurrent weights where `mask` (`[to, from]`) is 0 are absent; other values multiply: areas, blocks, distances.
    pub fn recurrent_mask(&mut self, network: usize, mask: &[f32]) -> Result<(), EngineError> {
        self.mask(network, "recurrent", "[to, from]", recurrent, mask)
    }

    /// The same of input weights, `[to, input]`, of which not all may go.
    pub fn input_mask(&mut self, network: usize, mask: &[f32]) -> Result<(), EngineError> {
        let wanted = |r| matches!(r, Role::Input(..));
        self.mask(network, "input", "[to, input]", wanted, mask)
    }

    /// The same of the readout, `[output, from]`, of which not all may go.
    pub fn readout_mask(&mut self, network: usize, mask: &[f32]) -> Result<(), EngineError> {
        let wanted = |r| r == Role::Readout;
        self.mask(network, "readout", "[output, from]", wanted, mask)
    }

    fn mask(
        &mut self,
        network: usize,
        name: &str,
        axes: &str,
        wanted: impl Fn(Role) -> bool,
        mask: &[f32],
    ) -> Result<(), EngineError> {
        let tensor = self.layout.tensors.iter().find(|t| wanted(t.role));
        let shape = tensor.map_or_else(|| vec![0, 0], |t| t.shape.clone());
        let present = mask.iter().filter(|m| **m != 0.0).count();
        let finite = mask.iter().all(|m| m.is_finite());
        if mask.len() != shape[0] * shape[1] || !finite || (name != "recurrent" && present == 0) {
            return Err(Self::refuse(
                format!(
                    "{name} mask of {} values, {present} of them not 0",
                    mask.len()
                ),
                format!(
                    "{} x {} finite values, {axes}, that cut not every {name}",
                    shape[0], shape[1]
                ),
            ));
        }
        self.each(network, wanted, |rule, row, column| {
            rule.factor *= mask[row * shape[1] + column];
        });
        Ok(())
    }

    /// Weights of some tensors stay at 0 or above, by projection after each step.
    pub fn non_negative(&mut self, network: usize, wanted: impl Fn(Role) -> bool) {
        self.each(network, wanted, |rule, _, _| {
            rule.projection = Projection::NonNegative;
        });
    }

    /// Weights of some tensors are the parameters times a factor.
    pub fn scale(&mut self, network: usize, factor: f32, wanted: impl Fn(Role) -> bool) {
        self.each(network, wanted, |rule, _, _| rule.factor *= factor);
    }

    /// Some tensors stay what they are.
    pub fn freeze(&mut self, network: usize, wanted: impl Fn(Role) -> bool) {
        self.each(network, wanted, |rule, _, _| rule.frozen = true);
    }

    /// The last `count` outputs stay what they are, whatever else restricts readouts: they read units as they are.
    pub fn observe(&mut self, network: usize, count: usize) {
        let outputs = self.layout.find(Role::Readout).map_or(0, |t| t.shape[0]);
        let first = outputs.saturating_sub(count);
        let fixed = super::Rule {
            frozen: true,
            ..super::Rule::FREE
        };
        self.each(
            network,
            |r| r == Role::Readout,
            |rule, output, _| {
                if output >= first {
                    *rule = fixed;
                }
            },
        );
        self.each(
            network,
            |r| r == Role::ReadoutBias,
            // A vector: its only axis is the column.
            |rule, _, output| {
                if output >= first {
                    *rule = fixed;
                }
            },
        );
    }

    /// What leaves unit j, to other units and to the readout, is multiplied by `gains[j]`; 0 removes the unit.
    pub fn gains(&mut self, network: usize, gains: &[f32]) -> Result<(), EngineError> {
        self.check_units(gains.len(), "gains")?;
        self.each(
            network,
            |r| recurrent(r) || r == Role::Readout,
            |rule, _, from| rule.factor *= gains[from],
        );
        Ok(())
    }

    /// Recurrent matrices `L R^T` of at most this rank per network; `None` leaves a network at full rank.
    pub fn low_rank(&mut self, ranks: &[Option<usize>]) -> Result<(), EngineError> {
        let units = self.units();
        if ranks.len() != self.n_networks() {
            return Err(Self::refuse(
                format!("{} ranks", ranks.len()),
                format!("{}, one per network", self.n_networks()),
            ));
        }
        for (network, rank) in ranks.iter().enumerate() {
            let Some(rank) = *rank else { continue };
            if rank == 0 || 2 * rank > units {
                return Err(Self::refuse(
                    format!("rank {rank} with {units} units"),
                    format!("1 to {} (half the units), or none for full rank", units / 2),
                ));
            }
            // What lies behind the factors is no parameter.
            for range in Self::recurrent(&self.layout).collect::<Vec<_>>() {
                let n = self.layout.n_params;
                for rule in &self.rules[network * n..][range] {
                    if rule.form != Form::Free || rule.projection != Projection::None {
                        return Err(Self::refuse(
                            "low rank together with signs of recurrent weights".into(),
                            "one of them: L R^T has no signs".into(),
                        ));
                    }
                }
            }
        }
        self.low_rank = Some(LowRank::new(
            ranks,
            units,
            Self::recurrent(&self.layout).collect(),
        ));
        Ok(())
    }

    /// Recurrent weights `W = A - A^T` of the networks whose entry is true, of every gate.
    pub fn antisymmetric(&mut self, networks: &[bool]) -> Result<(), EngineError> {
        if networks.len() != self.n_networks() {
            return Err(Self::refuse(
                format!("antisymmetric weights of {} networks", networks.len()),
                format!("{}, one entry per network", self.n_networks()),
            ));
        }
        if self.low_rank.is_some() {
            return Err(Self::refuse(
                "antisymmetric weights together with low rank".into(),
                "one of them".into(),
            ));
        }
        for range in Self::recurrent(&self.layout).collect::<Vec<_>>() {
            for (network, _) in networks.iter().enumerate().filter(|n| *n.1) {
                let n = self.layout.n_params;
                for rule in &self.rules[network * n..][range.clone()] {
                    if rule.form != Form::Free || rule.projection != Projection::None {
                        return Err(Self::refuse(
                            "antisymmetric weights together with signs of recurrent weights".into(),
                            "one of them: w_ij = -w_ji has both signs".into(),
                        ));
                    }
                }
            }
        }
        self.antisymmetric = Some(Antisymmetric::new(
            networks,
            self.units(),
            Self::recurrent(&self.layout).collect(),
        ));
        Ok(())
    }

    /// Trains `dimensions[network]` coordinates of a random subspace through the initial weights, `[network, parameter]`, as
    /// the restrictions by now have them (Li et al. 2018); a basis is a function of the network's seed. `None` leaves a network as it is. What is frozen by now
    /// has no part in the subspace.
    pub fn subspace(
        &mut self,
        dimensions: &[Option<usize>],
        initial: &[f32],
        seeds: &[u64],
    ) -> Result<(), EngineError> {
        if self.rules.iter().any(|r| r.projection != Projection::None) {
            return Err(Self::refuse(
                "a random subspace together with a projection".into(),
                "one of them: a projection leaves the subspace".into(),
            ));
        }
        let frozen: Vec<bool> = self.rules.iter().map(|r| r.frozen).collect();
        Subspace::check(dimensions, initial.len(), seeds.len(), self.layout.n_params)?;
        self.subspace = Some(Subspace::new(
            dimensions,
            &self.raw_all(initial),
            &frozen,
            seeds,
            self.layout.n_params,
        ));
        Ok(())
    }

    /// Refuses more bases of subspaces than memory is meant to hold: `dimensions[network]` of networks of so many parameters.
    pub fn subspaces_fit(dimensions: &[Option<usize>], n_params: usize) -> Result<(), EngineError> {
        Subspace::fit(dimensions, n_params)
    }

    fn units(&self) -> usize {
        self.layout.find(Role::Readout).map_or(0, |t| t.shape[1])
    }

    fn check_units(&self, found: usize, what: &str) -> Result<(), EngineError> {
        if found == self.units() {
            return Ok(());
        }
        Err(Self::refuse(
            format!("{found} {what}"),
            format!("{}, one per unit", self.units()),
        ))
    }
}

fn recurrent(role: Role) -> bool {
    matches!(role, Role::Recurrent(..))
}
