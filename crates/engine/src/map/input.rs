//! Derivatives of a map beyond its Jacobian: in the input, and of the readout; and the same network at another input.

use super::form::Section;
use super::{Map, Scratch};
use crate::cell::derive::adjoint;
use crate::cell::graph::Leaf;
use crate::cell::program::Array;
use crate::error::EngineError;

impl Map {
    /// The same network at another constant input, `[channel]`; buffers made before stay valid.
    ///
    /// # Errors
    ///
    /// [`EngineError::Shape`] or [`EngineError::Unsupported`] where the input has the wrong length or is not finite.
    pub fn change_input(&mut self, input: &[f32]) -> Result<(), EngineError> {
        if input.len() != self.n_inputs {
            return Err(EngineError::Shape {
                operation: "map",
                what: "the input".into(),
                found: format!("{} channels", input.len()),
                expected: format!("{} channels", self.n_inputs),
            });
        }
        if let Some(channel) = input.iter().position(|x| !x.is_finite()) {
            return Err(EngineError::Unsupported {
                executor: "map",
                what: format!("channel {channel} of the input is not finite"),
                allowed: "every number must be finite".into(),
            });
        }
        let wide: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();
        self.gates.iter_mut().for_each(|g| g.fold(&wide));
        self.half_widths = super::bounds::half_widths(self);
        Ok(())
    }

    /// Input channels.
    pub fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    /// Output channels.
    pub fn n_outputs(&self) -> usize {
        self.b_out.len()
    }

    /// dF/du at a state and the map's input, `[field * unit, channel]`.
    pub fn input_jacobian(&self, scratch: &mut Scratch, state: &[f64]) -> Vec<f64> {
        self.evaluate(&self.step, true, scratch, state);
        let storage = &scratch.workspace.storage;
        let (n, channels) = (self.n_units, self.n_inputs);
        // Pre-activations of later stages see the input through their drive as well.
        let mut gates: Vec<Vec<f64>> = self
            .gates
            .iter()
            .map(|g| {
                let mut direct = g.inputs.clone();
                direct.resize(n * channels, 0.0);
                direct
            })
            .collect();
        let width = channels.max(1);
        let through = |to: &mut [f64], slopes: &[Option<usize>], gates: &[Vec<f64>]| {
            for (slope, gate) in slopes.iter().zip(gates) {
                let Some(at) = *slope else { continue };
                let rows = to.chunks_mut(width).zip(gate.chunks(width));
                for ((to, from), d) in rows.zip(&storage[at]) {
                    to.iter_mut().zip(from).for_each(|(x, g)| *x += d * g);
                }
            }
        };
        for (s, slopes) in self.step.drive.by_gate.iter().enumerate() {
            if slopes.iter().all(Option::is_none) {
                continue;
            }
            let mut drive = vec![0.0; n * channels];
            through(&mut drive, slopes, &gates);
            for (weights, gate) in self.gates.iter().zip(&mut gates) {
                if weights.stage != s || weights.rows.is_empty() {
                    continue;
                }
                for i in 0..n {
                    for j in 0..n {
                        let w = weights.rows[i * self.stride + j];
                        for k in 0..channels {
                            gate[i * channels + k] += w * drive[j * channels + k];
                        }
                    }
                }
            }
        }
        let mut out = vec![0.0; self.n_state() * channels];
        for (field, slopes) in self.step.outer.by_gate.iter().enumerate() {
            through(
                &mut out[field * n * channels..(field + 1) * n * channels],
                slopes,
                &gates,
            );
        }
        out
    }

    /// Derivative of the readout at a state, `[output, field * unit]`.
    pub fn readout_jacobian(&self, scratch: &mut Scratch, state: &[f64]) -> Vec<f64> {
        let (n, size) = (self.n_units, self.n_state());
        let mut out = vec![0.0; self.n_outputs() * size];
        let mut fill = |field: usize, slope: &dyn Fn(usize) -> f64| {
            for (to, from) in out.chunks_mut(size.max(1)).zip(self.w_out.chunks(n.max(1))) {
                for (u, w) in from.iter().enumerate() {
                    to[field * n + u] = w * slope(u);
                }
            }
        };
        if let Some(field) = self.cell.plain_output() {
            fill(field, &|_| 1.0);
            return out;
        }
        self.load(&self.step, scratch, state);
        let mut graph = self.cell.graph.clone();
        let one = graph.literal(1.0);
        let partials: Vec<_> = adjoint(&mut graph, &[(self.cell.output, one)])
            .into_iter()
            .filter_map(|(leaf, node)| match leaf {
                Leaf::State(field) => Some((usize::from(field), node)),
                _ => None,
            })
            .collect();
        for (field, node) in partials {
            // Every run of a form computes its own partials anew: sharing an array with one does no harm.
            let array = Array::Partial(0);
            let section = Section::new(&graph, &[(array, node)], &mut scratch.workspace);
            section.run(&mut scratch.workspace.storage, n);
            let at = scratch.workspace.array(array);
            fill(field, &|u| scratch.workspace.storage[at][u]);
        }
        out
    }
}
