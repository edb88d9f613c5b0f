//! `compare` and the distances of `measure`, held against task and populations.

use super::Resolver;
use super::check::positive;
use crate::error::Result;
use crate::spec::{
    DistanceSpec, DsaSpec, MeasureSpec, OutOfDistributionSpec, StudySpec, WeightScale,
};
use crate::study::{ComparePlan, PopulationPlan};
use chiliad_tasks::Task;

impl Resolver<'_> {
    /// How the study compares networks; nothing where it measures neither distances nor topology.
    pub(super) fn comparison(
        &self,
        spec: &StudySpec,
        task: &Task,
        populations: &[PopulationPlan],
    ) -> Result<Option<ComparePlan>> {
        let how = &spec.compare;
        let at_least_one =
            |path: &str, n: usize| positive(n as u64).map_err(|m| self.refuse(path, m));
        at_least_one("compare.trials", how.trials)?;
        at_least_one("compare.neighbours", how.neighbours)?;
        at_least_one("compare.permutations", how.permutations)?;
        at_least_one("compare.resamplings", how.resamplings)?;
        let shape = task
            .shape(&how.variant)
            .map_err(|e| self.refuse("compare.variant", e.to_string()))?;
        let all = task.grid_size(&how.variant)?;
        let trials = all.map_or(how.trials, |all| how.trials.min(all));
        let (mut measures, mut out_of_distribution) = (Vec::new(), Vec::new());
        for (i, measure) in spec.measure.iter().enumerate() {
            let path = format!("measure[{i}]");
            match measure {
                MeasureSpec::OutOfDistribution(ood) => {
                    out_of_distribution.push(self.out_of_distribution(ood, task, &path)?);
                }
                other => {
                    let Some(distance) = other.distance() else {
                        continue;
                    };
                    let distance = self.distance(
                        distance,
                        &path,
                        populations,
                        [trials, shape.n_steps],
                        how.controls,
                    )?;
                    let fixed_points = spec
                        .measure
                        .iter()
                        .any(|m| matches!(m, MeasureSpec::FixedPoints { .. }));
                    if matches!(distance, DistanceSpec::Configuration(_)) && !fixed_points {
                        return Err(self.refuse(
                            &path,
                            "Configuration() registers fixed points; add FixedPoints()",
                        ));
                    }
                    if measures
                        .iter()
                        .any(|m: &DistanceSpec| m.name() == distance.name())
                    {
                        return Err(self.refuse(
                            &path,
                            format!("`{}` is there already; once is enough", distance.name()),
                        ));
                    }
                    measures.push(distance);
                }
            }
        }
        let topology = spec
            .measure
            .iter()
            .any(|m| matches!(m, MeasureSpec::Topology { .. }));
        if measures.is_empty() && out_of_distribution.is_empty() && !topology {
            return Ok(None);
        }
        let networks: usize = populations.iter().map(|p| p.networks.len()).sum();
        if !measures.is_empty() && networks < 2 {
            return Err(self.refuse(
                "networks",
                format!("{networks} network; allowed: 2 or more where distances are measured"),
            ));
        }
        Ok(Some(ComparePlan {
            how: how.clone(),
            distances: measures,
            out_of_distribution,
        }))
    }

    fn out_of_distribution(
        &self,
        ood: &OutOfDistributionSpec,
        task: &Task,
        path: &str,
    ) -> Result<OutOfDistributionSpec> {
        positive(ood.trials as u64).map_err(|m| self.refuse(&format!("{path}.trials"), m))?;
        Ok(OutOfDistributionSpec {
            variant: self.variant(task, &ood.variant, &format!("{path}.variant"))?,
            trials: ood.trials,
        })
    }

    /// The measure with its defaults explicit; `moments` are trials and steps of each.
    fn distance(
        &self,
        spec: DistanceSpec,
        path: &str,
        populations: &[PopulationPlan],
        [trials, steps]: [usize; 2],
        controls: bool,
    ) -> Result<DistanceSpec> {
        let at = |field: &str| format!("{path}.{field}");
        let within = |field: &str, n: usize, most: usize, what: &str| {
            if (1..=most).contains(&n) {
                Ok(())
            } else {
                Err(self.refuse(&at(field), format!("{n}; allowed: 1 to {most}, {what}")))
            }
        };
        let least_units = populations.iter().map(|p| p.units).min().unwrap_or(0);
        let fit = |delays: usize, interval: usize, rank: usize, ridge: f64| {
            positive(delays as u64).map_err(|m| self.refuse(&at("delays"), m))?;
            positive(interval as u64).map_err(|m| self.refuse(&at("interval"), m))?;
            let lost = (delays - 1).saturating_mul(interval);
            if lost.saturating_add(2) > steps {
                return Err(self.refuse(
                    &at("delays"),
                    format!("{delays} delays of {interval} steps leave less than 2 rows of a trial of {steps} steps; allowed: fewer, or `compare: (variant: ...)` with longer trials"),
                ));
            }
            let most = delays
                .saturating_mul(least_units)
                .min(trials * (steps - lost));
            within(
                "rank",
                rank,
                most,
                "the smaller side of the embedded states of the smallest networks",
            )?;
            if ridge.is_finite() && ridge >= 0.0 {
                Ok(())
            } else {
                Err(self.refuse(&at("ridge"), format!("{ridge}; allowed: 0 or more")))
            }
        };
        match &spec {
            DistanceSpec::Svcca(s) => {
                if s.components.is_some() && s.variance.is_some() {
                    return Err(self.refuse(
                        &at("variance"),
                        "components are given; allowed: one of the two",
                    ));
                }
                if let Some(k) = s.components {
                    within(
                        "components",
                        k,
                        least_units.min((trials * steps - 1) / 2),
                        "the units of the smallest networks and less than half the moments",
                    )?;
                }
                if s.variance.is_some_and(|v| !(v > 0.0 && v <= 1.0)) {
                    return Err(self.refuse(&at("variance"), "allowed: above 0 and at most 1"));
                }
                let mut s = s.clone();
                if s.components.is_none() {
                    s.variance = s.variance.or(Some(0.99));
                }
                return Ok(DistanceSpec::Svcca(s));
            }
            DistanceSpec::Procrustes(p) if !(0.0..=1.0).contains(&p.alpha) => {
                return Err(self.refuse(&at("alpha"), format!("{}; allowed: 0 to 1", p.alpha)));
            }
            DistanceSpec::Trajectories(p) | DistanceSpec::Endpoints(p) => {
                within(
                    "components",
                    p.components,
                    least_units,
                    "the units of the smallest networks",
                )?;
            }
            DistanceSpec::Selectivity(r) | DistanceSpec::Configuration(r) => {
                within(
                    "dimensions",
                    r.dimensions,
                    64,
                    "coordinates that are turned",
                )?;
                within("restarts", r.restarts, 10_000, "rotations")?;
            }
            DistanceSpec::Dsa(d) => {
                fit(d.delays, d.interval, d.rank, d.ridge)?;
                let neighbouring = d.neighbouring.clone().unwrap_or_else(|| beside(d));
                for (delays, rank) in &neighbouring {
                    fit(*delays, d.interval, *rank, d.ridge).or_else(|e| {
                        // What was not asked for is left out where it does not exist.
                        if d.neighbouring.is_some() {
                            Err(e)
                        } else {
                            Ok(())
                        }
                    })?;
                }
                let exists = |&(delays, rank): &(usize, usize)| {
                    fit(delays, d.interval, rank, d.ridge).is_ok()
                };
                return Ok(DistanceSpec::Dsa(DsaSpec {
                    neighbouring: Some(neighbouring.iter().copied().filter(exists).collect()),
                    ..d.clone()
                }));
            }
            DistanceSpec::DmdWasserstein(f) => fit(f.delays, f.interval, f.rank, f.ridge)?,
            DistanceSpec::WeightPermutation(w) => {
                within("starts", w.starts, 100_000, "starts")?;
                if w.scale.is_empty() {
                    return Err(self.refuse(&at("scale"), "none; allowed: one or more of Raw, PerUnit, PerParameter, Relative, Untrained"));
                }
                if w.scale.contains(&WeightScale::Untrained) && !controls {
                    return Err(self.refuse(&at("scale"), "Untrained needs the untrained networks; allowed with `compare: (controls: true)`"));
                }
            }
            _ => {}
        }
        Ok(spec)
    }
}

/// 20 % below and above both.
fn beside(d: &DsaSpec) -> Vec<(usize, usize)> {
    let scaled = |n: usize, share: f64| ((n as f64 * share).round() as usize).max(1);
    let mut both: Vec<(usize, usize)> = [0.8, 1.2]
        .iter()
        .map(|s| (scaled(d.delays, *s), scaled(d.rank, *s)))
        .filter(|at| *at != (d.delays, d.rank))
        .collect();
    both.dedup();
    both
}
