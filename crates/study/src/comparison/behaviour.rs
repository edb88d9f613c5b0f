//! Losses where networks were not trained: how far they spread, population by population.

use crate::distances::members::Member;
use crate::study::Study;
use chiliad_analysis::distances::behaviour::{LossSpread, loss_spread};
use chiliad_analysis::statistics::{Interval, within_groups};
use serde::{Deserialize, Serialize};

/// One population on one variant of the task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// The variant.
    pub variant: String,
    /// Label of the population.
    pub population: String,
    /// Population standard deviation, mean and rate; none where a loss is not finite.
    pub spread: Option<LossSpread>,
    /// Of the standard deviation.
    pub interval: Option<Interval>,
    /// Networks whose loss there is not finite.
    pub not_finite: usize,
}

/// `losses[member]` on a variant, population by population; those that did not converge are counted in the rate.
#[must_use]
pub fn behaviour(
    study: &Study,
    members: &[Member],
    variant: &str,
    losses: &[f64],
    resamplings: usize,
) -> Vec<Behaviour> {
    let of = |(p, plan): (usize, &crate::study::PopulationPlan)| {
        let own = members
            .iter()
            .zip(losses)
            .filter(|(m, _)| m.population == p);
        let (finite, bad): (Vec<f64>, Vec<f64>) = own.map(|(_, l)| *l).partition(|l| l.is_finite());
        let mut all = finite.clone();
        all.resize(plan.networks.len().max(finite.len()), f64::NAN);
        let converged: Vec<bool> = (0..all.len()).map(|i| i < finite.len()).collect();
        let deviation = |chosen: &[usize]| {
            let drawn: Vec<f64> = chosen.iter().map(|&i| finite[i]).collect();
            loss_spread(&drawn, &vec![true; drawn.len()])
                .ok()?
                .deviation
        };
        Behaviour {
            variant: variant.into(),
            population: plan.label.clone(),
            spread: loss_spread(&all, &converged).ok(),
            interval: within_groups(&vec![0; finite.len()], resamplings, study.seed, &deviation),
            not_finite: bad.len(),
        }
    };
    study.populations.iter().enumerate().map(of).collect()
}
