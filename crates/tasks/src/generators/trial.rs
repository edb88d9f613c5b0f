//! Trials in epochs: channels, variables, epochs, signals, targets and weights, all written in the task file.
//!
//! Everything that can be said of a trial is an expression; there is one way to draw a variable, one to write a channel and
//! one to weigh it. The language is described in docs/tasks.md.

mod conditions;
mod fill;
mod resolve;
mod spec;

pub use spec::{ConditionsSpec, During, SignalSpec, TargetSpec, TrialSpec, WeightSpec};

use super::{Generate, TrialSlot};
use crate::expression::{Bound, Quantity};
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::{ChannelNames, TaskShape};

/// Names that every expression knows: time since the epoch began, time since the trial began, index of the component,
/// number of components, and the angle that the component stands for on a ring.
const SPECIAL: [&str; 5] = ["t", "time", "i", "n", "angle"];
const TIMES: [usize; 2] = [0, 1];

/// A trial in epochs, checked. Slots of expressions: the special names, then variables, then durations of epochs.
#[derive(Clone, Debug)]
pub struct Trial {
    dt: f64,
    n_steps: usize,
    copies: usize,
    /// Components of all input channels of one copy.
    n_inputs: usize,
    /// Components of all output channels of one copy.
    n_outputs: usize,
    /// Of all components of all copies.
    names: ChannelNames,
    variables: Vec<Variable>,
    /// Names of the epochs and their durations.
    epochs: Vec<(String, Quantity)>,
    signals: Vec<Signal>,
    targets: Vec<Signal>,
    /// `None`: 1 during every epoch.
    mask: Option<Vec<Weight>>,
    needs_totals: bool,
    /// The variables that run through a grid, where there is one, and their numbers of values.
    grid: Option<Vec<(usize, usize)>>,
    conditions: Vec<Condition>,
    /// What says to which condition a trial belongs: variable and the values it is compared with.
    nearest: Vec<(usize, Vec<f64>)>,
    evidence: Option<Bound>,
}

#[derive(Clone, Debug)]
struct Variable {
    name: String,
    quantity: Quantity,
    /// Number of values of a draw that has a number of them.
    count: Option<usize>,
    /// Whether all copies have the value of the first: durations depend on it.
    shared: bool,
}

/// What a channel carries during some epochs.
#[derive(Clone, Debug)]
struct Signal {
    /// First component of the channel.
    first: usize,
    /// Components of the channel.
    size: usize,
    /// Indices of epochs.
    during: Vec<usize>,
    value: Option<Bound>,
    noise: Option<Bound>,
}

#[derive(Clone, Debug)]
struct Weight {
    /// First component and number of components.
    first: usize,
    size: usize,
    during: Vec<usize>,
    weight: Bound,
    grace: Bound,
}

impl Generate for Trial {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.n_steps,
            n_inputs: self.copies * self.n_inputs,
            n_outputs: self.copies * self.n_outputs,
        }
    }

    fn channel_names(&self) -> ChannelNames {
        self.names.clone()
    }

    fn conditions(&self) -> Vec<Condition> {
        self.conditions.clone()
    }

    fn grid_size(&self) -> Option<usize> {
        Some(self.grid.as_ref()?.iter().map(|axis| axis.1).product())
    }

    fn fill(&self, trial: usize, draws: Draws, slot: TrialSlot<'_>) {
        self.write(trial, draws, slot);
    }

    fn spans(&self, trial: usize, draws: Draws) -> Vec<Span> {
        self.epochs_of(trial, draws)
    }

    fn evidence(&self, trial: usize, draws: Draws) -> Option<f64> {
        self.evidence_of(trial, draws)
    }
}

/// When an epoch of a trial is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Name of the epoch.
    pub name: String,
    /// Its first step.
    pub from: usize,
    /// The step after its last.
    pub to: usize,
}
