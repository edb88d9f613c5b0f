//! How far a matrix is from having orthogonal eigenvectors: transients that eigenvalues alone do not show.

use super::Modes;
use chiliad_engine::linearise::modulus;
use faer::{Mat, Side};

/// Measures of non-normality of a map's Jacobian J. A normal J has 0, 0, 1, and growth in no step beyond its radius.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NonNormality {
    /// `sqrt(|J|_F^2 - sum |lambda|^2)` (Henrici 1962).
    pub henrici: f64,
    /// The same as a share of `|J|_F`, 0 to 1; 0 for the zero matrix.
    pub henrici_relative: f64,
    /// 2-norm condition number of the unit right eigenvectors (Bauer & Fike 1960); infinite where J is defective.
    pub eigenvector_condition: f64,
    /// Largest growth of any deviation in one step, `|J|_2`: above 1 where the spectral radius is below, deviations grow
    /// before they fade.
    pub one_step_gain: f64,
    /// Numerical abscissa of the flow J - I: largest eigenvalue of `(J + J^T)/2 - I`, the fastest growth of `|h - h*|` at
    /// time 0 when one step is read as an Euler step of length 1. Says something only where J is close to I (slow cells).
    pub numerical_abscissa: f64,
}

impl NonNormality {
    /// Of a row-major matrix with these modes; `None` where a decomposition fails.
    pub fn of(matrix: &[f64], modes: &Modes) -> Option<Self> {
        let n = modes.size;
        let squares: f64 = matrix.iter().map(|x| x * x).sum();
        let on_modes: f64 = modes
            .modes
            .iter()
            .map(|m| modulus(m.eigenvalue).powi(2))
            .sum();
        // Rounding leaves a normal matrix a little on either side of zero.
        let henrici = (squares - on_modes).max(0.0).sqrt();
        let symmetric = Mat::from_fn(n, n, |i, j| 0.5 * (matrix[i * n + j] + matrix[j * n + i]));
        let general = Mat::from_fn(n, n, |i, j| matrix[i * n + j]);
        let (abscissa, gain) = if n == 0 {
            (0.0, 0.0)
        } else {
            let values = symmetric.self_adjoint_eigenvalues(Side::Lower).ok()?;
            (
                values.into_iter().fold(f64::NEG_INFINITY, f64::max) - 1.0,
                general.singular_values().ok()?.first().copied()?,
            )
        };
        Some(Self {
            henrici,
            henrici_relative: if squares > 0.0 {
                henrici / squares.sqrt()
            } else {
                0.0
            },
            eigenvector_condition: modes.condition,
            one_step_gain: gain,
            numerical_abscissa: abscissa,
        })
    }
}
