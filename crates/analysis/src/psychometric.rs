//! Psychometric curves: how often a network decides for the first alternative, by how much speaks for it.

use crate::share::Share;
use chiliad_tasks::Trials;
use serde::Serialize;

/// More values of the evidence than this are put into [`BINS`] bins of about as many trials each.
const MOST_VALUES: usize = 40;
const BINS: usize = 15;

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The evidence, or its mean where trials are binned.
    pub evidence: f64,
    /// Trials decided for the first alternative.
    pub first: Share,
}

/// Whether each trial is decided for the first alternative, from a network's `outputs`, `[trial, time, output]`: at the last
/// step that counts in the loss, the first output is above the second; of a single output, above the middle of the least and
/// the largest target at those steps. `[trial]`
#[must_use]
pub fn choices(trials: &Trials, outputs: &[f32]) -> Vec<bool> {
    let (steps, width) = (trials.n_steps, trials.n_outputs);
    let last = |trial: usize| {
        let at = |step: usize| (trial * steps + step) * width;
        let counts = |step: &usize| trials.mask[at(*step)..][..width].iter().any(|w| *w > 0.0);
        at((0..steps).rev().find(counts).unwrap_or(steps - 1))
    };
    let targets = (0..trials.n_trials).map(|trial| trials.targets[last(trial)]);
    let (low, high) = targets.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), x| {
        (l.min(x), h.max(x))
    });
    let first = |trial: usize| {
        let out = &outputs[last(trial)..][..width];
        out[0] > out.get(1).copied().unwrap_or(0.5 * (low + high))
    };
    (0..trials.n_trials).map(first).collect()
}

/// The curve of `choices` by `evidence`, both `[trial]`, in the order of evidence.
#[must_use]
pub fn curve(evidence: &[f64], choices: &[bool]) -> Vec<Point> {
    let mut pairs: Vec<(f64, bool)> = evidence
        .iter()
        .copied()
        .zip(choices.iter().copied())
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups: Vec<&[(f64, bool)]> = pairs.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()).collect();
    let groups = if groups.len() > MOST_VALUES {
        pairs.chunks(pairs.len().div_ceil(BINS)).collect()
    } else {
        groups
    };
    let point = |group: &[(f64, bool)]| Point {
        evidence: group.iter().map(|p| p.0).sum::<f64>() / group.len() as f64,
        first: Share::of(group.iter().filter(|p| p.1).count(), group.len()),
    };
    groups.into_iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiliad_tasks::Task;

    #[test]
    fn perfect_answers_make_a_step_and_their_opposite_the_other() {
        for (name, variant) in [
            ("cddm", "analysis"),
            ("delayed_discrimination", "train"),
            ("go_no_go", "grid"),
        ] {
            let task = Task::builtin(name).expect("of the library");
            let trials = task.sample(variant, 250, 1).expect("can be sampled");
            let evidence: Vec<f64> = (0..250)
                .map(|k| task.evidence(variant, k, 1).expect("checked"))
                .map(|e| e.expect("a decision task"))
                .collect();
            let curve = curve(&evidence, &choices(&trials, &trials.targets));
            assert!(curve.len() >= 3, "{name}");
            assert_eq!(curve.iter().map(|p| p.first.n).sum::<usize>(), 250);
            for point in &curve {
                let share = point.first.count as f64 / point.first.n as f64;
                let binned =
                    name != "cddm" && point.evidence.abs() < 0.1 * curve[curve.len() - 1].evidence;
                if point.evidence > 0.0 && !binned {
                    assert!(share > 0.5, "{name} {point:?}");
                } else if point.evidence < 0.0 && !binned {
                    assert!(share < 0.5, "{name} {point:?}");
                }
            }
            let (first, last) = (curve[0].first, curve[curve.len() - 1].first);
            assert_eq!((first.count, last.count), (0, last.n), "{name}");
        }
    }
}
