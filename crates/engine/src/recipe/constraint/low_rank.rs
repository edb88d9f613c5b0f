//! Recurrent matrices of low rank: `W = L R^T`. The factors lie where the matrix would: `[unit][rank]` of L, then of R,
//! then zeros; so every network keeps the same number of parameters, and the rank is data.

use faer::Mat;
use std::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct LowRank {
    ranks: Vec<Option<usize>>,
    units: usize,
    matrices: Vec<Range<usize>>,
}

impl LowRank {
    pub(super) fn new(ranks: &[Option<usize>], units: usize, matrices: Vec<Range<usize>>) -> Self {
        Self {
            ranks: ranks.to_vec(),
            units,
            matrices,
        }
    }

    pub(super) fn rank(&self, network: usize) -> Option<usize> {
        self.ranks[network]
    }

    fn parts(&self, network: usize) -> impl Iterator<Item = (Range<usize>, usize)> + '_ {
        let rank = self.ranks[network];
        self.matrices
            .iter()
            .filter_map(move |m| rank.map(|rank| (m.clone(), rank)))
    }

    /// Matrices to factors: the nearest matrix of that rank, both factors with the same singular values.
    pub(super) fn factor(&self, network: usize, params: &mut [f32]) {
        let n = self.units;
        for (range, rank) in self.parts(network) {
            let values = &mut params[range];
            let w = Mat::from_fn(n, n, |i, j| f64::from(values[i * n + j]));
            let (mut left, mut right) = (vec![0.0; n * rank], vec![0.0; n * rank]);
            if let Ok(svd) = w.svd() {
                for k in 0..rank {
                    let root = svd.S().column_vector()[k].sqrt();
                    for i in 0..n {
                        left[i * rank + k] = (svd.U()[(i, k)] * root) as f32;
                        right[i * rank + k] = (svd.V()[(i, k)] * root) as f32;
                    }
                }
            }
            values.fill(0.0);
            values[..n * rank].copy_from_slice(&left);
            values[n * rank..2 * n * rank].copy_from_slice(&right);
        }
    }

    /// Factors to matrices.
    pub(super) fn multiply(&self, network: usize, params: &mut [f32]) {
        let n = self.units;
        for (range, rank) in self.parts(network) {
            let values = &mut params[range];
            let factors = values[..2 * n * rank].to_vec();
            let (left, right) = factors.split_at(n * rank);
            for (i, row) in values.chunks_exact_mut(n).enumerate() {
                for (j, w) in row.iter_mut().enumerate() {
                    *w = dot(&left[i * rank..][..rank], &right[j * rank..][..rank]);
                }
            }
        }
    }

    /// dL = G R, dR = G^T L.
    pub(super) fn adjoint(&self, network: usize, factors: &[f32], gradient: &mut [f32]) {
        let n = self.units;
        for (range, rank) in self.parts(network) {
            let factors = &factors[range.clone()];
            let (left, right) = factors[..2 * n * rank].split_at(n * rank);
            let values = &mut gradient[range];
            let mut by = vec![0.0_f32; 2 * n * rank];
            let (by_left, by_right) = by.split_at_mut(n * rank);
            for i in 0..n {
                for j in 0..n {
                    let g = values[i * n + j];
                    for k in 0..rank {
                        by_left[i * rank + k] += g * right[j * rank + k];
                        by_right[j * rank + k] += g * left[i * rank + k];
                    }
                }
            }
            values.fill(0.0);
            values[..2 * n * rank].copy_from_slice(&by);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| x.mul_add(*y, sum))
}
