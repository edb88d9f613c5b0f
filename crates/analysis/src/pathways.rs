//! Pathways from input to output by number of hops: through the weights alone, and along a trajectory.
//!
//! Hop k = m + 2 is `H_m = V W^m U`: into the network, m times around, out. It is `dy_T / dx_{T-m}` of the linear network;
//! along a trajectory of any cell the same is `C J_T ... J_{T-m+1} B_{T-m}` with exact derivatives. Sums over hops are
//! resolvents (Sharma, Goodman & Akarca 2026), energies are sums of absolute values.

mod communicability;
mod driven;
mod modularity;
mod small_world;

pub use communicability::communicability;
pub use driven::{Driven, driven};
pub use modularity::{Modularity, modularity};
pub use small_world::{SmallWorld, small_world, strongest};

use chiliad_engine::cell::Cell;
use chiliad_engine::error::EngineError;
use chiliad_engine::linearise;
use chiliad_engine::population::{Population, Role};
use faer::Mat;

/// The three matrices of a network's pathways.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Gate that W belongs to.
    pub recurrent_gate: String,
    /// Gate that U belongs to.
    pub input_gate: String,
    /// W, `[to, from]`.
    pub recurrent: Mat<f64>,
    /// U, `[to, channel]`.
    pub input: Mat<f64>,
    /// V, `[output, unit]`.
    pub readout: Mat<f64>,
}

impl Weights {
    /// Of one network. Without a gate: those that the cell's sidecar says carry content (the candidate of a gated cell, the
    /// only gate of any other).
    ///
    /// # Errors
    ///
    /// [`EngineError::Shape`] for a network that is not there, [`EngineError::Unsupported`] for a gate that the cell does
    /// not have or that lacks a term, or where the sidecar does not say which gates carry content.
    pub fn of(
        population: &Population,
        network: usize,
        gate: Option<&str>,
    ) -> Result<Self, EngineError> {
        if network >= population.n_networks {
            return Err(EngineError::Shape {
                operation: "pathways",
                what: "the network index".into(),
                found: network.to_string(),
                expected: format!("less than {}", population.n_networks),
            });
        }
        let cell = &population.architecture.cell;
        let candidates = match gate {
            Some(name) => vec![name.to_owned()],
            None => content(cell)?,
        };
        let params = population.network(network);
        let matrix = |role: Role| {
            let tensor = population.layout.find(role)?;
            let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
            let values = &params[tensor.range()];
            Some(Mat::from_fn(rows, columns, |i, j| {
                f64::from(values[i * columns + j])
            }))
        };
        let first = |term: &str, role: fn(usize, usize) -> Role| {
            candidates
                .iter()
                .find_map(|name| {
                    let (s, g, _) = cell.gates().find(|(.., gate)| gate.name == *name)?;
                    Some((name.clone(), matrix(role(s, g))?))
                })
                .ok_or_else(|| {
                    let has = |g: &&chiliad_engine::cell::Gate| match role(0, 0) {
                        Role::Input(..) => g.input,
                        _ => g.recurrent && !g.sum,
                    };
                    let known: Vec<&str> = cell
                        .gates()
                        .map(|(.., g)| g)
                        .filter(has)
                        .map(|g| g.name.as_str())
                        .collect();
                    EngineError::Unsupported {
                        executor: "pathways",
                        what: format!(
                            "cell `{}` has no {term} weights in gate `{}`",
                            cell.name,
                            candidates.join("`, `")
                        ),
                        allowed: format!("gates with {term} weights: [{}]", known.join(", ")),
                    }
                })
        };
        let (recurrent_gate, recurrent) = first("recurrent", Role::Recurrent)?;
        let (input_gate, input) = match first("input", Role::Input) {
            Ok(found) => found,
            // A gate asked for by name may lack an input term: the content's is then the way in.
            Err(error) => match gate.map(|_| content(cell)).transpose()? {
                Some(names) => names
                    .into_iter()
                    .find_map(|name| {
                        let (s, g, _) = cell.gates().find(|(.., gate)| gate.name == name)?;
                        Some((name, matrix(Role::Input(s, g))?))
                    })
                    .ok_or(error)?,
                None => return Err(error),
            },
        };
        let readout = matrix(Role::Readout).ok_or_else(|| EngineError::Unsupported {
            executor: "pathways",
            what: format!("cell `{}` has no readout", cell.name),
            allowed: "a network with `w_out`".into(),
        })?;
        let finite =
            |m: &Mat<f64>| (0..m.nrows()).all(|i| (0..m.ncols()).all(|j| m[(i, j)].is_finite()));
        if ![&recurrent, &input, &readout].into_iter().all(finite) {
            return Err(EngineError::Unsupported {
                executor: "pathways",
                what: format!("network {network} has weights that are not finite"),
                allowed: "every number must be finite".into(),
            });
        }
        Ok(Self {
            recurrent_gate,
            input_gate,
            recurrent,
            input,
            readout,
        })
    }

