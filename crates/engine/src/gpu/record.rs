//! What a network is given besides its weights, and what of a recipe the kernels do not have.

use super::geometry::RECORD_WORDS;
use crate::error::EngineError;
use crate::executor::TrainOptions;
use crate::executor::forcing::check as check_forcing;
use crate::population::Population;
use crate::recipe::{Forcing, Penalty};

/// Word of a record that holds the share by which states are forced.
pub(super) const ALPHA: usize = 20;

/// One network's record: words 4 to 22 of `network.wgsl`, behind its keys.
pub(super) fn rates(options: Option<&TrainOptions>, network: usize) -> [f32; RECORD_WORDS - 4] {
    let mut words = [0.0; RECORD_WORDS - 4];
    let Some(options) = options else { return words };
    words[0] = options.learning_rate[network];
    words[1] = options.noise[network];
    words[2] = TrainOptions::of(&options.input_noise, network);
    words[3] = TrainOptions::of(&options.weight_decay, network);
    for r in &options.regularisers {
        let strength = r.strength[network];
        match &r.penalty {
            Penalty::L1 { on } => on.iter().for_each(|p| words[4 + *p as usize] += strength),
            Penalty::L2 { on } => on.iter().for_each(|p| words[8 + *p as usize] += strength),
            Penalty::Rate => words[12] += strength,
            Penalty::RateCap { cap } => {
                words[13] = strength;
                words[14] = *cap;
            }
            Penalty::Own { .. } => words[17] = strength,
            Penalty::EffectiveDimension => words[18] += strength,
            _ => {}
        }
    }
    match &options.forcing {
        // A float holds every step number that a trial on the GPU can have.
        Some(Forcing::Sparse { every }) => words[15] = every[network].min(1 << 24) as f32,
        Some(Forcing::Generalised { alpha }) => words[ALPHA - 4] = alpha[network],
        // The session gives shares that follow a norm as they are now.
        Some(Forcing::Annealed { .. }) | None => {}
    }
    words
}

/// Refuses by name what the kernels do not have.
pub(super) fn check(population: &Population, options: &TrainOptions) -> Result<(), EngineError> {
    let refuse = |what: String, allowed: &str| {
        Err(EngineError::Unsupported {
            executor: "GPU",
            what,
            allowed: allowed.into(),
        })
    };
    check_forcing("GPU", population, options)?;
    let (mut caps, mut own) = (0, 0);
    for r in &options.regularisers {
        match r.penalty {
            Penalty::L1 { .. }
            | Penalty::L2 { .. }
            | Penalty::Rate
            | Penalty::InputOrthogonality
            | Penalty::Resolvent { .. }
            | Penalty::Communicability { .. }
            | Penalty::EffectiveDimension => {}
            Penalty::RateCap { .. } => caps += 1,
            Penalty::Own { .. } => own += 1,
            _ => {
                return refuse(
                    format!("penalty `{}`", r.penalty.name()),
                    "l1, l2, own, rate, rate_cap, input_orthogonality, resolvent, communicability, effective_dimension; the others on the CPU",
                );
            }
        }
    }
    if caps > 1 {
        return refuse(format!("{caps} rate caps"), "one; more on the CPU");
    }
    if own > 1 {
        return refuse(
            format!("{own} penalties of your own"),
            "one; more on the CPU",
        );
    }
    Ok(())
}
