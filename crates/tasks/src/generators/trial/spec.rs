//! A trial in epochs as a task file writes it, and how a variant changes it.

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use std::fmt;

use crate::expression::Expression;
use crate::generators::Order;
use crate::named::Named;

/// [`super::Trial`] as a task file writes it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialSpec {
    /// Time per step, as in 20 for steps of 20 ms: every duration is then in that unit. Left out: durations in steps.
    pub dt: Option<f64>,
    /// Steps of every trial; left out: as many as the longest can have.
    pub steps: Option<u32>,
    /// Whether trials are drawn, or run through a grid.
    pub order: Option<Order>,
    /// Independent copies of the task side by side.
    pub copies: Option<u32>,
    /// Input channels and how many components each has.
    pub inputs: Option<Named<u32>>,
    /// Output channels and how many components each has.
    pub outputs: Option<Named<u32>>,
    /// What differs between trials; an entry may use those before it.
    #[serde(default)]
    pub variables: Named<Expression>,
    /// Stretches of time and their durations.
    #[serde(default)]
    pub epochs: Named<Expression>,
    /// What the input channels carry; entries add up.
    pub signals: Option<Vec<SignalSpec>>,
    /// What the output channels should be; entries add up.
    pub targets: Option<Vec<TargetSpec>>,
    /// Weights in the loss; a later entry replaces an earlier one, and where there is none the weight is 0. Left out: 1
    /// during every epoch.
    pub mask: Option<Vec<WeightSpec>>,
    /// The constant inputs under which fixed points are sought.
    pub conditions: Option<ConditionsSpec>,
    /// What a decision is about, for psychometric curves: above 0 where the first output, or the larger value of the only
    /// one, is right.
    pub evidence: Option<Expression>,
}

/// What an input channel carries.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    /// Input channel.
    pub to: String,
    /// Epochs; left out: all.
    #[serde(default)]
    pub during: During,
    /// Value, per step and component.
    pub value: Option<Expression>,
    /// Standard deviation of normal noise, fresh at every step and component.
    pub noise: Option<Expression>,
}

/// What an output channel should be.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// Output channel.
    pub to: String,
    /// Epochs; left out: all.
    #[serde(default)]
    pub during: During,
    /// Value, per step and component.
    pub value: Expression,
}

/// How much errors count.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightSpec {
    /// Output channel; left out: all.
    pub to: Option<String>,
    /// Epochs; left out: all.
    #[serde(default)]
    pub during: During,
    /// Weight; left out: 1.
    pub weight: Option<Expression>,
    /// Time at the beginning of each epoch that does not count.
    pub grace: Option<Expression>,
}

/// Constant inputs: those of an epoch, for every combination of the values listed.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionsSpec {
    /// Epochs whose inputs they are.
    pub during: During,
    /// Values of variables. A trial belongs to the combination nearest to its own.
    #[serde(default)]
    pub at: Named<Vec<f64>>,
}

/// Names of epochs, one or several.
#[derive(Clone, Debug, Default)]
pub struct During(pub(crate) Vec<String>);

impl TrialSpec {
    /// Fills what is left out from `base`. Variables and epochs are replaced by name; any other field as a whole.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let own = self.clone();
        let replace = |own: &Expression, _: &Expression| own.clone();
        Self {
            dt: own.dt.or(base.dt),
            steps: own.steps.or(base.steps),
            order: own.order.or(base.order),
            copies: own.copies.or(base.copies),
            inputs: own.inputs.or_else(|| base.inputs.clone()),
            outputs: own.outputs.or_else(|| base.outputs.clone()),
            variables: own.variables.over(&base.variables, replace),
            epochs: own.epochs.over(&base.epochs, replace),
            signals: own.signals.or_else(|| base.signals.clone()),
            targets: own.targets.or_else(|| base.targets.clone()),
            mask: own.mask.or_else(|| base.mask.clone()),
            conditions: own.conditions.or_else(|| base.conditions.clone()),
            evidence: own.evidence.or_else(|| base.evidence.clone()),
        }
    }

    /// [`TrialSpec::over`], but signals, targets and weights are added to those of `base`.
    pub(crate) fn and(&self, base: &Self) -> Self {
        fn joined<T: Clone>(base: &Option<Vec<T>>, own: &Option<Vec<T>>) -> Option<Vec<T>> {
            match (base, own) {
                (Some(base), Some(own)) => Some(base.iter().chain(own).cloned().collect()),
                (base, own) => own.clone().or_else(|| base.clone()),
            }
        }
        Self {
            signals: joined(&base.signals, &self.signals),
            targets: joined(&base.targets, &self.targets),
            mask: joined(&base.mask, &self.mask),
            ..self.over(base)
        }
    }
}

impl<'de> Deserialize<'de> for During {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = During;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an epoch, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<During, E> {
                Ok(During(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<During, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(names)).map(During)
            }
        }
        deserializer.deserialize_any(Names)
    }
}
