//! The generators that a task file names, as written ([`GeneratorSpec`]) and as checked ([`Generator`]).
//!
//! A generator is a pure function from a trial's number and its stream of draws to that trial. To add one: a file beside
//! these with a spec, its checks and an implementation of `Generate`, and a line in each of the two enums.

mod context_integration;
mod external;
mod flip_flop;
mod flow;
mod hidden_markov;
mod modular_linear;
mod path_integration;
mod place;
mod rules;
mod sine;
mod trial;

use serde::Deserialize;

pub use context_integration::{ContextIntegration, ContextIntegrationSpec};
pub use external::{External, ExternalSpec};
pub use flip_flop::{FlipFlop, FlipFlopSpec};
pub use flow::{Flow, FlowSpec, System};
pub use hidden_markov::{HiddenMarkov, HiddenMarkovSpec};
pub use modular_linear::{ModularLinear, ModularLinearSpec};
pub use path_integration::{Direction, PathIntegration, PathIntegrationSpec};
pub use rules::{Rules, RulesSpec};
pub use sine::{Sine, SineSpec};
pub use trial::{
    ConditionsSpec, During, SignalSpec, Span, TargetSpec, Trial, TrialSpec, WeightSpec,
};

pub(crate) use place::Place;

use crate::error::Result;
use crate::random::{Draws, Stream};
use crate::task::Condition;
use crate::trials::{ChannelNames, TaskShape, Trials};

/// How a trial gets what can be listed: frequencies, conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Order {
    /// Each trial draws, all equally likely.
    Random,
    /// Trial k has combination k modulo their number, the first axis changing most slowly: as many trials as there are
    /// combinations are the whole grid.
    Grid,
}

/// A generator as a task file writes it. In a variant a field left out keeps the value it has under `generator`.
#[derive(Clone, Debug, Deserialize)]
pub enum GeneratorSpec {
    /// Hold the sign of the last pulse of each channel.
    FlipFlop(FlipFlopSpec),
    /// Generate the sine whose frequency a static input commands.
    Sine(SineSpec),
    /// Integrate the one of two streams that a static context names.
    ContextIntegration(ContextIntegrationSpec),
    /// Follow direction and speed to a position.
    PathIntegration(PathIntegrationSpec),
    /// Say where a trajectory of a known flow goes next.
    Flow(FlowSpec),
    /// Say which symbol of a hidden Markov chain comes next.
    HiddenMarkov(HiddenMarkovSpec),
    /// Sum modules of inputs over time.
    ModularLinear(ModularLinearSpec),
    /// Trials in epochs, written in the file.
    Trial(Box<TrialSpec>),
    /// Several tasks in epochs, one of them per trial.
    Rules(Box<RulesSpec>),
    /// The user's own trials.
    External(ExternalSpec),
}

impl GeneratorSpec {
    /// Fills what is left out from `base`; `None` where the two name different generators.
    pub(crate) fn over(&self, base: &Self) -> Option<Self> {
        Some(match (self, base) {
            (Self::FlipFlop(own), Self::FlipFlop(base)) => Self::FlipFlop(own.over(base)),
            (Self::Sine(own), Self::Sine(base)) => Self::Sine(own.over(base)),
            (Self::ContextIntegration(own), Self::ContextIntegration(base)) => {
                Self::ContextIntegration(own.over(base))
            }
            (Self::PathIntegration(own), Self::PathIntegration(base)) => {
                Self::PathIntegration(own.over(base))
            }
            (Self::Flow(own), Self::Flow(base)) => Self::Flow(own.over(base)),
            (Self::HiddenMarkov(own), Self::HiddenMarkov(base)) => {
                Self::HiddenMarkov(own.over(base))
            }
            (Self::ModularLinear(own), Self::ModularLinear(base)) => {
                Self::ModularLinear(own.over(base))
            }
            (Self::Trial(own), Self::Trial(base)) => Self::Trial(Box::new(own.over(base))),
            (Self::Rules(own), Self::Rules(base)) => Self::Rules(Box::new(own.over(base))),
            (Self::External(own), Self::External(_)) => Self::External(own.clone()),
            _ => return None,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::FlipFlop(_) => "FlipFlop",
            Self::Sine(_) => "Sine",
            Self::ContextIntegration(_) => "ContextIntegration",
            Self::PathIntegration(_) => "PathIntegration",
            Self::Flow(_) => "Flow",
            Self::HiddenMarkov(_) => "HiddenMarkov",
            Self::ModularLinear(_) => "ModularLinear",
            Self::Trial(_) => "Trial",
            Self::Rules(_) => "Rules",
            Self::External(_) => "External",
        }
    }

    /// Checks every value.
    pub(crate) fn resolve(&self, place: &Place) -> Result<Generator> {
        Ok(match self {
            Self::FlipFlop(spec) => Generator::FlipFlop(spec.resolve(place)?),
            Self::Sine(spec) => Generator::Sine(spec.resolve(place)?),
            Self::ContextIntegration(spec) => Generator::ContextIntegration(spec.resolve(place)?),
            Self::PathIntegration(spec) => Generator::PathIntegration(spec.resolve(place)?),
            Self::Flow(spec) => Generator::Flow(spec.resolve(place)?),
            Self::HiddenMarkov(spec) => Generator::HiddenMarkov(spec.resolve(place)?),
            Self::ModularLinear(spec) => Generator::ModularLinear(spec.resolve(place)?),
            Self::Trial(spec) => Generator::Trial(Box::new(spec.resolve(place, &[])?)),
            Self::Rules(spec) => Generator::Rules(spec.resolve(place)?),
            Self::External(spec) => Generator::External(spec.resolve(place)?),
        })
    }
}

/// A generator whose every value has been checked.
#[derive(Clone, Debug)]
pub enum Generator {
    /// See [`GeneratorSpec::FlipFlop`].
    FlipFlop(FlipFlop),
    /// See [`GeneratorSpec::Sine`].
    Sine(Sine),
    /// See [`GeneratorSpec::ContextIntegration`].
    ContextIntegration(ContextIntegration),
    /// See [`GeneratorSpec::PathIntegration`].
    PathIntegration(PathIntegration),
    /// See [`GeneratorSpec::Flow`].
    Flow(Flow),
    /// See [`GeneratorSpec::HiddenMarkov`].
    HiddenMarkov(HiddenMarkov),
    /// See [`GeneratorSpec::ModularLinear`].
    ModularLinear(ModularLinear),
    /// See [`GeneratorSpec::Trial`].
    Trial(Box<Trial>),
    /// See [`GeneratorSpec::Rules`].
    Rules(Rules),
    /// See [`GeneratorSpec::External`].
    External(External),
}

/// Where one trial is written; all zeros when a generator gets it, the mask all ones.
pub(crate) struct TrialSlot<'a> {
    /// `[time, input]`.
    pub(crate) inputs: &'a mut [f32],
    /// `[time, output]`.
    pub(crate) targets: &'a mut [f32],
    /// `[time, output]`.
    pub(crate) mask: &'a mut [f32],
    /// Index into the generator's conditions, or the user's own label.
    pub(crate) condition: &'a mut i32,
}

