//! Communicability: how well each unit reaches each other over walks of all lengths.

use faer::Mat;

/// `expm(S^{-1/2} |W| S^{-1/2})` with S the diagonal of row sums of |W| (Crofts & Higham 2009; rows are sources, as in
/// seRNN, Achterberg et al. 2023). A row without weights has no strength to divide by: its factor is 0, so that such a unit
/// reaches only itself.
pub fn communicability(weights: &Mat<f64>) -> Mat<f64> {
    let n = weights.nrows();
    let factor: Vec<f64> = (0..n)
        .map(|i| (0..n).map(|j| weights[(i, j)].abs()).sum::<f64>())
        .map(|s| if s > 0.0 { 1.0 / s.sqrt() } else { 0.0 })
        .collect();
    expm(&Mat::from_fn(n, n, |i, j| {
        factor[i] * weights[(i, j)].abs() * factor[j]
    }))
}

/// Matrix exponential of a matrix without negative entries: Taylor's series of `A / 2^s` with `|A / 2^s| <= 1/2`, then s
/// squarings. All terms are positive, so nothing cancels.
fn expm(a: &Mat<f64>) -> Mat<f64> {
    let n = a.nrows();
    let norm = (0..n)
        .map(|i| (0..n).map(|j| a[(i, j)].abs()).sum::<f64>())
        .fold(0.0, f64::max);
    let squarings = (2.0 * norm).max(1.0).log2().ceil() as i32;
    let scaled = faer::Scale(0.5_f64.powi(squarings)) * a;
    let mut term = Mat::<f64>::identity(n, n);
    let mut sum = term.clone();
    // 0.5^20 / 20! is 4e-25.
    for k in 1..=20 {
        term = faer::Scale(1.0 / f64::from(k)) * (&term * &scaled);
        sum += &term;
    }
    for _ in 0..squarings {
        sum = &sum * &sum;
    }
    sum
}
