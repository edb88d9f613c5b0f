//! Neural tangent kernels before and after training: how lazily a network learned.

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::Executor;
use chiliad_engine::population::Population;
use chiliad_tasks::Trials;
use chiliad_tasks::random::Stream;

/// Purpose word of the stream of samples.
const SAMPLES: u32 = 0x472;

/// Alignment `tr(K_1 K_0) / (norm_F(K_1) norm_F(K_0))` of the kernels `K = J J^T`, J the gradients of single outputs by all
/// parameters, of every network after and before training: 1 where learning was lazy. J has a row for each of `samples` random
/// outputs at random steps of the trials where the mask counts, the same for all networks. `[network]`
///
/// # Errors
///
/// Those of the executor.
pub fn alignment(
    cpu: &CpuExecutor,
    after: &Population,
    before: &Population,
    trials: &Trials,
    samples: usize,
    seed: u64,
) -> Result<Vec<f64>, EngineError> {
    let counted: Vec<usize> = (0..trials.mask.len())
        .filter(|&i| trials.mask[i] > 0.0)
        .collect();
    if counted.is_empty() {
        return Ok(vec![f64::NAN; after.n_networks]);
    }
    let mut draws = Stream::new(seed, SAMPLES).draws(0);
    let chosen: Vec<usize> = (0..samples)
        .map(|_| counted[draws.below(counted.len() as u32) as usize])
        .collect();
    (0..after.n_networks)
        .map(|n| {
            let one = |p: &Population| kernel(cpu, &p.select(&[n]), trials, &chosen);
            let (k1, k0) = (one(after)?, one(before)?);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
            Ok(dot(&k1, &k0) / (dot(&k1, &k1) * dot(&k0, &k0)).sqrt())
        })
        .collect()
}

/// `J J^T` of one network, `[sample, sample]`.
fn kernel(
    cpu: &CpuExecutor,
    network: &Population,
    trials: &Trials,
    chosen: &[usize],
) -> Result<Vec<f64>, EngineError> {
    let rows = chosen
        .iter()
        .map(|&entry| output_gradient(cpu, network, trials, entry))
        .collect::<Result<Vec<_>, _>>()?;
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(x, y)| f64::from(*x) * f64::from(*y))
            .sum()
    };
    Ok(rows
        .iter()
        .flat_map(|a| rows.iter().map(move |b| dot(a, b)))
        .collect())
}

/// Gradient of one output at one step of one trial, `entry` of `[trial, time, output]`: that of the squared error where the target
/// lies half a unit below the output.
fn output_gradient(
    cpu: &CpuExecutor,
    network: &Population,
    trials: &Trials,
    entry: usize,
) -> Result<Vec<f32>, EngineError> {
    let per_trial = trials.n_steps * trials.n_outputs;
    let (trial, within) = (entry / per_trial, entry % per_trial);
    let last = within / trials.n_outputs + 1;
    // What comes later in the trial has no part in it.
    let inputs = trials.inputs[trial * trials.n_steps * trials.n_inputs..]
        [..last * trials.n_inputs]
        .to_vec();
    let run = cpu.roll_out(network, &inputs, 1, last)?;
    let mut targets = vec![0.0; last * trials.n_outputs];
    let mut mask = targets.clone();
    targets[within] = run.outputs[within] - 0.5;
    mask[within] = 1.0;
    let alone = Trials {
        n_trials: 1,
        n_steps: last,
        inputs,
        targets,
        mask,
        condition: vec![0],
        ..*trials
    };
    Ok(cpu.gradient(network, &alone)?.gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiliad_engine::cell::Cell;
    use chiliad_engine::population::{Architecture, Role, Seeds, initialise::initialise};
    use std::sync::Arc;

    fn networks() -> (Population, Trials) {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
            units: 5,
            inputs: 2,
            outputs: 2,
        };
        let (n, steps) = (3, 6);
        let values = |k: usize, size: usize| -> Vec<f32> {
            (0..size).map(|i| ((i + k) as f32 * 0.9).sin()).collect()
        };
        let trials = Trials {
            n_trials: n,
            n_steps: steps,
            n_inputs: 2,
            n_outputs: 2,
            inputs: values(0, n * steps * 2),
            targets: values(5, n * steps * 2),
            mask: vec![1.0; n * steps * 2],
            condition: vec![0; n],
        };
        (
            initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]),
            trials,
        )
    }

    /// Each gradient against a central difference of the roll-out.
    #[test]
    fn gradients_of_outputs_match_differences() {
        let (population, trials) = networks();
        let (cpu, one) = (CpuExecutor::new(Some(1)).unwrap(), population.select(&[1]));
        // Trial 1, step 3, output 1.
        let entry = 12 + 3 * 2 + 1;
        let found = output_gradient(&cpu, &one, &trials, entry).unwrap();
        let output = |p: usize, by: f32| {
            let mut moved = one.clone();
            moved.params[p] += by;
            let run = cpu.roll_out(&moved, &trials.inputs, 3, 6).unwrap();
            f64::from(run.outputs[entry])
        };
        let step = 4e-3;
        for (p, g) in found.iter().enumerate() {
            let by = (output(p, step) - output(p, -step)) / (2.0 * f64::from(step));
            assert!(
                (f64::from(*g) - by).abs() < 2e-4,
                "parameter {p}: {g}, not {by}"
            );
        }
    }

    #[test]
    fn a_network_is_aligned_with_itself_and_less_with_another() {
        let (population, trials) = networks();
        let cpu = CpuExecutor::new(Some(1)).unwrap();
        let with = |other: &Population| alignment(&cpu, &population, other, &trials, 6, 0).unwrap();
        let same = with(&population);
        assert!(same.iter().all(|a| (a - 1.0).abs() < 1e-9), "{same:?}");
        let mut moved = population.clone();
        let readout = moved.layout.find(Role::Readout).unwrap().range();
        moved.params[readout].iter_mut().for_each(|w| *w = 0.0);
        // The kernels of gradients are positive, so that the alignment is above 0; the second network is as it was.
        let other = with(&moved);
        assert!(
            other[0] > 0.0 && other[0] < 0.999 && (other[1] - 1.0).abs() < 1e-9,
            "{other:?}"
        );
    }
}
