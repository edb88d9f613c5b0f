//! When training ends.

/// When training ends and what is kept on the way.
#[derive(Clone, Debug, Default)]
pub struct StopRule {
    /// A network ends when its evaluation loss is at most this.
    pub loss: Option<f32>,
    /// That many evaluations in a row, where it is more than 1.
    pub held: usize,
    /// A network ends when it decides well enough.
    pub accuracy: Option<AccuracyRule>,
    /// All networks end after this many steps.
    pub max_steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// Weights are kept the first time the evaluation loss is at most each of these.
    pub snapshots: Vec<f32>,
}

/// A network ends when its accuracy has a mean of at least this over the last evaluations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccuracyRule {
    /// Share of the evaluation trials.
    pub at_least: f32,
    /// Evaluations.
    pub mean_of: usize,
}

impl StopRule {
    /// Whether a network is done, from its evaluations in the last lesson.
    pub(super) fn is_met(&self, losses: &[(u64, f32)], accuracy: &[f32]) -> bool {
        let last = |n: usize| {
            losses
                .len()
                .checked_sub(n.max(1))
                .map(|from| &losses[from..])
        };
        let by_loss = self.loss.is_some_and(|criterion| {
            last(self.held).is_some_and(|l| l.iter().all(|l| l.1 <= criterion))
        });
        let by_accuracy = self.accuracy.is_some_and(|rule| {
            let n = rule.mean_of.max(1);
            accuracy.len().checked_sub(n).is_some_and(|from| {
                accuracy[from..].iter().sum::<f32>() / n as f32 >= rule.at_least
            })
        });
        by_loss || by_accuracy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_rules_hold_and_average() {
        let curve = |losses: &[f32]| {
            let points = losses.iter().enumerate();
            points.map(|(k, l)| (k as u64, *l)).collect::<Vec<_>>()
        };
        let held = StopRule {
            loss: Some(0.1),
            held: 3,
            ..StopRule::default()
        };
        assert!(!held.is_met(&curve(&[0.1, 0.1]), &[]));
        assert!(!held.is_met(&curve(&[0.1, 0.2, 0.1, 0.1]), &[]));
        assert!(held.is_met(&curve(&[0.2, 0.1, 0.05, 0.1]), &[]));
        let decides = StopRule {
            accuracy: Some(AccuracyRule {
                at_least: 0.85,
                mean_of: 2,
            }),
            ..StopRule::default()
        };
        assert!(!decides.is_met(&curve(&[1.0]), &[1.0]));
        assert!(!decides.is_met(&curve(&[1.0, 1.0]), &[0.75, 0.9]));
        assert!(decides.is_met(&curve(&[1.0, 1.0, 1.0]), &[0.0, 0.8, 0.95]));
    }
}
