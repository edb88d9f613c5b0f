//! Everything that follows from an architecture before a device is seen: tiles, fields kept per time step, where weights lie.

use super::kernels::Variant;
use crate::population::{Architecture, Layout, Role};
use crate::recipe::{Loss, Part};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Largest tile of trials, in trials.
const LARGEST_TILE: usize = 32;
/// Bytes of workgroup memory that the two shared buffers of a tile may take: WebGPU's default limit, whatever the adapter
/// has, because the tile decides the order of sums and so the bits.
const WORKGROUP_BYTES: usize = 16_384;
/// Words of a network's record before its constants.
pub(super) const RECORD_WORDS: usize = 23;

/// Shapes of the kernels of one architecture.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// Units.
    pub units: usize,
    /// Groups of four units, the last one padded.
    pub unit_quads: usize,
    /// Groups of four trials in a tile.
    pub trial_quads: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Values kept per (time, unit, trial).
    pub fields: usize,
    /// Fields of the state.
    pub states: usize,
    /// Field of each stage's drive, where it is not simply a state field.
    pub drives: Vec<Option<usize>>,
    /// State field that teacher forcing moves, where there is any: the readout then sees a field of its own.
    pub forced: Option<usize>,
    /// Field of the output, where it is not simply a state field.
    pub output: Option<usize>,
    /// First of the fields that hold tapes in the forward pass and gate gradients after the backward pass.
    pub kept: usize,
    /// Whether the backward pass is linked in.
    pub backward: bool,
    /// Parameters of a network.
    pub params: usize,
    /// vec4s of a network's weights as the products read them.
    pub weights: usize,
    /// For each float of the weights, the parameter it is, plus one; 0 for padding.
    pub sources: Vec<u32>,
    /// First vec4 of each tensor; recurrent tensors as `[from][to]`.
    pub offsets: BTreeMap<(u8, usize, usize), usize>,
    /// Words of a network's record.
    pub record_words: usize,
    /// Words of a network's matrix programs and what they work on: of the largest buffer, and of all.
    pub matrices: (usize, usize),
    /// Whether the effective dimension is penalised, for which a batch is measured before it goes backward.
    pub dimension: bool,
    /// Recurrent products of a step.
    pub(super) products: usize,
    first_initial_state: usize,
    readout: (usize, usize),
    unit_params: usize,
    noises: usize,
    /// First parameter and [`Part`] of every tensor.
    parts: Vec<(usize, Option<Part>)>,
}

/// A source that stands for the number 1, as 0 does for 0.
const ONE: u32 = u32::MAX;

/// Keys of [`Geometry::offsets`]: forward recurrent, transposed recurrent, input, bias, unit, readout, readout bias, initial state.
pub(super) fn key(role: Role) -> (u8, usize, usize) {
    match role {
        Role::Recurrent(s, g) => (0, s, g),
        Role::Input(s, g) => (2, s, g),
        Role::Bias(s, g) => (3, s, g),
        Role::Unit(i) => (4, i, 0),
        Role::Readout => (5, 0, 0),
        Role::ReadoutBias => (6, 0, 0),
        Role::InitialState(i) => (7, i, 0),
    }
}

impl Geometry {
    /// Shapes for batches of `batch` trials; `backward` keeps what a backward pass needs.
    pub fn new(architecture: &Architecture, layout: &Layout, batch: usize, backward: bool) -> Self {
        Self::forced(architecture, layout, batch, backward, false)
    }

