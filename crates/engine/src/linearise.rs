//! Eigenvalues of a Jacobian and what they say: time constants, rotation, stability.

use serde::{Deserialize, Serialize};

/// An eigenvalue as `[real, imaginary]`.
pub type Eigenvalue = [f64; 2];

/// Modulus.
pub fn modulus(value: Eigenvalue) -> f64 {
    value[0].hypot(value[1])
}

/// Time constant `|1 / ln |lambda||` in steps; infinite at modulus 1.
pub fn time_constant(value: Eigenvalue) -> f64 {
    1.0 / modulus(value).ln().abs()
}

/// Rotation `|arg lambda|` in rad per step.
pub fn rotation(value: Eigenvalue) -> f64 {
    value[1].atan2(value[0]).abs()
}

/// Larger modulus first; of equal moduli the larger real part, then the larger imaginary part first.
pub fn descending(a: Eigenvalue, b: Eigenvalue) -> std::cmp::Ordering {
    let key = |v: Eigenvalue| [modulus(v), v[0], v[1]];
    key(b)
        .iter()
        .zip(key(a))
        .map(|(x, y)| x.total_cmp(&y))
        .find(|o| o.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

/// Spectrum of a Jacobian.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// In the order of [`descending`].
    pub eigenvalues: Vec<Eigenvalue>,
    /// Number of eigenvalues with modulus above 1.
    pub n_unstable: usize,
    /// Largest modulus.
    pub radius: f64,
    /// Smallest `|1 - lambda|`.
    pub nearest_to_one: f64,
}

/// Spectrum of a square matrix, row-major `[n, n]`; `None` where an entry is not finite or the iteration fails.
pub fn spectrum(matrix: &[f64], n: usize) -> Option<Spectrum> {
    if matrix.len() != n * n || matrix.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut eigenvalues: Vec<Eigenvalue> = match n {
        0 => Vec::new(),
        1 => vec![[matrix[0], 0.0]],
        _ => {
            let values = faer::Mat::<f64>::from_fn(n, n, |i, j| matrix[i * n + j])
                .eigenvalues()
                .ok()?;
            values.into_iter().map(|v| [v.re, v.im]).collect()
        }
    };
    eigenvalues.sort_by(|a, b| descending(*a, *b));
    Some(Spectrum {
        n_unstable: eigenvalues.iter().filter(|v| modulus(**v) > 1.0).count(),
        radius: eigenvalues.first().map_or(0.0, |v| modulus(*v)),
        nearest_to_one: eigenvalues
            .iter()
            .map(|v| (1.0 - v[0]).hypot(v[1]))
            .fold(f64::INFINITY, f64::min),
        eigenvalues,
    })
}
