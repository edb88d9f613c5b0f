//! A curriculum's parts.

use chiliad_tasks::{TrialBank, Trials};

/// A part of a curriculum: what a network is trained and judged on until its evaluation loss is at most `until`.
pub struct Lesson<'a> {
    /// Trials.
    pub bank: &'a TrialBank,
    /// The fixed trials that decide when the next lesson begins.
    pub evaluation: &'a Trials,
    /// Evaluation loss at which the next one begins.
    pub until: f32,
}

/// Lesson that a network is in after these evaluations, and the step at which it began: a function of its curve alone, so that a
/// resumed run has the same.
#[must_use]
pub fn lesson(curve: &[(u64, f32)], until: &[f32]) -> (usize, u64) {
    let (mut lesson, mut began) = (0, 0);
    for &(step, loss) in curve {
        if until.get(lesson).is_some_and(|until| loss <= *until) {
            (lesson, began) = (lesson + 1, step);
        }
    }
    (lesson, began)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_follow_from_the_curve() {
        let until = [0.5, 0.3];
        let curve = [(0, 1.0), (25, 0.5), (50, 0.9), (75, 0.2), (100, 0.1)];
        let at = |n: usize| lesson(&curve[..n], &until);
        assert_eq!(
            [at(1), at(2), at(3), at(4), at(5)],
            [(0, 0), (1, 25), (1, 25), (2, 75), (2, 75)]
        );
        assert_eq!(lesson(&curve, &[]), (0, 0));
    }
}
