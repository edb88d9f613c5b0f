//! Optimisers and schedules.

use super::Resolver;
use super::check::{above_zero, positive, within};
use crate::error::{Result, StudyError};
use crate::spec::OptimiserSpec;
use chiliad_engine::recipe::{Optimiser, Schedule};

impl Resolver<'_> {
    pub(super) fn optimiser(&self, spec: &OptimiserSpec, path: &str) -> Result<Optimiser> {
        let share = |field: &str, value: f64| {
            within(value, 0.0, 1.0)
                .map_err(|m| self.refuse(&format!("{path}.optimiser.{field}"), m))?;
            Ok::<f32, StudyError>(value as f32)
        };
        let small = |value: f64| {
            above_zero(value, false)
                .map_err(|m| self.refuse(&format!("{path}.optimiser.epsilon"), m))?;
            Ok::<f32, StudyError>(value as f32)
        };
        Ok(match *spec {
            OptimiserSpec::Adam {
                beta1,
                beta2,
                epsilon,
                ..
            } => Optimiser::Adam {
                beta1: share("beta1", beta1)?,
                beta2: share("beta2", beta2)?,
                epsilon: small(epsilon)?,
            },
            OptimiserSpec::AdamW {
                beta1,
                beta2,
                epsilon,
                ..
            } => Optimiser::AdamW {
                beta1: share("beta1", beta1)?,
                beta2: share("beta2", beta2)?,
                epsilon: small(epsilon)?,
            },
            OptimiserSpec::RAdam {
                beta1,
                beta2,
                epsilon,
                ..
            } => Optimiser::RAdam {
                beta1: share("beta1", beta1)?,
                beta2: share("beta2", beta2)?,
                epsilon: small(epsilon)?,
            },
            OptimiserSpec::Sgd { momentum, .. } => Optimiser::Sgd {
                momentum: share("momentum", momentum)?,
            },
            OptimiserSpec::RmsProp { decay, epsilon, .. } => Optimiser::RmsProp {
                decay: share("decay", decay)?,
                epsilon: small(epsilon)?,
            },
        })
    }
}

pub(super) fn schedule_is_sound(schedule: &Schedule) -> std::result::Result<(), String> {
    match schedule {
        Schedule::Constant => Ok(()),
        Schedule::Exponential { factor, every } => {
            above_zero(*factor, false).map_err(|m| format!("factor {m}"))?;
            positive(*every).map_err(|m| format!("every {m}"))
        }
        Schedule::Cosine { steps, least } => {
            positive(*steps).map_err(|m| format!("steps {m}"))?;
            within(*least, 0.0, 1.0).map_err(|m| format!("least {m}"))
        }
        Schedule::Step { factor, .. } => {
            above_zero(*factor, false).map_err(|m| format!("factor {m}"))
        }
        Schedule::Plateau {
            factor,
            threshold,
            least,
            ..
        } => {
            within(*factor, 0.0, 1.0).map_err(|m| format!("factor {m}"))?;
            within(*threshold, 0.0, 1.0).map_err(|m| format!("threshold {m}"))?;
            within(*least, 0.0, 1.0).map_err(|m| format!("least {m}"))
        }
    }
}
