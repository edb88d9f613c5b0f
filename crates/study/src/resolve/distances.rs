//! `compare` and the distances of `measure`, held against task and populations.

use super::Resolver;
use super::check::{above_zero, positive};
use crate::distances::fits::Room;
use crate::error::Result;
use crate::spec::{
    DistanceSpec, DsaSpec, FitSpec, MeasureSpec, OrAuto, OutOfDistributionSpec, StudySpec,
    WeightScale,
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
        at_least_one("compare.pilots", how.pilots)?;
        above_zero(how.memory_gb, true).map_err(|m| self.refuse("compare.memory_gb", m))?;
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
                        .any(|m| matches!(m, MeasureSpec::FixedPoints(_)));
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
        let twins = if how.controls && !measures.is_empty() {
            self.twins(populations, how.twins)?
        } else {
            Vec::new()
        };
        let chooses = |d: &DistanceSpec| d.operators().is_some_and(|o| o.at().is_none());
        let pilots = if measures.iter().any(chooses) {
            self.pilots(populations, how.pilots)?
        } else {
            Vec::new()
        };
        Ok(Some(ComparePlan {
            how: how.clone(),
            distances: measures,
            out_of_distribution,
            twins,
            pilots,
            chosen: Vec::new(),
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
        let room = Room::of(populations, trials, steps);
        let least_units = room.units;
        // What is to be chosen is chosen among what there is.
        let fit = |f: &FitSpec| {
            positive(f.interval as u64).map_err(|m| self.refuse(&at("interval"), m))?;
            let delays = f.delays.number();
            for (field, number) in [("delays", delays), ("rank", f.rank.number())] {
                positive(number.unwrap_or(1) as u64).map_err(|m| self.refuse(&at(field), m))?;
            }
            if let Some(delays) = delays {
                let most = room
                    .most(delays, f.interval)
                    .map_err(|m| self.refuse(&at("delays"), m))?;
                within(
                    "rank",
                    f.rank.number().unwrap_or(1),
                    most,
                    "the smaller side of the embedded states of the smallest networks",
                )?;
            }
            if f.at().is_none() && trials < 2 {
                return Err(self.refuse(
                    &at("delays"),
                    "\"auto\" needs trials to fit on and others to judge on; allowed with `compare: (trials: 2)` or more",
                ));
            }
            if f.ridge.is_finite() && f.ridge >= 0.0 {
                Ok(())
            } else {
                Err(self.refuse(&at("ridge"), format!("{}; allowed: 0 or more", f.ridge)))
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
                fit(&d.operators())?;
                for &(delays, rank) in d.neighbouring.iter().flatten() {
                    fit(&FitSpec {
                        delays: OrAuto::Number(delays),
                        rank: OrAuto::Number(rank),
                        ..d.operators()
                    })?;
                }
                let neighbouring = d.neighbouring.clone();
                return Ok(DistanceSpec::Dsa(DsaSpec {
                    neighbouring: neighbouring.or_else(|| {
                        // Those of a setting that is still to be chosen follow from it.
                        Some(room.beside(d.operators().at()?, d.interval))
                    }),
                    ..d.clone()
                }));
            }
            DistanceSpec::DmdWasserstein(f) => fit(f)?,
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
