//! How differently two systems fill their state space and their spectrum, as studies of reconstructed systems have it.

use super::error::described;
use super::{DistanceError, Measure, Recording};
use crate::reconstruction::{
    Binning, binned_divergence, mixture_divergence, samples, spectral_distances,
};
use serde::Serialize;

/// Channels from which on the authors leave bins for mixtures.
const MANY_CHANNELS: usize = 11;
/// Largest number of bins that is counted exactly in f64.
const BINS_MAX: f64 = 1e15;

/// How the densities of `D_stsp` are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// Histograms, 30 bins per channel and smoothing 1e-5 in the authors' code.
    Bins {
        /// Which range is cut.
        binning: Binning,
        /// Bins per channel.
        bins: u32,
        /// Added to every count.
        smoothing: f64,
    },
    /// A Gaussian at every state, and the divergence at 1,000 samples in the authors' code.
    Mixture {
        /// Of every Gaussian, in every channel.
        variance: f64,
        /// Samples of the first system.
        samples: usize,
        /// Of the samples.
        seed: u64,
    },
}

/// `D_stsp`: the Kullback-Leibler divergence of where states lie, all trials together.
#[derive(Clone, Copy, Debug, Default)]
pub struct StateSpace {
    /// None: 30 bins, [`Binning::Extended`], below 11 channels, else a mixture of variance 1.
    pub density: Option<Density>,
}

impl StateSpace {
    fn density(&self, channels: usize) -> Density {
        self.density.unwrap_or(if channels < MANY_CHANNELS {
            Density::Bins {
                binning: Binning::Extended,
                bins: 30,
                smoothing: 1e-5,
            }
        } else {
            Density::Mixture {
                variance: 1.0,
                samples: 1000,
                seed: 0,
            }
        })
    }
}

/// The divergence, which has a direction, and its mean over both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// Mean of the two.
    pub distance: f64,
    /// Of the second from the first: the first is what was observed.
    pub forward: f64,
    /// Of the first from the second.
    pub backward: f64,
    /// How it was estimated.
    pub density: Density,
}

/// States in the order of trials and time, and by trial.
pub struct Series {
    name: String,
    shape: Vec<usize>,
    trials: Vec<Vec<Vec<f64>>>,
}

impl Series {
    fn of(recording: &Recording) -> Self {
        let shape = recording.shape();
        let trial = |t: usize| -> Vec<Vec<f64>> {
            (0..shape[1])
                .map(|step| recording.state(t, step).to_vec())
                .collect()
        };
        Self {
            name: recording.name.clone(),
            trials: (0..shape[0]).map(trial).collect(),
            shape,
        }
    }

    fn differ(&self, other: &Self, operation: &'static str, allowed: &str) -> DistanceError {
        DistanceError::Pair {
            operation,
            first: described(&self.name, &self.shape),
            second: described(&other.name, &other.shape),
            what: "shape".into(),
            allowed: allowed.into(),
        }
    }
}

impl Measure for StateSpace {
    type Input = Recording;
    type Prepared = Series;
    type Found = Divergence;

    fn prepare(&self, recording: &Recording) -> Result<Series, DistanceError> {
        let channels = recording.shape()[2];
        if let Density::Bins { bins, .. } = self.density(channels) {
            if f64::from(bins).powi(channels.min(1000) as i32) > BINS_MAX {
                return Err(recording.refuse(
                    format!("{bins} bins in each of {channels} channels"),
                    "1e15 bins in all; the mixture has none",
                ));
            }
        }
        Ok(Series::of(recording))
    }

    fn compare(&self, a: &Series, b: &Series) -> Result<Divergence, DistanceError> {
        if a.shape[2] != b.shape[2] {
            return Err(a.differ(b, "d-stsp", "as many units in both"));
        }
        let density = self.density(a.shape[2]);
        let (first, second) = (a.trials.concat(), b.trials.concat());
        let divergence = |observed: &[Vec<f64>], generated: &[Vec<f64>]| match density {
            Density::Bins {
                binning,
                bins,
                smoothing,
            } => binned_divergence(observed, generated, bins, smoothing, binning),
            Density::Mixture {
                variance,
                samples: n,
                seed,
            } => {
                let drawn = samples(observed, n, variance, seed);
                mixture_divergence(observed, generated, &drawn, variance)
            }
        };
        let forward = divergence(&first, &second);
        let backward = divergence(&second, &first);
        let distance = 0.5 * (forward + backward);
        if distance.is_finite() {
            return Ok(Divergence {
                distance,
                forward,
                backward,
                density,
            });
        }
        Err(a.differ(
            b,
            "d-stsp",
            "states of which some lie in the range of the other's; the mixture with a larger variance",
        ))
    }