    /// The same, with teacher forcing of what the readout sees if `forced`.
    pub fn forced(
        architecture: &Architecture,
        layout: &Layout,
        batch: usize,
        backward: bool,
        forced: bool,
    ) -> Self {
        let (cell, units) = (&architecture.cell, architecture.units);
        let unit_quads = units.div_ceil(4);
        let fits = WORKGROUP_BYTES / (2 * 4 * unit_quads * 16);
        let trial_quads = fits.min(LARGEST_TILE / 4).min(batch.div_ceil(4)).max(1);
        let states = cell.states.len();
        let mut fields = states;
        let mut next = |wanted: bool| {
            fields += usize::from(wanted);
            wanted.then(|| fields - 1)
        };
        let drives = (0..cell.stages.len())
            .map(|s| next(backward && cell.plain_drive(s).is_none()))
            .collect();
        let output = next(forced || cell.plain_output().is_none());
        let kept = fields;
        if backward {
            fields += (cell.programs.n_tapes + cell.programs.taped_gates.len())
                .max(cell.gates().count())
                .max(states);
        }
        let at = |role: Role| layout.find(role).map_or(0, |t| t.offset);
        let mut geometry = Self {
            units,
            unit_quads,
            trial_quads,
            inputs: architecture.inputs,
            outputs: architecture.outputs,
            fields,
            states,
            drives,
            forced: cell.plain_output().filter(|_| forced),
            output,
            kept,
            backward,
            params: layout.n_params,
            weights: 0,
            sources: Vec::new(),
            offsets: BTreeMap::new(),
            record_words: RECORD_WORDS + cell.constants.len(),
            matrices: (0, 0),
            dimension: false,
            products: cell.gates().filter(|(.., gate)| gate.recurrent).count(),
            first_initial_state: at(Role::InitialState(0)),
            readout: (at(Role::Readout), at(Role::ReadoutBias)),
            unit_params: cell.unit_params.len(),
            noises: cell.noise.len(),
            parts: layout
                .tensors
                .iter()
                .map(|t| (t.offset, Part::ALL.into_iter().find(|p| p.holds(t.role))))
                .collect(),
        };
        for tensor in &layout.tensors {
            geometry.place(key(tensor.role), tensor.offset, tensor.role);
            if let Role::Recurrent(s, g) = tensor.role {
                geometry.place((1, s, g), tensor.offset, tensor.role);
            }
        }
        for (s, g, _) in cell.gates().filter(|(.., gate)| gate.sum) {
            geometry.place_ones((0, s, g));
            // All ones, in either order.
            let forward = geometry.offsets[&(0, s, g)];
            geometry.offsets.insert((1, s, g), forward);
        }
        geometry
    }

    /// Appends what a sum over units multiplies.
    fn place_ones(&mut self, key: (u8, usize, usize)) {
        self.offsets.insert(key, self.weights);
        for _ in 0..self.units {
            let row =
                (0..self.units.next_multiple_of(4)).map(|u| if u < self.units { ONE } else { 0 });
            self.sources.extend(row);
        }
        self.weights = self.sources.len() / 4;
    }

    /// Appends one tensor to the weights, rows padded to whole quads.
    fn place(&mut self, key: (u8, usize, usize), offset: usize, role: Role) {
        self.offsets.insert(key, self.weights);
        let (units, outputs) = (self.units, self.outputs);
        let (rows, columns) = match role {
            Role::Recurrent(..) => (units, units),
            Role::Input(..) => (self.inputs, units),
            Role::Readout => (outputs, units),
            Role::ReadoutBias => (1, outputs),
            Role::Bias(..) | Role::Unit(_) | Role::InitialState(_) => (1, units),
        };
        for row in 0..rows {
            for column in 0..columns.next_multiple_of(4) {
                let element = match role {
                    // Forward products read column j of W for all units, the transposed ones row u.
                    Role::Recurrent(..) if key.0 == 0 => column * units + row,
                    Role::Input(..) => column * self.inputs + row,
                    _ => row * columns + column,
                };
                self.sources.push(if column < columns {
                    (offset + element + 1) as u32
                } else {
                    0
                });
            }
        }
        self.weights = self.sources.len() / 4;
    }

    /// First vec4 of a tensor in a network's weights.
    pub fn offset(&self, key: (u8, usize, usize)) -> usize {
        self.offsets.get(&key).copied().unwrap_or(0)
    }

    /// Trials of a tile.
    pub fn tile(&self) -> usize {
        4 * self.trial_quads
    }

    /// Tiles of a batch.
    pub fn tiles(&self, batch: usize) -> usize {
        batch.div_ceil(self.tile())
    }

    /// Invocations of a workgroup.
    pub fn lanes(&self) -> usize {
        self.unit_quads * self.trial_quads
    }

    /// Units with padding.
    pub fn padded(&self) -> usize {
        4 * self.unit_quads
    }

    /// vec4s of a dispatch slot's history over `n_steps` time steps: `lane_history_size` of the kernels.
    pub fn history(&self, n_steps: usize) -> usize {
        let per_step =
            (self.inputs + self.outputs + self.fields * self.padded()) * self.trial_quads;
        self.trial_quads * (1 + (self.unit_params + self.fields) * self.padded())
            + n_steps * per_step
    }

