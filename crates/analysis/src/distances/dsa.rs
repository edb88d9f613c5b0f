//! Dynamical similarity analysis (Ostrow et al. 2023): linear operators fitted to delay embeddings, compared up to a change
//! of coordinates.

mod bases;
mod choice;
mod conjugation;
mod controlled;
mod descent;
mod hankel;
mod operator;
mod spectrum;
mod turned;

pub use choice::{Tried, choose};
pub use conjugation::{Conjugation, ConjugationFound, Prepared};
pub use controlled::{Controlled, ControlledFound, Driven, Reach};
pub use hankel::Delays;
pub use operator::{Fit, Operator, Rank};
pub use spectrum::{Spectrum, SpectrumFound, transport};

use super::{DistanceError, Measure, Recording};

/// Fit, then Procrustes over vector fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct DsaProcrustes {
    /// How operators are fitted.
    pub fit: Fit,
    /// How they are compared.
    pub conjugation: Conjugation,
}

impl Measure for DsaProcrustes {
    type Input = Recording;
    type Prepared = Prepared;
    type Found = ConjugationFound;

    fn prepare(&self, input: &Recording) -> Result<Prepared, DistanceError> {
        self.conjugation.prepare(&Operator::fit(input, &self.fit)?)
    }

    fn compare(&self, a: &Prepared, b: &Prepared) -> Result<ConjugationFound, DistanceError> {
        self.conjugation.compare(a, b)
    }

    fn distance(found: &ConjugationFound) -> f64 {
        found.distance
    }
}

/// Fit, then transport between the eigenvalues.
#[derive(Clone, Copy, Debug, Default)]
pub struct DsaWasserstein {
    /// How operators are fitted.
    pub fit: Fit,
}

impl Measure for DsaWasserstein {
    type Input = Recording;
    type Prepared = (String, Vec<[f64; 2]>);
    type Found = SpectrumFound;

    fn prepare(&self, input: &Recording) -> Result<Self::Prepared, DistanceError> {
        Spectrum.prepare(&Operator::fit(input, &self.fit)?)
    }

    fn compare(
        &self,
        a: &Self::Prepared,
        b: &Self::Prepared,
    ) -> Result<SpectrumFound, DistanceError> {
        Spectrum.compare(a, b)
    }

    fn distance(found: &SpectrumFound) -> f64 {
        found.distance
    }
}
