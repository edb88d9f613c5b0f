//! Local minima of the residual that are no fixed points.

use super::cluster::{canonical, distance, groups};
use super::search::Search;
use super::{SlowPoint, classify};

/// Distance, relative to the scale, at which local minima are one.
const MINIMA: f64 = 1e-3;

impl Search<'_> {
    pub(super) fn add_minima(&mut self, states: Vec<Vec<f64>>) {
        for state in states {
            let speed = self.solver.step_residual(&state);
            if speed.is_nan() || speed > self.options.slow_speed * self.source.scale {
                self.rejected += 1;
            } else {
                self.minima.push((state, 1));
            }
        }
    }

    /// Local minima that are no fixed points, one per place, slowest first.
    pub(super) fn slow_points(&mut self) -> Vec<SlowPoint> {
        let within = MINIMA * self.source.scale;
        let minima = std::mem::take(&mut self.minima);
        let states: Vec<&[f64]> = minima.iter().map(|m| m.0.as_slice()).collect();
        let group = groups(&states, within);
        let n = group.iter().max().map_or(0, |m| m + 1);
        let mut slow = Vec::new();
        for g in 0..n {
            let members: Vec<usize> = (0..minima.len()).filter(|&i| group[i] == g).collect();
            let speeds: Vec<f64> = members
                .iter()
                .map(|&i| self.solver.step_residual(&minima[i].0))
                .collect();
            let Some(best) = (0..members.len()).min_by(|&a, &b| speeds[a].total_cmp(&speeds[b]))
            else {
                continue;
            };
            let state = minima[members[best]].0.clone();
            let fixed = self
                .points
                .iter()
                .any(|p| distance(&p.state, &state) <= within);
            match classify::slow(
                &mut self.solver,
                self.options,
                self.source.scale,
                state,
                members.len(),
            ) {
                Some(point) if !fixed => slow.push(point),
                _ => self.rejected += members.len(),
            }
        }
        slow.sort_by(|a, b| {
            a.speed
                .total_cmp(&b.speed)
                .then_with(|| canonical(&a.state, &b.state, within))
        });
        slow
    }
}