    /// Bytes that a training step of `n_networks` must move, whatever the kernels: parameters and both moments read and
    /// written, the trials read once (no more of them than the bank holds), and every state of every trial, which no
    /// workgroup's memory holds over a whole trial, written on the way forward and read on the way back.
    pub fn floor_bytes(
        &self,
        n_networks: usize,
        batch: usize,
        n_steps: usize,
        bank_trials: usize,
    ) -> u64 {
        let optimiser = 6 * n_networks * self.params;
        let channels = self.inputs + 2 * self.outputs;
        let trials = bank_trials.min(n_networks * batch) * n_steps * channels;
        let states = 2 * n_networks * batch * n_steps * self.states * self.units;
        4 * (optimiser + trials + states) as u64
    }

    /// Words of the larger of the two buffers that teacher forcing takes per network.
    pub fn forcing(&self) -> usize {
        let (units, outputs) = (self.units, self.outputs);
        let most = ((units + outputs) * outputs).max(units * (outputs + 2));
        self.forced.map_or(0, |_| most)
    }

    /// Words of a tile's moments and of a network's slope, where the effective dimension is penalised.
    pub fn moments(&self) -> (usize, usize) {
        let (units, padded) = (self.units, self.padded());
        let words = (units * (units + 1), (units + 1) * padded);
        if self.dimension { words } else { (0, 0) }
    }

    /// First vec4 of row `t`, field `field` inside a slot's history.
    pub fn row(&self, n_steps: usize, t: usize, field: usize) -> usize {
        self.trial_quads
            * (1 + n_steps * (self.inputs + self.outputs)
                + (self.unit_params + t * self.fields + field) * self.padded())
    }

    /// First vec4 of the outputs (or errors) inside a slot's history.
    pub fn errors(&self, n_steps: usize) -> usize {
        self.trial_quads * (1 + n_steps * self.inputs)
    }

    /// The generated function that tells `optimise` to which part of a network a parameter belongs; 4 for none.
    pub fn parts(&self) -> String {
        let mut text = "fn optimise_part(p: u32) -> u32 {\n".to_owned();
        for (offset, part) in self.parts.iter().rev() {
            let part = part.map_or(4, |p| p as usize);
            let _ = writeln!(text, "    if p >= {offset}u {{ return {part}u; }}");
        }
        text.push_str("    return 4u;\n}\n");
        text
    }

    /// The generated header of every kernel of this architecture.
    pub fn header(&self, variant: &Variant) -> String {
        let [work, shared, own] = variant.matrices.unwrap_or([self.params, 0, 0]);
        let values = [
            ("PARAM_STRIDE", work),
            ("WORK", work),
            ("MATRIX_SHARED", shared),
            ("MATRIX_OWN", own),
            ("UNITS", self.units),
            ("UNIT_QUADS", self.unit_quads),
            ("TRIAL_QUADS", self.trial_quads),
            ("INPUTS", self.inputs),
            ("OUTPUTS", self.outputs),
            ("STATES", self.states),
            ("FIELDS", self.fields),
            ("KEPT", self.kept),
            ("UNIT_PARAMS", self.unit_params),
            ("NOISES", self.noises),
            ("NETWORK_WORDS", self.record_words),
            ("PARAMS", self.params),
            ("WEIGHTS", self.weights),
            ("WEIGHT_READOUT", self.offset(key(Role::Readout))),
            ("WEIGHT_READOUT_BIAS", self.offset(key(Role::ReadoutBias))),
            ("TEACHER_ROW", self.outputs + 2),
            ("PARAM_READOUT", self.readout.0),
            ("PARAM_READOUT_BIAS", self.readout.1),
            ("PARAM_INITIAL_STATE", self.first_initial_state),
            ("NONE", u32::MAX as usize),
        ];
        let mut text = String::new();
        for (name, value) in values {
            let _ = writeln!(text, "const {name}: u32 = {value}u;");
        }
        let _ = writeln!(text, "const ORDER: u32 = {}u;", variant.order as u32);
        let all = variant.loss == Loss::AllMean;
        let _ = writeln!(text, "const ALL_MEAN: bool = {all};");
        text
    }
}
