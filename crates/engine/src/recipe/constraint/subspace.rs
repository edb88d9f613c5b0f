//! Training in a random subspace: `params = origin + basis z`. The coordinates lie in the first parameters, the others are 0.

use crate::error::EngineError;
use chiliad_tasks::random::Stream;

/// Purpose word of the stream of bases.
const BASIS: u32 = 0x111;
/// Most bytes of all bases together (project default).
const LARGEST: usize = 8 << 30;

#[derive(Clone, Debug)]
pub(super) struct Subspace {
    /// Per network: origin `[parameter]` and basis `[dimension][parameter]`, columns of length about 1.
    spaces: Vec<Option<(Vec<f32>, Vec<f32>)>>,
    n_params: usize,
}

fn refuse(found: String, expected: String) -> EngineError {
    EngineError::Shape {
        operation: "constraint",
        what: "dimensions of the subspaces".into(),
        found,
        expected,
    }
}

impl Subspace {
    /// Refuses what does not fit: networks, seeds and weights, dimensions, bytes.
    pub(super) fn check(
        dimensions: &[Option<usize>],
        n_weights: usize,
        n_seeds: usize,
        n_params: usize,
    ) -> Result<(), EngineError> {
        let n = dimensions.len();
        if n_seeds != n || n_weights != n * n_params {
            return Err(refuse(
                format!("{n} networks, {n_seeds} seeds, {n_weights} weights"),
                format!("one dimension and seed per network, {n_params} weights each"),
            ));
        }
        if let Some(d) = dimensions
            .iter()
            .flatten()
            .find(|d| **d == 0 || **d > n_params)
        {
            return Err(refuse(
                d.to_string(),
                format!("1 to {n_params}, the number of parameters"),
            ));
        }
        Self::fit(dimensions, n_params)
    }

    /// Refuses more than [`LARGEST`] bytes of bases.
    pub(super) fn fit(dimensions: &[Option<usize>], n_params: usize) -> Result<(), EngineError> {
        let columns = dimensions
            .iter()
            .flatten()
            .fold(0, |sum: usize, d| sum.saturating_add(*d));
        let bytes = columns.saturating_mul(4 * n_params);
        if bytes > LARGEST {
            return Err(refuse(
                format!("{bytes} bytes of bases"),
                format!("at most {LARGEST} bytes for all networks together"),
            ));
        }
        Ok(())
    }

    /// Of what [`Subspace::check`] lets pass; `origin` is `[network, parameter]`.
    pub(super) fn new(
        dimensions: &[Option<usize>],
        origin: &[f32],
        frozen: &[bool],
        seeds: &[u64],
        n_params: usize,
    ) -> Self {
        let scale = 1.0 / (n_params.max(1) as f64).sqrt();
        let space = |network: usize, d: usize| {
            let stream = Stream::new(seeds[network], BASIS);
            let frozen = &frozen[network * n_params..][..n_params];
            let basis = (0..d).flat_map(|k| {
                let normal = move |p: usize| f64::from(stream.normal_at(k as u32, p as u32));
                (0..n_params).map(move |p| {
                    if frozen[p] {
                        0.0
                    } else {
                        (normal(p) * scale) as f32
                    }
                })
            });
            let origin = origin[network * n_params..][..n_params].to_vec();
            (origin, basis.collect())
        };
        Self {
            spaces: dimensions
                .iter()
                .enumerate()
                .map(|(network, d)| d.map(|d| space(network, d)))
                .collect(),
            n_params,
        }
    }

    pub(super) fn of(&self, network: usize) -> Option<(&[f32], &[f32])> {
        let space = self.spaces[network].as_ref();
        space.map(|(origin, basis)| (&origin[..], &basis[..]))
    }

    /// Coordinates of the origin.
    pub(super) fn origin_to_zero(&self, network: usize, raw: &mut [f32]) {
        if self.spaces[network].is_some() {
            raw.fill(0.0);
        }
    }

    pub(super) fn expand(&self, network: usize, raw: &[f32]) -> Vec<f32> {
        let Some((origin, basis)) = &self.spaces[network] else {
            return raw.to_vec();
        };
        let mut params = origin.clone();
        for (z, column) in raw.iter().zip(basis.chunks_exact(self.n_params)) {
            for (p, b) in params.iter_mut().zip(column) {
                *p = z.mul_add(*b, *p);
            }
        }
        params
    }

    pub(super) fn adjoint(&self, network: usize, gradient: &mut [f32]) {
        let Some((_, basis)) = &self.spaces[network] else {
            return;
        };
        let by: Vec<f32> = basis
            .chunks_exact(self.n_params)
            .map(|column| {
                let products = column.iter().zip(&*gradient);
                products
                    .map(|(b, g)| f64::from(*b) * f64::from(*g))
                    .sum::<f64>() as f32
            })
            .collect();
        gradient.fill(0.0);
        gradient[..by.len()].copy_from_slice(&by);
    }
}
