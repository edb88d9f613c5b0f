//! Several tasks in epochs over the same channels, one of them per trial, named to the network by a rule input (Yang et al.
//! 2019).

use serde::Deserialize;

use super::trial::{Span, Trial, TrialSpec};
use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::named::Named;
use crate::random::Draws;
use crate::suggestion::suggest;
use crate::task::Condition;
use crate::trials::{ChannelNames, TaskShape};

/// [`Rules`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesSpec {
    /// What all rules share. A rule replaces its variables and epochs by name, adds its own signals, targets and weights to
    /// these, and replaces any other field.
    #[serde(default)]
    pub shared: TrialSpec,
    /// The rules. In their expressions `rule` is the number of the rule, from 0 in the order of the file.
    #[serde(default)]
    pub rules: Named<TrialSpec>,
    /// The rules that trials have; left out: all.
    pub only: Option<Vec<String>>,
}

impl RulesSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            shared: self.shared.over(&base.shared),
            rules: self.rules.over(&base.rules, TrialSpec::over),
            only: self.only.clone().or_else(|| base.only.clone()),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<Rules> {
        let mut rules = Vec::new();
        let mut shape: Option<TaskShape> = None;
        for (k, (name, own)) in self.rules.0.iter().enumerate() {
            let at = Place {
                file: place.file,
                path: format!("{}.rules[{name:?}]", place.path),
            };
            let trial = own.and(&self.shared).resolve(&at, &[("rule", k as f64)])?;
            let found = trial.shape();
            let longest = shape.map_or(0, |s| s.n_steps).max(found.n_steps);
            if shape.is_some_and(|s| (s.n_inputs, s.n_outputs) != (found.n_inputs, found.n_outputs))
            {
                return Err(at.refuse(
                    "inputs",
                    found.n_inputs,
                    "all rules have the same channels",
                ));
            }
            shape = Some(TaskShape {
                n_steps: longest,
                ..found
            });
            rules.push((name.clone(), trial));
        }
        let Some(shape) = shape else {
            return Err(place.refuse(
                "rules",
                "(none)",
                "at least one, `rules: {\"name\": (...)}`",
            ));
        };
        let names: Vec<&str> = rules.iter().map(|r| r.0.as_str()).collect();
        let active = match &self.only {
            None => (0..rules.len()).collect(),
            Some(only) => only
                .iter()
                .map(|name| {
                    let index = names.iter().position(|known| known == name);
                    index.ok_or_else(|| {
                        place.refuse("only", format!("{name:?}"), &suggest(name, &names))
                    })
                })
                .collect::<Result<Vec<_>>>()?,
        };
        if active.is_empty() {
            return Err(place.refuse("only", "(none)", "at least one rule"));
        }
        Ok(Rules {
            rules,
            active,
            shape,
        })
    }
}

/// Trials are as long as those of the longest rule; what is beyond a trial's end has weight 0.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<(String, Trial)>,
    active: Vec<usize>,
    shape: TaskShape,
}

impl Rules {
    fn drawn(&self, draws: &mut Draws) -> usize {
        self.active[draws.below(self.active.len() as u32) as usize]
    }
}

impl Generate for Rules {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn channel_names(&self) -> ChannelNames {
        self.rules[0].1.channel_names()
    }

    fn conditions(&self) -> Vec<Condition> {
        let of_rule = |(name, trial): &(String, Trial)| {
            let label = move |c: Condition| Condition {
                label: format!("{name}: {}", c.label),
                input: c.input,
            };
            trial
                .conditions()
                .into_iter()
                .map(label)
                .collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(of_rule).collect()
    }

    fn fill(&self, trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let rule = self.drawn(&mut draws);
        let before: usize = self.rules[..rule]
            .iter()
            .map(|(_, t)| t.conditions().len())
            .sum();
        let mut own = 0;
        self.rules[rule].1.fill(
            trial,
            draws,
            TrialSlot {
                condition: &mut own,
                ..slot
            },
        );
        *slot.condition = before as i32 + own;
    }

    fn spans(&self, trial: usize, mut draws: Draws) -> Vec<Span> {
        let rule = self.drawn(&mut draws);
        self.rules[rule].1.spans(trial, draws)
    }
}
