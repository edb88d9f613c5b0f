//! A network as a linear system at one state: modes, what drives them, what they say, how non-normal they are.
//!
//! `h' = h* + J (h - h*) + B u`, `y = y* + C (h - h*)`, with J, B, C exact derivatives in f64. The state is the whole
//! state: of an LSTM, h and c.

mod modes;
mod non_normality;
pub mod removal;

pub use modes::{Complex, Mode, Modes};
pub use non_normality::NonNormality;

use chiliad_engine::linearise::time_constant;
use chiliad_engine::map::{Map, Scratch};

/// The linear system at one state.
#[derive(Clone, Debug)]
pub struct Linearised {
    /// J, `[to, from]` over `[field, unit]`.
    pub jacobian: Vec<f64>,
    /// B = dF/du, `[state, channel]`.
    pub input: Vec<f64>,
    /// C, derivative of the readout, `[output, state]`.
    pub readout: Vec<f64>,
    /// Input channels.
    pub n_inputs: usize,
    /// Output channels.
    pub n_outputs: usize,
    /// Eigenvalues and vectors of J.
    pub modes: Modes,
    /// How far J is from normal.
    pub non_normality: NonNormality,
}

impl Linearised {
    /// At a state, at the map's constant input; `None` where a derivative is not finite or the decomposition fails.
    pub fn at(map: &Map, scratch: &mut Scratch, state: &[f64]) -> Option<Self> {
        Self::of(
            map.jacobian(scratch, state),
            map.input_jacobian(scratch, state),
            map.readout_jacobian(scratch, state),
            [map.n_state(), map.n_inputs(), map.n_outputs()],
        )
    }

    /// From the three matrices; `[state, channels, outputs]` are their extents. `None` as in [`Linearised::at`], or where
    /// an extent is wrong.
    pub fn of(
        jacobian: Vec<f64>,
        input: Vec<f64>,
        readout: Vec<f64>,
        [n, n_inputs, n_outputs]: [usize; 3],
    ) -> Option<Self> {
        let fits = input.len() == n * n_inputs && readout.len() == n_outputs * n;
        let finite = input.iter().chain(&readout).all(|x| x.is_finite());
        if !fits || !finite {
            return None;
        }
        let modes = Modes::of(&jacobian, n)?;
        Some(Self {
            non_normality: NonNormality::of(&jacobian, &modes)?,
            jacobian,
            input,
            readout,
            n_inputs,
            n_outputs,
            modes,
        })
    }

    /// `l_a . B`, `[mode][channel]`: how far one unit of a channel, for one step, moves each mode. The left vector of a
    /// slow mode is its selection vector (Mante & Sussillo 2013); this is what the mode selects of the input.
    pub fn effective_input(&self) -> Vec<Vec<Complex>> {
        let onto = |mode: &Mode| {
            (0..self.n_inputs)
                .map(|k| {
                    mode.left
                        .iter()
                        .zip(self.input.iter().skip(k).step_by(self.n_inputs))
                        .map(|(l, b)| *l * *b)
                        .sum()
                })
                .collect()
        };
        self.modes.modes.iter().map(onto).collect()
    }

    /// `C r_a`, `[mode][output]`: what the readout makes of one unit of each mode.
    pub fn loading(&self) -> Vec<Vec<Complex>> {
        let seen = |mode: &Mode| {
            self.readout
                .chunks(self.modes.size.max(1))
                .map(|row| mode.right.iter().zip(row).map(|(r, c)| *r * *c).sum())
                .collect()
        };
        self.modes.modes.iter().map(seen).collect()
    }

    /// Modes with a time constant of at least `steps`, growing ones included.
    pub fn slow_modes(&self, steps: f64) -> Vec<usize> {
        (0..self.modes.modes.len())
            .filter(|a| time_constant(self.modes.modes[*a].eigenvalue) >= steps)
            .collect()
    }
}