/// What every generator answers.
pub(crate) trait Generate {
    /// The extents of a trial.
    fn shape(&self) -> TaskShape;
    /// The constant inputs under which fixed points are sought.
    fn conditions(&self) -> Vec<Condition>;
    /// The number of trials after which there is nothing new, where there is one.
    fn grid_size(&self) -> Option<usize> {
        None
    }
    /// Writes trial number `trial`; `draws` is that trial's own.
    fn fill(&self, trial: usize, draws: Draws, slot: TrialSlot<'_>);
    /// Where the epochs of trial number `trial` lie, of the same draws; none where a generator has no epochs.
    fn spans(&self, _trial: usize, _draws: Draws) -> Vec<Span> {
        Vec::new()
    }
    /// What its channels are called.
    fn channel_names(&self) -> ChannelNames {
        ChannelNames::numbered(self.shape())
    }
    /// What the decision of trial number `trial` is about, of the same draws; `None` where a task has no decision.
    fn evidence(&self, _trial: usize, _draws: Draws) -> Option<f64> {
        None
    }
}

impl Generator {
    pub(crate) fn as_generate(&self) -> &dyn Generate {
        match self {
            Self::FlipFlop(generator) => generator,
            Self::Sine(generator) => generator,
            Self::ContextIntegration(generator) => generator,
            Self::PathIntegration(generator) => generator,
            Self::Flow(generator) => generator,
            Self::HiddenMarkov(generator) => generator,
            Self::ModularLinear(generator) => generator,
            Self::Trial(generator) => generator.as_ref(),
            Self::Rules(generator) => generator,
            Self::External(generator) => generator,
        }
    }

    /// Trials `first` .. `first + n_trials`, each from its own draws of `stream`. The caller has checked that they exist.
    pub(crate) fn generate(&self, first: usize, n_trials: usize, stream: Stream) -> Trials {
        let generator = self.as_generate();
        let TaskShape {
            n_steps,
            n_inputs,
            n_outputs,
        } = generator.shape();
        let (input_width, output_width) = (n_steps * n_inputs, n_steps * n_outputs);
        let mut trials = Trials {
            n_trials,
            n_steps,
            n_inputs,
            n_outputs,
            inputs: vec![0.0; n_trials * input_width],
            targets: vec![0.0; n_trials * output_width],
            mask: vec![1.0; n_trials * output_width],
            condition: vec![0; n_trials],
        };
        let slots = trials
            .inputs
            .chunks_exact_mut(input_width)
            .zip(trials.targets.chunks_exact_mut(output_width))
            .zip(trials.mask.chunks_exact_mut(output_width))
            .zip(&mut trials.condition);
        for (trial, (((inputs, targets), mask), condition)) in (first..).zip(slots) {
            generator.fill(
                trial,
                stream.draws(trial as u32),
                TrialSlot {
                    inputs,
                    targets,
                    mask,
                    condition,
                },
            );
        }
        trials
    }
}
