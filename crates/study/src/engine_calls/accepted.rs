//! Whether engine and device take what a study asks of the training, before there is a folder.

use super::device::Device;
use super::training::{initial, options_of};
use crate::error::{Result, StudyError};
use crate::study::{NetworkPlan, Origin, PopulationPlan};
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::TrainOptions;
use chiliad_engine::recipe::Constraint;
use std::collections::BTreeSet;

/// Field of a population's entry that is refused, and why; an empty field is the entry itself.
pub type Refusal = (String, String);

/// What of the training of some networks of a population is refused, by the restrictions or by the device.
///
/// # Errors
///
/// Those of the cell.
pub fn refused(
    device: &Device,
    plan: &PopulationPlan,
    networks: &[usize],
) -> Result<Option<Refusal>> {
    let Origin::Train(train) = &plan.origin else {
        return Ok(None);
    };
    // Networks that differ in nothing but seeds are refused together.
    let mut seen = BTreeSet::new();
    let settings = |n: &usize| -> Vec<(&String, u64)> {
        let settings = plan.networks[*n].settings.iter();
        settings
            .map(|(name, value)| (name, value.to_bits()))
            .collect()
    };
    let mut kinds = networks.to_vec();
    kinds.retain(|n| seen.insert(settings(n)));
    let population = initial(plan, &kinds)?;
    let chosen: Vec<&NetworkPlan> = kinds.iter().map(|&n| &plan.networks[n]).collect();
    let options = match options_of(&population, train, &chosen) {
        Ok(options) => options,
        Err(StudyError::Input(why)) => return Ok(Some(("constrain".into(), why))),
        Err(other) => return Err(other),
    };
    let dimensions: Vec<Option<usize>> = networks
        .iter()
        .map(|&n| {
            plan.networks[n]
                .settings
                .get("dimensions")
                .map(|d| *d as usize)
        })
        .collect();
    if let Err(why) = Constraint::subspaces_fit(&dimensions, population.layout.n_params) {
        return Ok(Some(("constrain.dimensions".into(), why.to_string())));
    }
    let alone = || TrainOptions::new(kinds.len());
    let mut parts: Vec<(String, TrainOptions)> = Vec::new();
    for regulariser in &options.regularisers {
        let field = format!("penalise.{}", regulariser.penalty.name());
        let regularisers = vec![regulariser.clone()];
        parts.push((
            field,
            TrainOptions {
                regularisers,
                ..alone()
            },
        ));
    }
    let forcing = TrainOptions {
        forcing: options.forcing.clone(),
        observed: options.observed.clone(),
        ..alone()
    };
    parts.push(("forcing".into(), forcing));
    parts.push((String::new(), options));
    for (field, options) in parts {
        match device.executor.accepts(&population, &options) {
            Ok(()) => {}
            Err(why @ (EngineError::Shape { .. } | EngineError::Unsupported { .. })) => {
                return Ok(Some((field, format!("on {}: {why}", device.words))));
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(None)
}
