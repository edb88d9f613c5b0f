//! Which patterns have a region at all.

use super::{Pattern, PiecewiseLinear};
use faer::Mat;
use faer::linalg::solvers::Solve;
use std::collections::BTreeSet;

/// Kinks through one point whose sides are all tried: 2^20 patterns.
const THROUGH_ONE_POINT: usize = 20;
/// Points of intersection tried per pattern allowed.
const POINTS_PER_PATTERN: f64 = 16.0;

impl PiecewiseLinear {
    /// Every pattern that has a region, possibly with some that have none; `None` where there may be more than `most`.
    ///
    /// All `2^s` where those are few. Else by the arrangement's own geometry: every region's closure holds a point (a flat,
    /// where the normals do not span the space) in which `rank C` independent hyperplanes meet, so the patterns around all
    /// such points are all patterns.
    pub fn patterns(&self, most: usize) -> Option<Vec<Pattern>> {
        let s = self.n_kinks();
        let all = 2_f64.powi(s as i32);
        let rank = self.rank()?;
        let meetings = choose(s, rank);
        if all <= most as f64 && all <= meetings * 2_f64.powi(rank as i32) {
            let bit = |code: usize, k: usize| code >> k & 1 == 1;
            return Some(
                (0..1 << s)
                    .map(|c| (0..s).map(|k| bit(c, k)).collect())
                    .collect(),
            );
        }
        if meetings > POINTS_PER_PATTERN * most as f64 {
            return None;
        }
        let mut found = BTreeSet::new();
        let mut subset: Vec<usize> = (0..rank).collect();
        loop {
            if let Some(point) = self.meeting(&subset) {
                let slack = self.slack(&point);
                let arguments = self.arguments(&point);
                // The members of the subset meet here by construction, whatever rounding says.
                let tight: Vec<usize> = (0..s)
                    .filter(|&k| subset.contains(&k) || arguments[k].abs() <= slack[k])
                    .collect();
                if tight.len() > THROUGH_ONE_POINT {
                    return None;
                }
                let mut pattern: Pattern = arguments.iter().map(|a| *a > 0.0).collect();
                for code in 0..1_usize << tight.len() {
                    for (bit, &k) in tight.iter().enumerate() {
                        pattern[k] = code >> bit & 1 == 1;
                    }
                    found.insert(pattern.clone());
                }
                if found.len() > most {
                    return None;
                }
            }
            // The next subset in lexicographic order.
            let Some(at) = (0..rank).rev().find(|&i| subset[i] < s - rank + i) else {
                break;
            };
            subset[at] += 1;
            for i in at + 1..rank {
                subset[i] = subset[i - 1] + 1;
            }
        }
        Some(found.into_iter().collect())
    }

    /// Rank of the normals.
    fn rank(&self) -> Option<usize> {
        if self.n_kinks() == 0 || self.n_state() == 0 {
            return Some(0);
        }
        let values = self.normals.singular_values().ok()?;
        let largest = values.iter().copied().fold(0.0, f64::max);
        Some(values.iter().filter(|v| **v > 1e-12 * largest).count())
    }

    /// The point of least norm on all hyperplanes of a subset; `None` where their normals depend on each other.
    fn meeting(&self, subset: &[usize]) -> Option<Vec<f64>> {
        let (r, n) = (subset.len(), self.n_state());
        if r == 0 {
            return Some(vec![0.0; n]);
        }
        let normals = Mat::from_fn(r, n, |i, j| self.normals[(subset[i], j)]);
        let gram = &normals * normals.transpose();
        let factors = gram.partial_piv_lu();
        let pivots = || (0..r).map(|i| factors.U()[(i, i)].abs());
        // Squared lengths: 1e-20 of the largest is 1e-10 in the normals.
        if pivots().fold(f64::INFINITY, f64::min) <= 1e-20 * pivots().fold(0.0, f64::max) {
            return None;
        }
        let weights = factors.solve(Mat::from_fn(r, 1, |i, _| -self.offsets[subset[i]]));
        let point = normals.transpose() * weights;
        let point: Vec<f64> = (0..n).map(|j| point[(j, 0)]).collect();
        point.iter().all(|x| x.is_finite()).then_some(point)
    }
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}
