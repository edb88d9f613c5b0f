//! Many states of one network go on at a constant input until they rest: f32, sixteen states at a time.

use crate::cell::evaluate::Workspace;
use crate::cell::graph::Leaf;
use crate::cell::program::Array;
use crate::map::Map;
use crate::map::form::Form;
use crate::population::{Population, Role};

/// States per block.
const BLOCK: usize = 16;
/// Units per vector.
const LANES: usize = 16;
/// Steps between two looks at whether a block rests.
const LOOK: usize = 16;
/// Looks in a row at which every state of a block must rest.
const QUIET: usize = 3;

/// A network in f32 for blocks of states, `[state, unit]` with padded rows.
pub(crate) struct Settler<'a> {
    map: &'a Map,
    arch: pulp::Arch,
    form: Form,
    workspace: Workspace<f32>,
    /// Per gate: `[from, to]`, rows padded; empty without a recurrent term.
    weights: Vec<Vec<f32>>,
    constants: Vec<Vec<f32>>,
    padded: usize,
    before: Vec<Vec<f32>>,
    drive: Vec<f32>,
    product: Vec<f32>,
}

impl<'a> Settler<'a> {
    pub(crate) fn new(map: &'a Map, population: &Population, network: usize) -> Self {
        let n = map.n_units();
        let padded = n.div_ceil(LANES) * LANES;
        let mut workspace = Workspace::new(BLOCK * padded);
        workspace.set_constants(
            map.cell(),
            population.network_constants(network),
            padded.max(1),
        );
        let count = workspace.array(Array::Leaf(Leaf::UnitCount));
        workspace.storage[count].fill(n as f32);
        for i in 0..map.cell().unit_params.len() {
            let at = workspace.array(Array::Leaf(Leaf::UnitParam(i as u8)));
            if let Some(tensor) = population.layout.find(Role::Unit(i)) {
                for row in workspace.storage[at].chunks_mut(padded) {
                    row[..n].copy_from_slice(&population.network(network)[tensor.range()]);
                }
            }
        }
        let next: Vec<_> = map
            .cell()
            .next
            .iter()
            .enumerate()
            .map(|(f, &node)| (Array::StateNext(f as u8), node))
            .collect();
        let form = Form::new(map.cell(), &next, &mut workspace);
        let from = crate::map::dense::stride(n);
        let narrow = |rows: &[f64]| {
            let mut wide = vec![0.0; rows.len() / from.max(1) * padded];
            for (to, row) in wide.chunks_mut(padded.max(1)).zip(rows.chunks(from.max(1))) {
                to[..n]
                    .iter_mut()
                    .zip(row)
                    .for_each(|(x, &y)| *x = y as f32);
            }
            wide
        };
        Self {
            weights: map.weights().iter().map(|g| narrow(&g.columns)).collect(),
            constants: map.weights().iter().map(|g| narrow(&g.constant)).collect(),
            before: vec![vec![0.0; BLOCK * padded]; map.cell().states.len()],
            drive: vec![0.0; BLOCK * padded],
            product: vec![0.0; BLOCK * padded],
            arch: pulp::Arch::new(),
            map,
            form,
            workspace,
            padded,
        }
    }

    /// Where every state (`[field, unit]`) is after `steps` steps, or once its whole block rests: no coordinate moves by
    /// more than `speed` in a step.
    pub(crate) fn settle(
        &mut self,
        states: &[Vec<f64>],
        steps: usize,
        speed: f32,
    ) -> Vec<Vec<f64>> {
        let n = self.map.n_units();
        let fields = self.map.cell().states.len();
        let mut ends = Vec::with_capacity(states.len());
        for block in states.chunks(BLOCK) {
            for f in 0..fields {
                let storage = &mut self.workspace.storage[self.form.states[f]];
                // A short block is filled up with its first state.
                for (slot, row) in storage.chunks_mut(self.padded).enumerate() {
                    let state = block.get(slot).unwrap_or(&block[0]);
                    row[..n]
                        .iter_mut()
                        .zip(&state[f * n..])
                        .for_each(|(x, &y)| *x = y as f32);
                    row[n..].fill(0.0);
                }
            }
            let mut quiet = 0;
            let mut done = 0;
            while done < steps && quiet < QUIET {
                let now = LOOK.min(steps - done);
                let moved = self.advance(now);
                done += now;
                quiet = if moved <= speed { quiet + 1 } else { 0 };
                if moved.is_nan() {
                    break;
                }
            }
            for slot in 0..block.len() {
                let fields = self
                    .form
                    .states
                    .iter()
                    .flat_map(|&at| &self.workspace.storage[at][slot * self.padded..][..n]);
                ends.push(fields.map(|&x| f64::from(x)).collect());
            }
        }
        ends
    }

