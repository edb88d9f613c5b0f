//! Units that never speak, and networks without them.

use super::{Architecture, Population, Role};
use crate::cell::graph::Leaf;
use crate::cell::program::Array;
use crate::error::EngineError;
use crate::executor::Trajectories;

impl Population {
    /// Units of every network whose mean absolute output over all trials and steps is at most `threshold`, 0 for those that never
    /// say anything (Tolmachev & Engel 2025 delete these after training). `[network]`, units rising.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unsupported`] for cells whose readout sees no state field.
    pub fn silent_units(
        &self,
        run: &Trajectories,
        threshold: f64,
    ) -> Result<Vec<Vec<usize>>, EngineError> {
        let cell = &self.architecture.cell;
        let Some(field) = cell.plain_output() else {
            return Err(EngineError::Unsupported {
                executor: "silent units",
                what: format!("of cell `{}`", cell.name),
                allowed: "cells whose readout sees a state field".into(),
            });
        };
        let units = self.architecture.units;
        let rows = run.n_trials * run.n_steps;
        let of = |states: &[f32]| {
            let mut sums = vec![0.0_f64; units];
            for row in states.chunks_exact(units) {
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(sum, y)| *sum += f64::from(y.abs()));
            }
            let most = threshold * rows as f64;
            (0..units).filter(|&u| sums[u] <= most).collect()
        };
        let size = (rows * units).max(1);
        Ok(run.states[field].chunks_exact(size).map(of).collect())
    }

    /// One network with some of its units only, in the order given, as a population of its own.
    ///
    /// # Errors
    ///
    /// [`EngineError::Shape`] where no unit is left or one is not there, [`EngineError::Unsupported`] for cells that ask which unit
    /// they are: without a unit the others would be other ones.
    pub fn with_units(&self, network: usize, units: &[usize]) -> Result<Self, EngineError> {
        let architecture = &self.architecture;
        let all = architecture.units;
        let programs = &architecture.cell.programs;
        let numbered = programs
            .drive
            .iter()
            .chain([&programs.next])
            .flat_map(|p| &p.arrays)
            .any(|a| matches!(a, Array::Leaf(Leaf::UnitIndex | Leaf::UnitCount)));
        let sums = architecture.cell.gates().any(|(.., gate)| gate.sum);
        if numbered || sums {
            return Err(EngineError::Unsupported {
                executor: "deletion of units",
                what: format!(
                    "of cell `{}`, which asks for a unit's number or sums over units",
                    architecture.cell.name
                ),
                allowed: "cells whose units are all alike".into(),
            });
        }
        if units.is_empty() || units.iter().any(|u| *u >= all) || network >= self.n_networks {
            return Err(EngineError::Shape {
                operation: "deletion of units",
                what: "units that stay".into(),
                found: format!("{units:?} of network {network}"),
                expected: format!(
                    "one or more below {all}, of a network below {}",
                    self.n_networks
                ),
            });
        }
        let fewer = Architecture {
            units: units.len(),
            ..architecture.clone()
        };
        let mut population = Self::zeros(fewer, 1);
        population.seeds[0] = self.seeds[network];
        population.constants = self.network_constants(network).to_vec();
        let from = self.network(network);
        let to_layout = std::sync::Arc::clone(&population.layout);
        for tensor in &self.layout.tensors {
            let Some(smaller) = to_layout.find(tensor.role) else {
                continue;
            };
            let values = &from[tensor.range()];
            let columns = tensor.shape.get(1).copied().unwrap_or(1);
            let whole: Vec<usize> = (0..tensor.shape[0]).collect();
            let all_columns: Vec<usize> = (0..columns).collect();
            let (rows, kept): (&[usize], &[usize]) = match tensor.role {
                Role::Recurrent(..) => (units, units),
                Role::Input(..) => (units, &all_columns),
                Role::Readout => (&whole, units),
                Role::ReadoutBias => (&whole, &all_columns),
                Role::Bias(..) | Role::Unit(_) | Role::InitialState(_) => (units, &all_columns),
            };
            let taken = rows
                .iter()
                .flat_map(|r| kept.iter().map(move |c| values[r * columns + c]));
            for (p, v) in population.params[smaller.range()].iter_mut().zip(taken) {
                *p = v;
            }
        }
        Ok(population)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::cpu::CpuExecutor;
    use crate::executor::Executor;
    use crate::population::{Seeds, initialise::initialise};
    use std::sync::Arc;

    /// Units whose bias keeps them below 0 under relu are silent; without them the network says the same.
    #[test]
    fn a_network_without_its_silent_units_says_the_same() {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin("rate", "relu").unwrap()),
            units: 7,
            inputs: 2,
            outputs: 2,
        };
        let mut networks = initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]);
        let layout = Arc::clone(&networks.layout);
        let bias = layout.find(Role::Bias(0, 0)).unwrap().offset;
        for (network, unit) in [(0, 2), (0, 5), (1, 0)] {
            networks.params[network * layout.n_params + bias + unit] = -100.0;
        }
        let inputs: Vec<f32> = (0..3 * 20 * 2).map(|i| (i as f32 * 0.7).sin()).collect();
        let cpu = CpuExecutor::new(Some(1)).unwrap();
        let run = cpu.roll_out(&networks, &inputs, 3, 20).unwrap();
        let silent = networks.silent_units(&run, 0.0).unwrap();
        assert!([2, 5].iter().all(|u| silent[0].contains(u)) && silent[1].contains(&0));
        for (network, silent) in silent.iter().enumerate() {
            let kept: Vec<usize> = (0..7).filter(|u| !silent.contains(u)).collect();
            let smaller = networks.with_units(network, &kept).unwrap();
            let after = cpu.roll_out(&smaller, &inputs, 3, 20).unwrap();
            for (a, b) in after.outputs.iter().zip(&run.outputs[network * 120..]) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
            assert_eq!(smaller.architecture.units, 7 - silent.len());
        }
        assert!(networks.with_units(0, &[]).is_err() && networks.with_units(0, &[7]).is_err());
        let numbered = Architecture {
            cell: Arc::new(Cell::builtin("al_rnn", "identity").unwrap()),
            ..architecture
        };
        let numbered = initialise(&numbered, &[Seeds::all(1)]);
        assert!(numbered.with_units(0, &[1]).is_err());
    }
}