    fn distance(found: &Divergence) -> f64 {
        found.distance
    }
}

/// `D_H`: the Hellinger distance of smoothed power spectra, averaged over units and trials. 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Spectra {
    /// Width of the smoothing, in bins of the spectrum (20 in the authors' code).
    pub sigma: f64,
}

/// The distance, and the largest of a unit in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SpectraFound {
    /// Mean over units and trials.
    pub distance: f64,
    /// Largest of all.
    pub largest: f64,
    /// Units that are constant in some trial of either, which have no spectrum and are left out of that trial.
    pub left_out: usize,
}

impl Measure for Spectra {
    type Input = Recording;
    type Prepared = Series;
    type Found = SpectraFound;

    fn prepare(&self, recording: &Recording) -> Result<Series, DistanceError> {
        if !(self.sigma >= 0.0 && self.sigma <= 1e6) {
            return Err(DistanceError::Setting {
                option: "sigma",
                value: self.sigma.to_string(),
                allowed: "0 to 1e6".into(),
            });
        }
        if recording.shape()[1] < 2 {
            return Err(recording.refuse("one step".into(), "two steps or more"));
        }
        Ok(Series::of(recording))
    }

    fn compare(&self, a: &Series, b: &Series) -> Result<SpectraFound, DistanceError> {
        let differ = || {
            a.differ(
                b,
                "d-hellinger",
                "trials, steps and units of the same number",
            )
        };
        if a.shape != b.shape {
            return Err(differ());
        }
        let (mut sum, mut counted, mut largest, mut left_out) = (0.0, 0.0, 0.0_f64, 0);
        for (observed, generated) in a.trials.iter().zip(&b.trials) {
            let of_units =
                spectral_distances(observed, generated, self.sigma).ok_or_else(differ)?;
            for d in of_units {
                if d.is_finite() {
                    sum += d;
                    counted += 1.0;
                    largest = largest.max(d);
                } else {
                    left_out += 1;
                }
            }
        }
        if counted == 0.0 {
            return Err(a.differ(b, "d-hellinger", "units that vary within a trial"));
        }
        Ok(SpectraFound {
            distance: sum / counted,
            largest,
            left_out,
        })
    }

    fn distance(found: &SpectraFound) -> f64 {
        found.distance
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::distances::pair;

    fn wave(rate: f64, units: usize) -> Recording {
        let values = (0..400)
            .flat_map(|t| (0..units).map(move |u| (rate * f64::from(t) + u as f64).sin()))
            .collect();
        Recording::new("wave", [2, 200, units], values).unwrap()
    }

    #[test]
    fn a_system_is_at_no_distance_from_itself_and_farther_from_a_faster_one() {
        for units in [2, 12] {
            let (a, b, c) = (wave(0.1, units), wave(0.12, units), wave(0.9, units));
            let spectra = Spectra { sigma: 2.0 };
            assert!(pair(&spectra, &a, &a).unwrap().distance < 1e-7);
            let near = pair(&spectra, &a, &b).unwrap().distance;
            let far = pair(&spectra, &a, &c).unwrap().distance;
            assert!(near < 0.5 * far && far <= 1.0, "{near} {far}");
            let same = pair(&StateSpace::default(), &a, &a).unwrap();
            assert!(same.distance.abs() < 1e-12);
            let shifted: Vec<f64> = a.values().iter().map(|x| x + 0.5).collect();
            let shifted = Recording::new("shifted", [2, 200, units], shifted).unwrap();
            let found = pair(&StateSpace::default(), &a, &shifted).unwrap();
            assert!(found.distance > 0.1, "{found:?}");
        }
    }

    #[test]
    fn too_many_bins_and_other_shapes_are_refused() {
        let bins = StateSpace {
            density: Some(Density::Bins {
                binning: Binning::Extended,
                bins: 30,
                smoothing: 1e-5,
            }),
        };
        let message = pair(&bins, &wave(0.1, 12), &wave(0.2, 12)).unwrap_err();
        assert!(message.to_string().contains("1e15 bins"), "{message}");
        assert!(pair(&StateSpace::default(), &wave(0.1, 2), &wave(0.1, 3)).is_err());
        let short = Recording::new("short", [1, 2, 1], vec![0.0, 1.0]).unwrap();
        assert!(pair(&Spectra { sigma: 20.0 }, &short, &wave(0.1, 1)).is_err());
    }
}