    /// Takes steps; the largest change of a coordinate in the last one, NaN where a state is not finite.
    fn advance(&mut self, steps: usize) -> f32 {
        let arch = self.arch;
        arch.dispatch(Advance {
            settler: self,
            steps,
        })
    }

    #[inline(always)]
    fn step(&mut self) {
        let (len, n) = (BLOCK * self.padded, self.map.n_units());
        for (s, section) in self.form.values.iter().enumerate() {
            section.run(&mut self.workspace.storage, len);
            let Some(&at) = self.form.drives.get(s) else {
                continue;
            };
            self.drive.copy_from_slice(&self.workspace.storage[at]);
            for (g, gate) in self.map.weights().iter().enumerate() {
                if gate.stage == s && self.form.used[g] {
                    product(
                        &mut self.product,
                        &self.drive,
                        &self.weights[g],
                        &self.constants[g],
                        n,
                        self.padded,
                    );
                    self.workspace.storage[self.form.gates[g]].copy_from_slice(&self.product);
                }
            }
        }
        for (&from, &to) in self.form.results.iter().zip(&self.form.states) {
            let [from, to] = match self.workspace.storage.get_disjoint_mut([from, to]) {
                Ok(pair) => pair,
                Err(_) => continue,
            };
            to.copy_from_slice(from);
        }
    }
}

struct Advance<'a, 'b> {
    settler: &'a mut Settler<'b>,
    steps: usize,
}

impl pulp::WithSimd for Advance<'_, '_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> f32 {
        let settler = self.settler;
        for k in 0..self.steps {
            if k + 1 == self.steps {
                for (to, &at) in settler.before.iter_mut().zip(&settler.form.states) {
                    to.copy_from_slice(&settler.workspace.storage[at]);
                }
            }
            settler.step();
        }
        let mut moved = 0.0_f32;
        let mut sum = 0.0_f32;
        for (before, &at) in settler.before.iter().zip(&settler.form.states) {
            for (a, b) in before.iter().zip(&settler.workspace.storage[at]) {
                moved = moved.max((a - b).abs());
                sum += a - b;
            }
        }
        if sum.is_finite() { moved } else { f32::NAN }
    }
}

/// `out = constant + drive weights`, eight states by sixteen units at a time.
#[inline(always)]
fn product(
    out: &mut [f32],
    drive: &[f32],
    weights: &[f32],
    constant: &[f32],
    n: usize,
    padded: usize,
) {
    const ROWS: usize = 8;
    for (out, drive) in out
        .chunks_exact_mut(ROWS * padded)
        .zip(drive.chunks_exact(ROWS * padded))
    {
        for j in (0..padded).step_by(LANES) {
            let mut sum = [[0.0_f32; LANES]; ROWS];
            for row in &mut sum {
                row.copy_from_slice(&constant[j..j + LANES]);
            }
            if !weights.is_empty() {
                for k in 0..n {
                    let w = &weights[k * padded + j..][..LANES];
                    for r in 0..ROWS {
                        let d = drive[r * padded + k];
                        for l in 0..LANES {
                            sum[r][l] = d.mul_add(w[l], sum[r][l]);
                        }
                    }
                }
            }
            for (r, row) in sum.iter().enumerate() {
                out[r * padded + j..][..LANES].copy_from_slice(row);
            }
        }
    }
}
