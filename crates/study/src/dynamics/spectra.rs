//! Lyapunov spectra of a population under several constant inputs, or along trials, as figures and as a table.

use super::NetworkExponents;
use crate::tables::Table;
use serde_json::{Value, json};

/// Spectra of all networks under what drives them.
#[derive(Clone, Debug, Default)]
pub struct Spectra {
    /// Exponents measured of each.
    pub leading: usize,
    /// Constant inputs, `[channel]` each; a single empty one stands for trials.
    pub inputs: Vec<Vec<f32>>,
    /// `[condition][network]`
    pub spectra: Vec<Vec<NetworkExponents>>,
}

impl Spectra {
    /// Spectra of every network, by network and condition.
    fn rows(&self) -> Vec<(usize, &NetworkExponents)> {
        let networks = self.spectra.first().map_or(0, Vec::len);
        (0..networks)
            .flat_map(|n| {
                let conditions = self.spectra.iter().enumerate();
                conditions.filter_map(move |(c, all)| Some((c, all.get(n)?)))
            })
            .collect()
    }

    /// `networks` of `lyapunov.json`; what is not finite is `null`.
    #[must_use]
    pub fn networks(&self) -> Vec<Value> {
        let mut all: Vec<(usize, Vec<Value>)> = Vec::new();
        for (condition, row) in self.rows() {
            let s = &row.spectrum;
            let value = json!({
                "condition": condition, "input": self.inputs[condition],
                "orbits": row.orbits, "diverged": row.diverged, "steps": s.steps,
                "exponents": s.exponents, "standard_error": s.standard_error,
                "kaplan_yorke": s.kaplan_yorke, "entropy": s.entropy,
            });
            match all.last_mut().filter(|(n, _)| *n == row.network) {
                Some((_, conditions)) => conditions.push(value),
                None => all.push((row.network, vec![value])),
            }
        }
        all.into_iter()
            .map(|(network, conditions)| json!({"network": network, "conditions": conditions}))
            .collect()
    }

    /// `lyapunov.parquet`: a row per network and condition, a column per exponent and per standard error. An exponent of minus
    /// infinity is a direction that the map annihilates; NaN stands where no orbit stayed finite.
    #[must_use]
    pub fn table(&self) -> Table {
        let rows = self.rows();
        let integers = |f: &dyn Fn(&NetworkExponents) -> usize| -> Vec<i64> {
            rows.iter().map(|(_, r)| f(r) as i64).collect()
        };
        let numbers = |f: &dyn Fn(&NetworkExponents) -> Option<f64>| -> Vec<f64> {
            let values = rows.iter().map(|(_, r)| f(r).filter(|_| r.orbits > 0));
            values.map(|x| x.unwrap_or(f64::NAN)).collect()
        };
        let mut table = Table::default()
            .integers("network", integers(&|r| r.network))
            .integers("condition", rows.iter().map(|(c, _)| *c as i64))
            .integers("orbits", integers(&|r| r.orbits))
            .integers("diverged", integers(&|r| r.diverged))
            .integers("steps", integers(&|r| r.spectrum.steps))
            .numbers("kaplan_yorke", numbers(&|r| r.spectrum.kaplan_yorke))
            .numbers("entropy", numbers(&|r| Some(r.spectrum.entropy)));
        for k in 0..self.leading {
            let exponent = numbers(&|r| r.spectrum.exponents.get(k).copied());
            table = table.numbers(&format!("exponent_{k}"), exponent);
        }
        for k in 0..self.leading {
            let error = numbers(&|r| r.spectrum.standard_error.get(k).copied());
            table = table.numbers(&format!("standard_error_{k}"), error);
        }
        table
    }
}
