//! What finished networks are put through, and their losses.

use crate::engine_calls;
use crate::error::Result;
use crate::spec::BenchmarkSpec;
use crate::study::TrainPlan;
use chiliad_analysis::probes::without_units;
use chiliad_engine::cpu::{CpuExecutor, StateNoise};
use chiliad_engine::executor::Executor;
use chiliad_engine::population::Population;
use chiliad_engine::recipe::Loss;
use chiliad_tasks::random::Stream;
use chiliad_tasks::{Task, Trials};

/// Trials of the tests have a seed of their own.
const TRIALS: u64 = 0x0062_656e_6368;

/// Purpose word of the stream of silenced units.
const SILENCED: u32 = 0x471;

/// Networks whose states are held at once.
const TOGETHER: usize = 8;

/// A test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Test {
    /// As trained, on new trials.
    Undisturbed,
    /// Noise in the states, of this standard deviation.
    Noise(f64),
    /// This share of the units heard by nobody.
    Silenced(f64),
    /// Longer trials.
    Longer,
}

impl Test {
    /// For tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Undisturbed => "undisturbed",
            Self::Noise(_) => "noise",
            Self::Silenced(_) => "silenced",
            Self::Longer => "longer",
        }
    }

    /// For tables.
    pub(super) fn level(self) -> f64 {
        match self {
            Self::Noise(level) | Self::Silenced(level) => level,
            Self::Undisturbed | Self::Longer => 0.0,
        }
    }
}

/// What all tests of a population share.
pub(super) struct Tests<'a> {
    cpu: CpuExecutor,
    spec: &'a BenchmarkSpec,
    loss: Loss,
    seed: u64,
    trials: Trials,
    longer: Option<Trials>,
}

impl<'a> Tests<'a> {
    pub(super) fn new(
        task: &Task,
        spec: &'a BenchmarkSpec,
        train: &TrainPlan,
        seed: u64,
    ) -> Result<Self> {
        let sample = |variant: &str| -> Result<Trials> {
            let all = task.grid_size(variant)?.unwrap_or(usize::MAX);
            Ok(task.sample(variant, spec.trials.min(all), seed ^ TRIALS)?)
        };
        Ok(Self {
            cpu: CpuExecutor::new(None)?,
            spec,
            loss: train.recipe.loss,
            seed,
            trials: sample(&train.variant)?,
            longer: spec.longer.as_deref().map(sample).transpose()?,
        })
    }

    /// In the order of the report.
    pub(super) fn all(&self) -> Vec<Test> {
        let mut tests = vec![Test::Undisturbed];
        tests.extend(self.spec.noise.iter().map(|sd| Test::Noise(*sd)));
        tests.extend(self.spec.silenced.iter().map(|s| Test::Silenced(*s)));
        tests.extend(self.longer.iter().map(|_| Test::Longer));
        tests
    }

    /// Losses of some networks of a population. `[chosen]`
    pub(super) fn losses(
        &self,
        networks: &Population,
        chosen: &[usize],
        test: Test,
    ) -> Result<Vec<f64>> {
        let mut losses = Vec::with_capacity(chosen.len());
        for some in chosen.chunks(TOGETHER) {
            let part = networks.select(some);
            let of_part = match test {
                Test::Undisturbed => self.plain(&part, &self.trials)?,
                Test::Longer => self.plain(&part, self.longer.as_ref().unwrap_or(&self.trials))?,
                Test::Noise(sd) => self.noisy(&part, sd)?,
                Test::Silenced(share) => self.silenced(&part, some, share)?,
            };
            losses.extend(of_part);
        }
        Ok(losses)
    }

    fn plain(&self, part: &Population, trials: &Trials) -> Result<Vec<f64>> {
        let losses = engine_calls::losses_as(&self.cpu, part, self.loss, trials)?;
        Ok(losses.into_iter().map(f64::from).collect())
    }

    fn noisy(&self, part: &Population, sd: f64) -> Result<Vec<f64>> {
        let fields = part.architecture.cell.states.len();
        let mut deviations = vec![vec![sd as f32; fields]; part.n_networks];
        if self.spec.relative {
            let (t, n) = (&self.trials, part.n_networks);
            let run = self.cpu.roll_out(part, &t.inputs, t.n_trials, t.n_steps)?;
            for (f, states) in run.states.iter().enumerate() {
                for (of_network, values) in deviations
                    .iter_mut()
                    .zip(states.chunks_exact((states.len() / n.max(1)).max(1)))
                {
                    let square: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
                    of_network[f] = (sd * (square / values.len() as f64).sqrt()) as f32;
                }
            }
        }
        let noise = StateNoise {
            seed: self.seed,
            sd: deviations,
        };
        let losses = self
            .cpu
            .losses_under(part, self.loss, &self.trials, &noise)?;
        Ok(losses.into_iter().map(f64::from).collect())
    }

    /// Mean over the draws; networks draw by their place in the population.
    fn silenced(&self, part: &Population, places: &[usize], share: f64) -> Result<Vec<f64>> {
        let units = part.architecture.units;
        let count = ((share * units as f64).round() as usize).clamp(1, units);
        let mut sums = vec![0.0; part.n_networks];
        for draw in 0..self.spec.draws {
            let mut disturbed = part.clone();
            let n_params = part.layout.n_params;
            for (n, &place) in places.iter().enumerate() {
                let stream = Stream::new(self.seed, SILENCED).child(place as u32, draw as u32);
                let chosen = some_of(units, count, &stream);
                let one = without_units(&part.select(&[n]), 0, &chosen)?;
                disturbed.params[n * n_params..][..n_params].copy_from_slice(&one.params);
            }
            let losses = self.plain(&disturbed, &self.trials)?;
            sums.iter_mut().zip(losses).for_each(|(s, l)| *s += l);
        }
        let draws = self.spec.draws.max(1) as f64;
        Ok(sums.into_iter().map(|s| s / draws).collect())
    }
}

/// `count` of `n` units, the first of a random order: a larger share of the same draw holds the smaller one.
fn some_of(n: usize, count: usize, stream: &Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut draws = stream.draws(0);
    for k in 0..count.min(n) {
        let other = k + draws.below((n - k) as u32) as usize;
        order.swap(k, other);
    }
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silenced_units_are_distinct_and_nested() {
        let stream = Stream::new(5, SILENCED);
        let (few, many) = (some_of(9, 3, &stream), some_of(9, 9, &stream));
        assert_eq!(few, many[..3]);
        let mut sorted = many;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..9).collect::<Vec<_>>());
    }
}
