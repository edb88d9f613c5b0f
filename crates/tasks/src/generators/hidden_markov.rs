//! Sequences of a hidden Markov chain, symbol by symbol: which comes next? (The chains of Torre et al. 2025.)

use serde::Deserialize;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

/// Most hidden states and most symbols.
const MOST: usize = 1024;

/// [`HiddenMarkov`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenMarkovSpec {
    /// Time steps.
    pub steps: Option<u32>,
    /// Probabilities of the next state, a row per state.
    pub transitions: Option<Vec<Vec<f64>>>,
    /// Probabilities of the symbols, a row per state.
    pub emissions: Option<Vec<Vec<f64>>>,
}

impl HiddenMarkovSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            steps: self.steps.or(base.steps),
            transitions: self
                .transitions
                .clone()
                .or_else(|| base.transitions.clone()),
            emissions: self.emissions.clone().or_else(|| base.emissions.clone()),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<HiddenMarkov> {
        let transitions = place.given("transitions", &self.transitions)?;
        let emissions = place.given("emissions", &self.emissions)?;
        let states = transitions.len();
        let symbols = emissions.first().map_or(0, Vec::len);
        if emissions.len() != states {
            let allowed = format!("one for each of the {states} rows of transitions");
            return Err(place.refuse("emissions", format!("{} rows", emissions.len()), &allowed));
        }
        for (field, rows, wide) in [
            ("transitions", &transitions, states),
            ("emissions", &emissions, symbols),
        ] {
            if wide == 0 || wide > MOST {
                return Err(place.refuse(
                    field,
                    format!("{wide} columns"),
                    &format!("1 to {MOST}"),
                ));
            }
            for (k, row) in rows.iter().enumerate() {
                let sum: f64 = row.iter().sum();
                let fits =
                    row.len() == wide && row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() < 1e-6;
                if !fits {
                    let allowed = format!("{wide} probabilities that add up to 1");
                    return Err(place.refuse(
                        &format!("{field}[{k}]"),
                        format!("{row:?}"),
                        &allowed,
                    ));
                }
            }
        }
        Ok(HiddenMarkov {
            steps: place.count("steps", self.steps)?,
            symbols,
            transitions,
            emissions,
        })
    }
}

/// Inputs: the present symbol, one-hot; targets: the next one. The first state is any, equally likely.
#[derive(Clone, Debug)]
pub struct HiddenMarkov {
    steps: usize,
    symbols: usize,
    transitions: Vec<Vec<f64>>,
    emissions: Vec<Vec<f64>>,
}

impl Generate for HiddenMarkov {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: self.symbols,
            n_outputs: self.symbols,
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        let condition = |symbol| {
            let mut input = vec![0.0; self.symbols];
            input[symbol] = 1.0;
            Condition {
                label: format!("symbol {symbol}"),
                input,
            }
        };
        (0..self.symbols).map(condition).collect()
    }

    /// The condition of a trial is its first symbol.
    fn fill(&self, _trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let mut state = draws.below(self.transitions.len() as u32) as usize;
        for step in 0..=self.steps {
            let symbol = drawn(&self.emissions[state], f64::from(draws.uniform()));
            if step == 0 {
                *slot.condition = symbol as i32;
            }
            if step < self.steps {
                slot.inputs[step * self.symbols + symbol] = 1.0;
            }
            if step > 0 {
                slot.targets[(step - 1) * self.symbols + symbol] = 1.0;
            }
            state = drawn(&self.transitions[state], f64::from(draws.uniform()));
        }
    }
}

/// The index at which the sum of probabilities passes `u`.
fn drawn(probabilities: &[f64], u: f64) -> usize {
    let mut sum = 0.0;
    for (k, p) in probabilities.iter().enumerate() {
        sum += p;
        if u < sum {
            return k;
        }
    }
    probabilities.len() - 1
}
