//! How a commanded rhythm comes about: one circle around one unstable point, and how fast either turns.

use super::cycles::{AttractorRow, Condition, CycleRow};
use chiliad_engine::linearise::Eigenvalue;
use serde::{Deserialize, Serialize};

/// Conditions whose input differs in one channel, and what turns at each of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    /// The channel that differs between conditions: the command.
    pub channel: usize,
    /// Conditions.
    pub conditions: usize,
    /// Those with one attractor, an invariant circle, and one fixed point, unstable, nearer to the circle's centre than its
    /// mean radius.
    pub one_circle_around_one_point: usize,
    /// Over these, in rad per step and unit of the command: the absolute rotation number of the circle against the command.
    pub rotation: Option<Line>,
    /// The same of the angle of the point's leading eigenvalue.
    pub leading_angle: Option<Line>,
}

/// A least-squares line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Per unit of the command.
    pub slope: f64,
    /// At a command of zero.
    pub intercept: f64,
    /// Pearson's correlation.
    pub correlation: f64,
    /// Conditions that count.
    pub n: usize,
}

impl Line {
    /// Through (x, y); none with fewer than three, or where one of the two does not vary.
    fn through(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len() as f64;
        let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
        let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
        let xx = mean(&|p| (p.0 - x).powi(2));
        let yy = mean(&|p| (p.1 - y).powi(2));
        let xy = mean(&|p| (p.0 - x) * (p.1 - y));
        if points.len() < 3 || xx <= 0.0 || yy <= 0.0 {
            return None;
        }
        Some(Self {
            slope: xy / xx,
            intercept: y - xy / xx * x,
            correlation: xy / (xx * yy).sqrt(),
            n: points.len(),
        })
    }
}

/// The one channel in which inputs differ.
fn command(conditions: &[Condition]) -> Option<usize> {
    let first = &conditions.first()?.input;
    let differs = |c: &usize| {
        conditions
            .iter()
            .any(|k| k.input[*c].to_bits() != first[*c].to_bits())
    };
    let mut channels = (0..first.len()).filter(differs);
    let channel = channels.next()?;
    channels.next().is_none().then_some(channel)
}

/// Of one network; none unless its conditions differ in exactly one channel of the input.
pub(super) fn rhythm(
    conditions: &[Condition],
    cycles: &[CycleRow],
    attractors: &[AttractorRow],
) -> Option<Rhythm> {
    let channel = command(conditions)?;
    let (mut count, mut rotations, mut angles) = (0, Vec::new(), Vec::new());
    for condition in conditions {
        let here = |c: usize| c == condition.condition;
        let mut ends = attractors.iter().filter(|a| here(a.condition));
        let mut points = cycles
            .iter()
            .filter(|c| here(c.condition) && c.cycle.period == 1);
        let (Some(end), None) = (ends.next(), ends.next()) else {
            continue;
        };
        let (Some(point), None) = (points.next(), points.next()) else {
            continue;
        };
        let Some(circle) = &end.circle else { continue };
        let squares = point.cycle.points[0].iter().zip(&end.centre);
        let away = squares.map(|(x, c)| (x - c).powi(2)).sum::<f64>().sqrt();
        if point.cycle.stable || away > circle.radius_mean {
            continue;
        }
        count += 1;
        let command = f64::from(condition.input[channel]);
        rotations.extend(circle.rotation.map(|r| (command, r.abs())));
        let leading: Option<&Eigenvalue> = point.cycle.multipliers.first();
        angles.extend(leading.map(|m| (command, m[1].atan2(m[0]).abs())));
    }
    Some(Rhythm {
        channel,
        conditions: conditions.len(),
        one_circle_around_one_point: count,
        rotation: Line::through(&rotations),
        leading_angle: Line::through(&angles),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_line_is_found_and_a_constant_is_none() {
        let line = Line::through(&[(0.25, 0.05), (0.5, 0.1), (1.0, 0.2), (1.25, 0.25)]).unwrap();
        assert!((line.slope - 0.2).abs() < 1e-12 && line.intercept.abs() < 1e-12);
        assert!((line.correlation - 1.0).abs() < 1e-12 && line.n == 4);
        assert!(Line::through(&[(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)]).is_none());
        assert!(Line::through(&[(0.0, 1.0), (1.0, 2.0)]).is_none());
    }
}
