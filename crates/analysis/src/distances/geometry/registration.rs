//! Clouds without a known correspondence, registered by iterated closest points with restarts (Besl & McKay 1992), as
//! Tolmachev & Engel (2025) compare single-unit selectivity and configurations of fixed points.

use super::principal::coordinates;
use crate::distances::singular::frobenius;
use crate::distances::{DistanceError, Measure, Samples, orthogonal, purpose};
use chiliad_tasks::Stream;
use faer::Mat;
use serde::Serialize;

/// How clouds are registered.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// Coordinates per point; clouds of lower dimension are filled up with zeros.
    pub dimensions: usize,
    /// Random rotations and reflections it starts from, after the clouds as their principal components have them.
    pub restarts: usize,
    /// Of the restarts.
    pub seed: u64,
}

/// Single-unit selectivity: every unit is a point, its responses at all samples, in principal components over units.
#[derive(Clone, Copy, Debug)]
pub struct Selectivity(
    /// Dimensions 10, 60 restarts as published.
    pub Registration,
);

/// Fixed points of all inputs as one cloud; only points of one label can be matched.
#[derive(Clone, Copy, Debug)]
pub struct Configuration(
    /// Dimensions 7, 60 restarts as published.
    pub Registration,
);

impl Default for Selectivity {
    fn default() -> Self {
        Self(Registration {
            dimensions: 10,
            restarts: 60,
            seed: 0,
        })
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self(Registration {
            dimensions: 7,
            restarts: 60,
            seed: 0,
        })
    }
}

/// A network's fixed points.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// For messages.
    pub name: String,
    /// `[point, unit]`; no point is allowed.
    pub points: Vec<Vec<f64>>,
    /// What each is: stability and input, as a number.
    pub labels: Vec<usize>,
}

/// A cloud of points, centred and scaled.
#[derive(Clone, Debug)]
pub struct Points {
    rows: Vec<Vec<f64>>,
    labels: Vec<usize>,
}

/// Residuals, Frobenius norms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegistrationFound {
    /// Mean of both directions.
    pub distance: f64,
    /// First to second: best over the restarts.
    pub forward: f64,
    /// Second to first.
    pub backward: f64,
    /// Worst end of a restart minus the best, in the direction where that is larger.
    pub spread: f64,
}

impl Measure for Selectivity {
    type Input = Samples;
    type Prepared = Points;
    type Found = RegistrationFound;

    fn prepare(&self, samples: &Samples) -> Result<Points, DistanceError> {
        let n = samples.shape()[1];
        if n < 2 {
            return Err(samples.refuse(format!("{n} unit"), "2 or more units for selectivity"));
        }
        let f = coordinates(
            samples.values().transpose(),
            self.0.dimensions,
            &samples.name,
        )?;
        let scale = frobenius(&f) / (n as f64).sqrt();
        if scale <= 0.0 {
            return Err(samples.refuse("all units do the same".into(), "units that differ"));
        }
        Ok(Points {
            labels: vec![0; n],
            rows: self.0.rows(&f, scale),
        })
    }

    fn compare(&self, a: &Points, b: &Points) -> Result<RegistrationFound, DistanceError> {
        self.0.both(a, b)
    }

    fn distance(found: &RegistrationFound) -> f64 {
        found.distance
    }
}

impl Measure for Configuration {
    type Input = Labelled;
    type Prepared = Points;
    type Found = RegistrationFound;

    fn prepare(&self, input: &Labelled) -> Result<Points, DistanceError> {
        let n = input.points.len();
        let units = input.points.first().map_or(0, Vec::len);
        let refuse = |what: String, allowed: &str| DistanceError::Array {
            name: input.name.clone(),
            shape: vec![n, units],
            what,
            allowed: allowed.into(),
        };
        if input.labels.len() != n || input.points.iter().any(|p| p.len() != units) {
            return Err(refuse(
                format!(
                    "{} labels, or points of different lengths",
                    input.labels.len()
                ),
                "a label per point, and as many units in each",
            ));
        }
        if !input.points.iter().flatten().all(|x| x.is_finite()) {
            return Err(refuse("a number is not finite".into(), "finite numbers"));
        }
        if n == 0 || units == 0 {
            return Ok(Points {
                rows: Vec::new(),
                labels: Vec::new(),
            });
        }
        let values = Mat::from_fn(n, units, |i, j| input.points[i][j]);
        let f = coordinates(values.as_ref(), self.0.dimensions, &input.name)?;
        // A single point, or all in one place, is the centre itself.
        let scale = frobenius(&f) / (n as f64).sqrt();
        Ok(Points {
            rows: self.0.rows(&f, if scale > 0.0 { scale } else { 1.0 }),
            labels: input.labels.clone(),
        })
    }

