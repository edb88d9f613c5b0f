//! Annealed teacher forcing on the device. Between two estimates it is forcing by a fixed share of each network; at the steps
//! where shares are estimated, weights come to the host, which has the trials anyway, and the shares go back.

use super::fleet::Fleet;
use super::record::ALPHA;
use crate::error::EngineError;
use crate::executor::TrainOptions;
use crate::population::Population;
use chiliad_tasks::Trials;
use rayon::prelude::*;

/// Moves the shares `[network]` to where they are at a training step, here and on the device, to which all work before that step
/// must have been submitted. Networks that rest keep theirs.
pub(super) fn estimate(
    fleet: &Fleet,
    (population, options): (&Population, &TrainOptions),
    at: (&Trials, u64),
    alpha: &mut [f32],
) -> Result<(), EngineError> {
    let (gpu, n_params) = (&fleet.gpu, population.layout.n_params);
    for chunk in &fleet.chunks {
        let params = chunk.params.read(gpu, 0, chunk.params.len())?;
        let status = chunk.status.read(gpu, 0, chunk.n)?;
        let alpha = &mut alpha[chunk.first..chunk.first + chunk.n];
        alpha
            .par_iter_mut()
            .zip(params.par_chunks_exact(n_params))
            .zip(&status)
            .enumerate()
            .filter(|(_, (_, [active, ..]))| *active != 0)
            .for_each(|(k, ((alpha, raw), _))| {
                let network = chunk.first + k;
                let constraint = options.constraint.as_ref();
                let effective = constraint.map(|c| c.effective(network, raw));
                let weights = effective.as_deref().unwrap_or(raw);
                options.anneal((population, network), weights, at, alpha);
            });
        let mut records = chunk.networks.read(gpu, 0, chunk.networks.len())?;
        let words = records.len() / chunk.n.max(1);
        for (record, alpha) in records.chunks_exact_mut(words).zip(&*alpha) {
            record[ALPHA] = alpha.to_bits();
        }
        chunk.networks.write(gpu, 0, &records)?;
    }
    Ok(())
}
