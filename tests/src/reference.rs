//! One network in f64, plain loops straight from the cell's expressions: what both executors are held against.

use chiliad_engine::cell::Cell;
use chiliad_engine::cell::evaluate::at;
use chiliad_engine::cell::graph::{Leaf, Node, Op};
use chiliad_engine::population::{Layout, Population, Role};
use chiliad_tasks::Trials;
use std::sync::Arc;

/// A network whose parameters may be moved one by one.
#[derive(Clone, Debug)]
pub struct Reference {
    cell: Arc<Cell>,
    layout: Arc<Layout>,
    units: usize,
    constants: Vec<f64>,
    /// `[parameter]`, as the layout has them.
    pub params: Vec<f64>,
}

impl Reference {
    /// Network `network` of a population.
    pub fn new(population: &Population, network: usize) -> Self {
        let double = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect();
        Self {
            cell: Arc::clone(&population.architecture.cell),
            layout: Arc::clone(&population.layout),
            units: population.architecture.units,
            constants: double(population.network_constants(network)),
            params: double(population.network(network)),
        }
    }

    fn tensor(&self, role: Role) -> &[f64] {
        self.layout
            .find(role)
            .map_or(&[], |t| &self.params[t.range()])
    }

    /// `b + rows . x`, the rows of a matrix `[to, from]`; a missing term counts as zero.
    fn product(&self, matrix: Role, x: &[f64], to: &mut [f64]) {
        for (sum, row) in to
            .iter_mut()
            .zip(self.tensor(matrix).chunks(x.len().max(1)))
        {
            *sum += row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        }
    }

    /// One step without noise, `[field][unit]`; what decides every comparison on the way is appended to `kinks`.
    pub fn step(&self, state: &[Vec<f64>], input: &[f64], kinks: &mut Vec<f64>) -> Vec<Vec<f64>> {
        let mut gates: Vec<Vec<Vec<f64>>> = Vec::new();
        for (s, stage) in self.cell.stages.iter().enumerate() {
            let drive = self.pointwise(stage.drive, state, &gates, kinks);
            let of_stage = (0..stage.gates.len()).map(|g| {
                let mut sums = vec![0.0; self.units];
                let bias = self.tensor(Role::Bias(s, g));
                sums[..bias.len()].copy_from_slice(bias);
                if stage.gates[g].sum {
                    let total: f64 = drive.iter().sum();
                    sums.iter_mut().for_each(|sum| *sum += total);
                }
                self.product(Role::Recurrent(s, g), &drive, &mut sums);
                self.product(Role::Input(s, g), input, &mut sums);
                sums
            });
            gates.push(of_stage.collect());
        }
        let next = self.cell.next.iter();
        next.map(|&n| self.pointwise(n, state, &gates, kinks))
            .collect()
    }

    /// The state that trials begin with, `[field][unit]`.
    pub fn start(&self) -> Vec<Vec<f64>> {
        (0..self.cell.states.len())
            .map(|f| self.tensor(Role::InitialState(f)).to_vec())
            .collect()
    }

    /// What the readout sees of a state, `[unit]`.
    pub fn seen(&self, state: &[Vec<f64>]) -> Vec<f64> {
        self.pointwise(self.cell.output, state, &[], &mut Vec::new())
    }

    /// What the readout sees and the outputs, `[trial][time]`, without noise.
    pub fn run(&self, trials: &Trials) -> Vec<Vec<[Vec<f64>; 2]>> {
        let run = |trial: usize| {
            let mut state = self.start();
            let step = |t: usize| {
                let input: Vec<f64> = (0..trials.n_inputs)
                    .map(|i| f64::from(trials.input(trial, t, i)))
                    .collect();
                state = self.step(&state, &input, &mut Vec::new());
                [self.seen(&state), self.outputs(&state, &mut Vec::new())]
            };
            (0..trials.n_steps).map(step).collect()
        };
        (0..trials.n_trials).map(run).collect()
    }

    /// The outputs of a state.
    pub fn outputs(&self, state: &[Vec<f64>], kinks: &mut Vec<f64>) -> Vec<f64> {
        let seen = self.pointwise(self.cell.output, state, &[], kinks);
        let mut y = self.tensor(Role::ReadoutBias).to_vec();
        self.product(Role::Readout, &seen, &mut y);
        y
    }

    /// One expression for every unit.
    fn pointwise(
        &self,
        root: Node,
        state: &[Vec<f64>],
        gates: &[Vec<Vec<f64>>],
        kinks: &mut Vec<f64>,
    ) -> Vec<f64> {
        let graph = &self.cell.graph;
        let leaf = |unit: usize, leaf: Leaf| match leaf {
            Leaf::State(f) => state[f as usize][unit],
            Leaf::Gate(s, g) => gates[s as usize][g as usize][unit],
            Leaf::Constant(i) => self.constants[i as usize],
            Leaf::UnitParam(i) => self.tensor(Role::Unit(i as usize))[unit],
            Leaf::UnitIndex => unit as f64,
            Leaf::UnitCount => self.units as f64,
            _ => 0.0,
        };
        for node in graph.reachable(&[root]) {
            if let Op::Min(a, b) | Op::Max(a, b) | Op::Less(a, b) | Op::LessEqual(a, b) =
                graph.op(node)
            {
                kinks.extend((0..self.units).map(|u| {
                    at::<f64>(graph, a, &|l| leaf(u, l)) - at::<f64>(graph, b, &|l| leaf(u, l))
                }));
            }
        }
        (0..self.units)
            .map(|u| at(graph, root, &|l| leaf(u, l)))
            .collect()
    }

    /// Masked mean-squared error, and what decided every comparison on the way, in order.
    pub fn loss_and_kinks(&self, trials: &Trials) -> (f64, Vec<f64>) {
        let (mut sum, mut weight, mut kinks) = (0.0, 0.0, Vec::new());
        for trial in 0..trials.n_trials {
            let mut state = self.start();
            for t in 0..trials.n_steps {
                let input: Vec<f64> = (0..trials.n_inputs)
                    .map(|i| f64::from(trials.input(trial, t, i)))
                    .collect();
                state = self.step(&state, &input, &mut kinks);
                for (o, y) in self.outputs(&state, &mut kinks).iter().enumerate() {
                    let row = (trial * trials.n_steps + t) * trials.n_outputs;
                    let mask = f64::from(trials.mask[row + o]);
                    sum += mask * (y - f64::from(trials.target(trial, t, o))).powi(2);
                    weight += mask;
                }
            }
        }
        (sum / weight, kinks)
    }

    /// Masked mean-squared error.
    pub fn loss(&self, trials: &Trials) -> f64 {
        self.loss_and_kinks(trials).0
    }

    /// Central differences of the loss with respect to every parameter; none where one of them moves an argument of a
    /// kink by more than a tenth of its distance to it.
    pub fn differences(&self, trials: &Trials, step: f64) -> Option<Vec<f64>> {
        let here = self.loss_and_kinks(trials).1;
        let mut moved = self.clone();
        let difference = |p: usize| {
            let [(up, above), (down, below)] = [step, -step].map(|by| {
                moved.params[p] = self.params[p] + by;
                moved.loss_and_kinks(trials)
            });
            moved.params[p] = self.params[p];
            let clear = here
                .iter()
                .zip(above.iter().zip(&below))
                .all(|(d, (a, b))| (a - d).abs().max((b - d).abs()) <= 0.1 * d.abs());
            clear.then_some((up - down) / (2.0 * step))
        };
        (0..self.params.len()).map(difference).collect()
    }
}
