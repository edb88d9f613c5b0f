//! Matrix exponential and its directional derivative, by scaling and squaring of a Taylor series: products only.

use faer::Mat;

/// Terms of the series: enough in f64 for a norm of at most 1/2.
const TERMS: usize = 18;

/// `exp(a)` and the derivative of exp at a in direction e.
pub(super) fn exponential(a: &Mat<f64>, e: &Mat<f64>) -> (Mat<f64>, Mat<f64>) {
    let n = a.nrows();
    let norm = (0..n)
        .map(|j| (0..n).map(|i| a[(i, j)].abs()).sum::<f64>())
        .fold(0.0, f64::max);
    let halvings = if norm > 0.5 {
        (norm / 0.5).log2().ceil() as i32
    } else {
        0
    };
    let scale = faer::Scale(0.5_f64.powi(halvings));
    let (a, e) = (a * scale, e * scale);
    let identity = Mat::<f64>::identity(n, n);
    // Terms a^k / k! and their derivatives, by the product rule.
    let (mut term, mut slope) = (identity.clone(), Mat::<f64>::zeros(n, n));
    let (mut sum, mut by) = (identity, Mat::<f64>::zeros(n, n));
    for k in 1..=TERMS {
        let over = faer::Scale(1.0 / k as f64);
        slope = (&slope * &a + &term * &e) * over;
        term = &term * &a * over;
        sum += &term;
        by += &slope;
    }
    for _ in 0..halvings {
        by = &by * &sum + &sum * &by;
        sum = &sum * &sum;
    }
    (sum, by)
}