    /// `H_m = V W^m U` for m = 0 to `length - 1`, each `[output, channel]`.
    pub fn hops(&self, length: usize) -> Vec<Mat<f64>> {
        let mut reached = self.input.clone();
        let mut hops = Vec::with_capacity(length);
        for _ in 0..length {
            hops.push(&self.readout * &reached);
            reached = &self.recurrent * &reached;
        }
        hops
    }

    /// Largest modulus of an eigenvalue of W, which is that of the whole block matrix; `None` where the iteration fails.
    pub fn spectral_radius(&self) -> Option<f64> {
        let n = self.recurrent.nrows();
        let rows: Vec<f64> = (0..n * n).map(|k| self.recurrent[(k / n, k % n)]).collect();
        linearise::spectrum(&rows, n).map(|s| s.radius)
    }

    /// `sum_{m < length} a^{m+2} V W^m U`: the truncated resolvent, finite for any W.
    pub fn truncated(&self, a: f64, length: usize) -> Mat<f64> {
        let mut sum = Mat::zeros(self.readout.nrows(), self.input.ncols());
        let mut factor = a * a;
        for hop in self.hops(length) {
            sum += faer::Scale(factor) * hop;
            factor *= a;
        }
        sum
    }

    /// `a^2 V (I - a W)^{-1} U`: all hops; `None` where they do not converge, `a rho(W) >= 1`.
    pub fn infinite(&self, a: f64) -> Option<Mat<f64>> {
        use faer::linalg::solvers::Solve;
        if a * self.spectral_radius()? >= 1.0 {
            return None;
        }
        let n = self.recurrent.nrows();
        let matrix = Mat::<f64>::identity(n, n) - faer::Scale(a) * &self.recurrent;
        let through = matrix.partial_piv_lu().solve(&self.input);
        Some(faer::Scale(a * a) * (&self.readout * through))
    }
}

/// Gates that carry content.
fn content(cell: &Cell) -> Result<Vec<String>, EngineError> {
    if !cell.sidecar.content.is_empty() {
        return Ok(cell.sidecar.content.clone());
    }
    let names: Vec<String> = cell.gates().map(|(.., g)| g.name.clone()).collect();
    if names.len() == 1 {
        return Ok(names);
    }
    Err(EngineError::Unsupported {
        executor: "pathways",
        what: format!(
            "the sidecar of cell `{}` does not say which gates carry content",
            cell.name
        ),
        allowed: format!(
            "name one, or write `content` into the sidecar; gates: [{}]",
            names.join(", ")
        ),
    })
}

/// Sum of absolute values.
pub fn energy(matrix: &Mat<f64>) -> f64 {
    entries(matrix).map(f64::abs).sum()
}

/// Entries row by row.
pub fn entries(matrix: &Mat<f64>) -> impl Iterator<Item = f64> + '_ {
    (0..matrix.nrows()).flat_map(move |i| (0..matrix.ncols()).map(move |j| matrix[(i, j)]))
}

/// Pearson correlation of two matrices of one shape, over their entries; `None` where the shapes differ or one is constant.
pub fn correlation(a: &Mat<f64>, b: &Mat<f64>) -> Option<f64> {
    if (a.nrows(), a.ncols()) != (b.nrows(), b.ncols()) {
        return None;
    }
    let n = (a.nrows() * a.ncols()) as f64;
    let mean = |m: &Mat<f64>| entries(m).sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in entries(a).zip(entries(b)) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let r = ab / (aa.sqrt() * bb.sqrt());
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}
