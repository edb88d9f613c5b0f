//! Geometry of the states: how alike two clouds of samples are, up to what a readout could undo.

mod cca;
mod cka;
mod endpoints;
mod permutation;
mod principal;
mod registration;
mod rsa;
mod shape;
mod trajectory;

pub use cca::{Canonical, CanonicalFound, Components};
pub use cka::{Cka, CkaFound, CkaKind};
pub use endpoints::{Endpoints, EndpointsFound};
pub use permutation::{Permutation, PermutationFound};
pub use registration::{Configuration, Labelled, Registration, RegistrationFound, Selectivity};
pub use rsa::{Comparison, Dissimilarity, Rsa, RsaFound};
pub use shape::{Shape, ShapeFound};
pub use trajectory::{TrajectoryFit, TrajectoryFound};

use super::error::described;
use super::{DistanceError, Samples};
use faer::Mat;

/// One network's cloud, made ready; what is in it depends on the measure.
#[derive(Clone, Debug)]
pub struct Cloud {
    name: String,
    /// As it was given.
    shape: Vec<usize>,
    values: Mat<f64>,
    /// A norm of `values` that the measure divides by.
    norm: f64,
}

impl Cloud {
    fn of(samples: &Samples, values: Mat<f64>, norm: f64) -> Result<Self, DistanceError> {
        if !(norm.is_finite() && norm > 0.0) {
            return Err(samples.refuse(
                format!("the norm of the states is {norm}"),
                "states whose squares neither vanish nor overflow",
            ));
        }
        Ok(Self {
            name: samples.name.clone(),
            shape: samples.shape(),
            values,
            norm,
        })
    }

    /// What its states were divided by, or are where the pair is compared: the norm that the measure scales by. For
    /// trajectories and endpoints the total deviation of the components kept.
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// Refuses clouds that differ in the number of samples.
    fn same_samples(&self, other: &Self, operation: &'static str) -> Result<(), DistanceError> {
        if self.shape[0] == other.shape[0] {
            return Ok(());
        }
        Err(self.differs(
            other,
            operation,
            "the number of samples",
            "equal numbers of samples",
        ))
    }

    fn differs(
        &self,
        other: &Self,
        operation: &'static str,
        what: &str,
        allowed: &str,
    ) -> DistanceError {
        DistanceError::Pair {
            operation,
            first: described(&self.name, &self.shape),
            second: described(&other.name, &other.shape),
            what: what.into(),
            allowed: allowed.into(),
        }
    }
}
