//! Eigenvalues with right and left vectors: `J = sum_a lambda_a r_a l_a^T`.

use chiliad_engine::linearise::{Eigenvalue, descending};
use faer::Mat;

/// A complex number.
pub type Complex = faer::c64;

/// Singular values below this share of the largest are taken for zero when right vectors are inverted.
const RANK: f64 = 1e-12;
/// Condition number of the right vectors above which a matrix is called defective (project default): eigenvectors
/// computed in f64 of a truly defective matrix agree to about 1e-8.
const DEFECTIVE: f64 = 1e7;
/// Largest error of `l_a . r_b = delta_ab` of a regular mode.
const BIORTHOGONAL: f64 = 1e-6;

/// One mode of a linear map.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// Real and imaginary part.
    pub eigenvalue: Eigenvalue,
    /// r, Euclidean norm 1; its largest entry (the first of equals) is real and positive.
    pub right: Vec<Complex>,
    /// l, such that `sum_i l_i r_i = 1` (no conjugation): not of norm 1.
    pub left: Vec<Complex>,
    /// |l|: by how much a small change of the matrix can move the eigenvalue (Wilkinson's 1/s).
    pub condition: f64,
    /// Whether l is orthogonal to all other right vectors; not so within a defective block.
    pub regular: bool,
}

impl Mode {
    /// Number of coordinates that take part, `(sum |r_i|^2)^2 / sum |r_i|^4`: 1 for a single one, n for all alike (inverse
    /// participation ratio, Thouless 1974).
    pub fn participants(&self) -> f64 {
        let squares = || self.right.iter().map(Complex::norm_sqr);
        let quartic: f64 = squares().map(|s| s * s).sum();
        squares().sum::<f64>().powi(2) / quartic
    }

    /// `|l_i r_i|`, scaled to sum 1: how much each coordinate takes part, the same in any units of the coordinates
    /// (participation factors, Perez-Arriaga, Verghese & Schweppe 1982).
    pub fn participation(&self) -> Vec<f64> {
        let raw: Vec<f64> = self
            .left
            .iter()
            .zip(&self.right)
            .map(|(l, r)| (*l * *r).norm())
            .collect();
        let total = raw.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        raw.into_iter().map(|p| p / total).collect()
    }
}

/// All modes of a square matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// Extent of the matrix.
    pub size: usize,
    /// By modulus, largest first, as [`descending`]; the two of a complex pair lie side by side.
    pub modes: Vec<Mode>,
    /// 2-norm condition number of the matrix of right vectors: 1 for a normal matrix, infinite for a defective one.
    pub condition: f64,
    /// Whether the right vectors do not span the space, numerically: left vectors are then those of the pseudo-inverse.
    pub defective: bool,
}

impl Modes {
    /// Of a row-major matrix `[n, n]`; `None` where an entry is not finite or the iteration fails.
    pub fn of(matrix: &[f64], n: usize) -> Option<Self> {
        if matrix.len() != n * n || matrix.iter().any(|x| !x.is_finite()) {
            return None;
        }
        if n == 0 {
            return Some(Self {
                size: 0,
                modes: Vec::new(),
                condition: 1.0,
                defective: false,
            });
        }
        let decomposed = Mat::from_fn(n, n, |i, j| matrix[i * n + j]).eigen().ok()?;
        let mut pairs: Vec<(Eigenvalue, Vec<Complex>)> = (0..n)
            .map(|a| {
                let value = decomposed.S().column_vector()[a];
                let vector = (0..n).map(|i| decomposed.U()[(i, a)]).collect();
                Some(([value.re, value.im], normalised(vector, value.im == 0.0)?))
            })
            .collect::<Option<_>>()?;
        pairs.sort_by(|a, b| descending(a.0, b.0));
        let right = Mat::from_fn(n, n, |i, a| pairs[a].1[i]);
        let svd = right.svd().ok()?;
        let singular: Vec<f64> = (0..n).map(|k| svd.S().column_vector()[k].re).collect();
        let largest = singular[0];
        let smallest = singular[n - 1];
        let kept = Mat::from_fn(n, n, |i, k| {
            if singular[k] > RANK * largest {
                svd.V()[(i, k)] / singular[k]
            } else {
                Complex::new(0.0, 0.0)
            }
        });
        let left = kept * svd.U().adjoint();
        let product = &left * &right;
        let condition = largest / smallest;
        let modes = pairs.into_iter().enumerate().map(|(a, (eigenvalue, r))| {
            let left: Vec<Complex> = (0..n)
                .map(|i| {
                    let l = left[(a, i)];
                    if eigenvalue[1] == 0.0 {
                        Complex::new(l.re, 0.0)
                    } else {
                        l
                    }
                })
                .collect();
            let error = (0..n)
                .map(|b| (product[(a, b)] - Complex::new(f64::from(u8::from(a == b)), 0.0)).norm())
                .fold(0.0, f64::max);
            Mode {
                eigenvalue,
                right: r,
                condition: left.iter().map(Complex::norm_sqr).sum::<f64>().sqrt(),
                left,
                regular: error <= BIORTHOGONAL,
            }
        });
        Some(Self {
            size: n,
            modes: modes.collect(),
            condition,
            defective: condition.is_nan() || condition > DEFECTIVE,
        })
    }

    /// Indices of the modes that take `wanted` and the other halves of complex pairs.
    pub fn with_partners(&self, wanted: &[usize]) -> Vec<usize> {
        let mut all: Vec<usize> = wanted.to_vec();
        for &a in wanted {
            let [re, im] = self.modes[a].eigenvalue;
            let partner = (0..self.modes.len())
                .find(|b| im != 0.0 && !all.contains(b) && self.modes[*b].eigenvalue == [re, -im]);
            all.extend(partner);
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Norm 1, the largest entry (the first of equals) real and positive; `None` for a vector that has no direction.
fn normalised(vector: Vec<Complex>, real: bool) -> Option<Vec<Complex>> {
    let norm = vector.iter().map(Complex::norm_sqr).sum::<f64>().sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return None;
    }
    let largest = vector.iter().map(|x| x.norm()).fold(0.0, f64::max);
    // Entries that differ by rounding only count as equals: a symmetric network must not depend on the last bit.
    let at = vector
        .iter()
        .position(|x| x.norm() >= largest * (1.0 - 1e-9))?;
    let turn = vector[at].conj() / (vector[at].norm() * norm);
    Some(
        vector
            .into_iter()
            .enumerate()
            .map(|(i, x)| {
                let x = x * turn;
                if real || i == at {
                    Complex::new(x.re, 0.0)
                } else {
                    x
                }
            })
            .collect(),
    )
}