    fn compare(&self, a: &Points, b: &Points) -> Result<RegistrationFound, DistanceError> {
        self.0.both(a, b)
    }

    fn distance(found: &RegistrationFound) -> f64 {
        found.distance
    }
}

/// Steps of one registration at most, and the improvement below which it ends (as published).
const MOST_STEPS: usize = 1000;
const LEAST_IMPROVEMENT: f64 = 1e-10;
/// Weight of the present rotation beside the partners: changes a residual by its square.
const HOLD: f64 = 1e-8;

impl Registration {
    fn rows(&self, f: &Mat<f64>, scale: f64) -> Vec<Vec<f64>> {
        let at = |i: usize, j: usize| {
            if j < f.ncols() {
                f[(i, j)] / scale
            } else {
                0.0
            }
        };
        (0..f.nrows())
            .map(|i| (0..self.dimensions).map(|j| at(i, j)).collect())
            .collect()
    }

    fn both(&self, a: &Points, b: &Points) -> Result<RegistrationFound, DistanceError> {
        if self.restarts == 0 {
            return Err(DistanceError::Setting {
                option: "restarts",
                value: "0".into(),
                allowed: "1 or more".into(),
            });
        }
        let (forward, wide) = self.one_way(a, b)?;
        let (backward, wide_back) = self.one_way(b, a)?;
        Ok(RegistrationFound {
            distance: 0.5 * (forward + backward),
            forward,
            backward,
            spread: wide.max(wide_back),
        })
    }

    /// Best residual of moving `a` onto `b`, and the spread over restarts.
    fn one_way(&self, a: &Points, b: &Points) -> Result<(f64, f64), DistanceError> {
        let stream = Stream::new(self.seed, purpose::REGISTRATION);
        let (mut best, mut worst) = (f64::INFINITY, 0.0_f64);
        let random = (0..self.restarts)
            .map(|k| orthogonal::random(self.dimensions, &stream, (k / 2) as u32, k % 2 == 1));
        let as_they_are = Mat::identity(self.dimensions, self.dimensions);
        for start in std::iter::once(as_they_are).chain(random) {
            let end = register(a, b, start)?;
            best = best.min(end);
            worst = worst.max(end);
        }
        Ok((best, worst - best))
    }
}

/// Nearest points and the best rotation in turn; the residual at the end. A point whose label the target lacks stands
/// against the centre: it costs its own length and does not turn the cloud.
fn register(a: &Points, b: &Points, mut q: Mat<f64>) -> Result<f64, DistanceError> {
    let d = q.nrows();
    let centre = vec![0.0; d];
    let mut last = f64::INFINITY;
    for _ in 0..MOST_STEPS {
        let moved: Vec<Vec<f64>> = a
            .rows
            .iter()
            .map(|x| {
                let along = |j: usize| x.iter().enumerate().map(|(i, v)| v * q[(i, j)]).sum();
                (0..d).map(along).collect()
            })
            .collect();
        let partners: Vec<&[f64]> = moved
            .iter()
            .zip(&a.labels)
            .map(|(x, label)| {
                let of_label = b.rows.iter().zip(&b.labels).filter(|(_, l)| *l == label);
                let nearest = of_label
                    .map(|(y, _)| (apart(x, y), y))
                    .min_by(|p, q| p.0.total_cmp(&q.0));
                nearest.map_or(&centre[..], |(_, y)| y)
            })
            .collect();
        let residual = moved
            .iter()
            .zip(&partners)
            .map(|(x, y)| apart(x, y))
            .sum::<f64>()
            .sqrt();
        if last - residual <= LEAST_IMPROVEMENT {
            return Ok(residual.min(last));
        }
        last = residual;
        let cross = Mat::from_fn(d, d, |i, j| {
            let pairs = a.rows.iter().zip(&partners);
            pairs.map(|(x, y)| x[i] * y[j]).sum::<f64>()
        });
        // Where the partners are too few to say how a direction turns, it stays as it is.
        let lengths = a.rows.iter().zip(&partners);
        let hold = HOLD
            * lengths
                .map(|(x, y)| (apart(x, &centre) * apart(y, &centre)).sqrt())
                .sum::<f64>();
        q = orthogonal::nearest((cross + faer::Scale(hold) * &q).as_ref())?;
    }
    Ok(last)
}

fn apart(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(p, q)| (p - q) * (p - q)).sum()
}
