//! Benchmarks and tuned step sizes: defaults explicit, what cannot be refused.

use super::Resolver;
use super::check::{above_zero, positive, within};
use crate::error::Result;
use crate::spec::{BenchmarkSpec, MeasureSpec, StudySpec, TrainSpec, Until};
use crate::study::{Origin, PopulationPlan, TuningPlan};
use chiliad_engine::population::Seeds;
use chiliad_tasks::Task;

/// Seeds of pilots count up from here; those of networks from 0.
const PILOTS: u64 = 0x7069_6c6f_7400_0000;

/// Most pilots per step size.
const MOST_PILOTS: u64 = 1000;

impl Resolver<'_> {
    /// The benchmark of `measure`, if there is one.
    pub(super) fn benchmark(
        &self,
        spec: &StudySpec,
        task: &Task,
        populations: &[PopulationPlan],
    ) -> Result<Option<BenchmarkSpec>> {
        let mut found: Option<BenchmarkSpec> = None;
        for (i, measure) in spec.measure.iter().enumerate() {
            let MeasureSpec::Benchmark(written) = measure else {
                continue;
            };
            let path = format!("measure[{i}]");
            let at = |field: &str| format!("{path}.{field}");
            let refuse = |field: &str, m: String| self.refuse(&at(field), m);
            if found.is_some() {
                return Err(self.refuse(&path, "Benchmark is there already; once is enough"));
            }
            positive(written.draws as u64).map_err(|m| refuse("draws", m))?;
            positive(written.trials as u64).map_err(|m| refuse("trials", m))?;
            for (k, sd) in written.noise.iter().enumerate() {
                above_zero(*sd, false).map_err(|m| refuse(&format!("noise[{k}]"), m))?;
            }
            for (k, share) in written.silenced.iter().enumerate() {
                above_zero(*share, false)
                    .and_then(|()| within(*share, 0.0, 1.0))
                    .map_err(|m| refuse(&format!("silenced[{k}]"), m))?;
            }
            match written.criterion {
                Some(loss) => above_zero(loss, false).map_err(|m| refuse("criterion", m))?,
                None => {
                    let without = populations
                        .iter()
                        .find(|p| matches!(&p.origin, Origin::Train(t) if matches!(t.until, Until::Steps | Until::Accuracy { .. })),);
                    if let Some(p) = without {
                        return Err(refuse(
                            "criterion",
                            format!(
                                "`{}` is trained until something that names no loss; give the loss at which a network has succeeded",
                                p.label
                            ),
                        ));
                    }
                }
            }
            if !populations
                .iter()
                .any(|p| matches!(p.origin, Origin::Train(_)))
            {
                return Err(self.refuse(&path, "no network is trained; add Train(...)"));
            }
            let forced = |p: &&PopulationPlan| matches!(&p.origin, Origin::Train(t) if t.recipe.forcing.is_some());
            if let Some(p) = populations.iter().find(forced) {
                return Err(self.refuse(&path, format!("`{}` is trained by teacher forcing, whose trials begin at their first target; allowed: networks that begin at their initial state", p.label)));
            }
            let longer = match &written.longer {
                Some(variant) => Some(self.variant(task, variant, &at("longer"))?),
                None => None,
            };
            found = Some(BenchmarkSpec {
                longer,
                ..written.clone()
            });
        }
        Ok(found)
    }

    /// How the step size is chosen, if it is not given.
    pub(super) fn tuning(
        &self,
        spec: &TrainSpec,
        seeds: &[Seeds],
        path: &str,
    ) -> Result<Option<TuningPlan>> {
        let Some(tune) = &spec.tune else {
            return Ok(None);
        };
        let at = |field: &str| format!("{path}.tune.{field}");
        if spec.learning_rate.is_some() || spec.optimiser.learning_rate().is_some() {
            return Err(self.refuse(
                &format!("{path}.tune"),
                "together with a step size; allowed: `tune`, or `learning_rate`",
            ));
        }
        if let Until::LossOf(_) = spec.until {
            return Err(self.refuse(
                &format!("{path}.tune"),
                "together with LossOf; allowed: until: Loss(...) or Steps, the pilots come before all other networks",
            ));
        }
        if tune.learning_rate.is_empty() {
            return Err(self.refuse(&at("learning_rate"), "no step size; at least one"));
        }
        for (i, rate) in tune.learning_rate.iter().enumerate() {
            let field = format!("learning_rate[{i}]");
            above_zero(*rate, false).map_err(|m| self.refuse(&at(&field), m))?;
            if tune.learning_rate[..i].contains(rate) {
                return Err(self.refuse(&at(&field), format!("{rate} is there already")));
            }
        }
        if !(1..=MOST_PILOTS).contains(&tune.pilots) {
            return Err(self.refuse(
                &at("pilots"),
                format!("{}; allowed: 1 to {MOST_PILOTS}", tune.pilots),
            ));
        }
        let taken = |n: u64| {
            seeds
                .iter()
                .any(|s| s.init == n || s.data == n || s.noise == n)
        };
        let seeds = (PILOTS..).filter(|n| !taken(*n));
        Ok(Some(TuningPlan {
            rates: tune.learning_rate.clone(),
            seeds: seeds.take(tune.pilots as usize).collect(),
            chosen: None,
        }))
    }
}
