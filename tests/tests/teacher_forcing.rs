//! Teacher forcing: losses and gradients computed elsewhere, finite differences in f64, and that a run taken up again is the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, Order, TrainOptions};
use chiliad_engine::population::{Architecture, Population, Role, Seeds, initialise::initialise};
use chiliad_engine::recipe::{Forcing, JacobianNorm, Optimiser};
use chiliad_tasks::{TaskShape, Trials};
use chiliad_tests::reference::Reference;
use std::sync::Arc;

/// The network of reference 9e: two latents, five hidden units, read out as they are.
fn shallow(cell: &str) -> Population {
    let cell = Arc::new(Cell::builtin(cell, "identity").unwrap());
    let architecture = Architecture {
        cell,
        units: 5,
        inputs: 1,
        outputs: 2,
    };
    let mut population = initialise(&architecture, &[Seeds::all(0)]);
    let layout = Arc::clone(&population.layout);
    let latent = architecture
        .cell
        .constants
        .iter()
        .position(|c| c.0 == "latent");
    population.constants[latent.unwrap()] = 2.0;
    population.params.fill(0.0);
    let mut set = |name: &str, at: usize, value: f64| {
        let tensor = layout.named(name).unwrap();
        population.params[tensor.offset + at] = value as f32;
    };
    for k in 0..5 {
        for i in 0..2 {
            let (x, y) = (i as f64, k as f64);
            set("w_rec.q", i * 5 + k, 0.6 * (1.0 + 0.8 * x + 1.3 * y).cos());
            set("w_rec.p", k * 5 + i, 0.9 * (0.5 + 1.1 * y + 0.7 * x).sin());
        }
        let h2 = if architecture.cell.unit_params.len() == 2 {
            "unit.h"
        } else {
            "bias.p"
        };
        set(h2, k, 0.3 * (k as f64).cos());
    }
    for (i, (a, h1)) in [(0.9, 0.1), (0.7, -0.2)].into_iter().enumerate() {
        set("unit.a", i, a);
        set("bias.q", i, h1);
        set("w_out", i * 5 + i, 1.0);
    }
    population
}

/// z_t = (sin 0.3 t, cos(0.2 t + 0.5)) for t = 0 to 20; the first is where the trial begins and does not count.
fn signal() -> Trials {
    let targets = (0..21)
        .map(f64::from)
        .flat_map(|t| [(0.3 * t).sin() as f32, (0.2 * t + 0.5).cos() as f32])
        .collect();
    let mut mask = vec![1.0; 42];
    mask[..2].fill(0.0);
    let shape = TaskShape {
        n_steps: 21,
        n_inputs: 1,
        n_outputs: 2,
    };
    Trials::new(1, shape, vec![0.0; 21], targets, mask, vec![0]).unwrap()
}

fn generalised(alpha: f32) -> Forcing {
    Forcing::Generalised { alpha: vec![alpha] }
}

#[test]
fn golden_losses_and_gradients_of_forced_networks() {
    let hard = Forcing::Sparse { every: vec![5] };
    let cases = [
        ("shplrnn", generalised(0.0), 0.450_974_736_6, None),
        (
            "shplrnn",
            generalised(0.1),
            0.419_805_722_9,
            Some([0.060_291_47, 0.035_707_98]),
        ),
        ("shplrnn", generalised(0.5), 0.420_439_299_0, None),
        ("shplrnn", generalised(1.0), 0.496_721_365_0, None),
        ("shplrnn", hard.clone(), 0.455_784_681_7, None),
        ("shplrnn_clipped", generalised(0.0), 0.828_556_148_8, None),
        (
            "shplrnn_clipped",
            generalised(0.1),
            0.451_817_391_7,
            Some([2.878_995_51, 0.104_973_99]),
        ),
        ("shplrnn_clipped", generalised(0.5), 0.142_309_338_2, None),
        ("shplrnn_clipped", generalised(1.0), 0.059_735_039_8, None),
        (
            "shplrnn_clipped",
            hard,
            0.347_792_698_8,
            Some([0.833_067_63, 0.504_552_71]),
        ),
    ];
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    for (cell, forcing, loss, slope) in cases {
        let population = shallow(cell);
        // The readout is the identity: observed or inverted is the same.
        for observed in [vec![0, 1], vec![]] {
            let options = TrainOptions {
                forcing: Some(forcing.clone()),
                observed,
                ..TrainOptions::new(1)
            };
            let found = cpu.objective(&population, &options, &signal()).unwrap();
            let error = (f64::from(found.loss[0]) / loss - 1.0).abs();
            assert!(error < 1e-5, "{cell} {forcing:?}: loss off by {error}");
            if let Some(slope) = slope {
                let at = population.layout.named("unit.a").unwrap().offset;
                for (a, b) in found.gradient[at..].iter().zip(slope) {
                    let error = (f64::from(*a) / b - 1.0).abs();
                    assert!(error < 1e-5, "{cell} {forcing:?}: dL/dA {a}, not {b}");
                }
            }
        }
    }
}

/// Trials of random numbers: targets that no network meets.
fn noise(n: usize, steps: usize, outputs: usize) -> Trials {
    let stream = chiliad_tasks::random::Stream::new(5, 0x970);
    let numbers = |k: u32, n: usize| (0..n).map(|i| stream.normal_at(k, i as u32)).collect();
    let shape = TaskShape {
        n_steps: steps,
        n_inputs: 2,
        n_outputs: outputs,
    };
    let mask = vec![1.0; n * steps * outputs];
    let (inputs, targets) = (numbers(0, n * steps * 2), numbers(1, n * steps * outputs));
    Trials::new(n, shape, inputs, targets, mask, vec![0; n]).unwrap()
}

fn population(cell: &str, n: u64) -> Population {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin(cell, "tanh").unwrap()),
        units: 6,
        inputs: 2,
        outputs: 3,
    };
    let seeds: Vec<Seeds> = (0..n).map(Seeds::all).collect();
    initialise(&architecture, &seeds)
}

/// The forced loss in f64, by plain loops; `signal` is `[trial][time][unit]`.
fn forced(
    network: &Reference,
    trials: &Trials,
    units: &[usize],
    signal: &[f64],
    share: &dyn Fn(usize) -> f64,
) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for trial in 0..trials.n_trials {
        let mut state = network.start();
        for t in 0..trials.n_steps {
            let at = trial * trials.n_steps + t;
            let input: Vec<f64> = trials.inputs[at * 2..][..2]
                .iter()
                .map(|x| f64::from(*x))
                .collect();
            state = network.step(&state, &input, &mut Vec::new());
            let outputs = network.outputs(&state, &mut Vec::new());
            for (o, y) in outputs.iter().enumerate() {
                sum += (y - f64::from(trials.targets[at * 3 + o])).powi(2);
                count += 1.0;
            }
            for (k, &unit) in units.iter().enumerate() {
                let s = signal[at * units.len() + k];
                state[0][unit] += share(t) * (s - state[0][unit]);
            }
        }
    }
    sum / count
}

/// Gradient of one step on all trials, as the optimiser's first moment keeps it, and how far states were moved.
fn gradient(
    executor: &dyn Executor,
    start: &Population,
    forcing: &Forcing,
    trials: &Trials,
) -> (Vec<f32>, Vec<f32>) {
    let options = TrainOptions {
        batch: trials.n_trials,
        order: Order::InTurn,
        optimiser: Optimiser::Sgd { momentum: 0.0 },
        clip_norm: f32::INFINITY,
        train_initial_state: true,
        forcing: Some(forcing.clone()),
        observed: OBSERVED.to_vec(),
        ..TrainOptions::new(1)
    };
    let mut training = executor.train(start, &options, None).unwrap();
    training.advance(trials, 1).unwrap();
    let state = training.state().unwrap();
    (state.first, state.alpha)
}

/// Units 4, 0 and 2 are what the three outputs should be.
const OBSERVED: [usize; 3] = [4, 0, 2];

/// Worst error of a forced gradient against differences in f64, relative to its largest entry.
fn worst(executor: &dyn Executor, cell: &str, forcing: &Forcing) -> f64 {
    let (start, trials) = (population(cell, 1), noise(18, 7, 3));
    let (found, alpha) = gradient(executor, &start, forcing, &trials);
    let share = |t: usize| match forcing {
        _ if t == 0 => 1.0,
        Forcing::Sparse { every } => f64::from(u8::from((t as u64).is_multiple_of(every[0]))),
        Forcing::Generalised { alpha } => f64::from(alpha[0]),
        Forcing::Annealed { .. } => f64::from(alpha[0]),
    };
    assert!(alpha.iter().all(|a| (0.1..0.99).contains(a)), "{alpha:?}");
    let signal: Vec<f64> = trials.targets.iter().map(|t| f64::from(*t)).collect();
    let mut reference = Reference::new(&start, 0);
    let mut value = |p: usize, by: f64| {
        reference.params[p] += by;
        let loss = forced(&reference, &trials, &OBSERVED, &signal, &share);
        reference.params[p] = f64::from(start.params[p]);
        loss
    };
    let step = 1e-5;
    let differences: Vec<f64> = (0..start.layout.n_params)
        .map(|p| (value(p, step) - value(p, -step)) / (2.0 * step))
        .collect();
    let largest = differences.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    let pairs = found.iter().zip(&differences);
    pairs.fold(0.0_f64, |m, (a, b)| m.max((f64::from(*a) - b).abs())) / largest
}

#[test]
fn gradients_of_forced_networks_match_finite_differences() {
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let gpu = gpu_adapter::open("gradients_of_forced_networks_match_finite_differences");
    let mut executors: Vec<(&str, &dyn Executor)> = vec![("CPU", &cpu)];
    executors.extend(gpu.as_ref().map(|g| ("GPU", g as &dyn Executor)));
    let annealed = Forcing::Annealed {
        norm: JacobianNorm::GeometricMean,
        every: 5,
        keep: 0.5,
    };
    for (name, executor) in executors {
        for forcing in [
            Forcing::Sparse { every: vec![3] },
            generalised(0.3),
            annealed.clone(),
        ] {
            let mut largest = 0.0_f64;
            for cell in ["vanilla", "gru", "rate", "lstm"] {
                let error = worst(executor, cell, &forcing);
                assert!(error < 1e-5, "{name} {cell} {forcing:?}: {error}");
                largest = largest.max(error);
            }
            println!("{name} {}: worst error {largest:.1e}", forcing.name());
        }
    }
}

#[test]
fn an_inverted_readout_puts_outputs_where_their_targets_are() {
    // Forced whole at every step, the next state is F(W^+ (s - b)): the loss is that of one step from there.
    let (start, trials) = (population("vanilla", 1), noise(4, 2, 3));
    let options = TrainOptions {
        forcing: Some(generalised(1.0)),
        ..TrainOptions::new(1)
    };
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let found = cpu.objective(&start, &options, &trials).unwrap();
    let tensor = start.layout.find(Role::Readout).unwrap();
    let w = |o: usize, u: usize| f64::from(start.params[tensor.offset + o * 6 + u]);
    // W^+ s = W^T (W W^T)^-1 s, by Cramer's rule on 3 x 3.
    let gram = |i: usize, j: usize| (0..6).map(|u| w(i, u) * w(j, u)).sum::<f64>();
    let det = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let g: [[f64; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| gram(i, j)));
    let mut signal = Vec::new();
    for s in trials.targets.chunks_exact(3) {
        let c: [f64; 3] = std::array::from_fn(|k| {
            let mut m = g;
            (0..3).for_each(|i| m[i][k] = f64::from(s[i]));
            det(m) / det(g)
        });
        signal.extend((0..6).map(|u| (0..3).map(|o| w(o, u) * c[o]).sum::<f64>()));
    }
    let reference = Reference::new(&start, 0);
    let units: Vec<usize> = (0..6).collect();
    let loss = forced(&reference, &trials, &units, &signal, &|_| 1.0);
    assert!(
        (f64::from(found.loss[0]) / loss - 1.0).abs() < 1e-5,
        "{} {loss}",
        found.loss[0]
    );
}

#[test]
fn annealed_training_goes_on_with_the_same_bits() {
    let (start, bank) = (population("plrnn", 3), noise(32, 9, 3));
    for norm in [JacobianNorm::GeometricMean, JacobianNorm::ParameterBound] {
        let options = TrainOptions {
            batch: 8,
            forcing: Some(Forcing::Annealed {
                norm,
                every: 2,
                keep: 0.5,
            }),
            ..TrainOptions::new(3)
        };
        let cpu = CpuExecutor::new(Some(2)).unwrap();
        let mut whole = cpu.train(&start, &options, None).unwrap();
        whole.advance(&bank, 7).unwrap();
        let whole = whole.state().unwrap();
        let mut first = cpu.train(&start, &options, None).unwrap();
        first.advance(&bank, 3).unwrap();
        let held = first.state().unwrap();
        let mut second = cpu.train(&start, &options, Some(held)).unwrap();
        second.advance(&bank, 4).unwrap();
        assert_eq!(second.state().unwrap(), whole);
        assert!(
            whole.alpha.iter().all(|a| (0.0..1.0).contains(a)),
            "{:?}",
            whole.alpha
        );
    }
}

#[test]
fn evaluation_begins_where_the_first_target_is_and_runs_free() {
    let population = shallow("shplrnn");
    let options = TrainOptions {
        forcing: Some(generalised(0.5)),
        observed: vec![0, 1],
        ..TrainOptions::new(1)
    };
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let mut training = cpu.train(&population, &options, None).unwrap();
    let loss = training.evaluate(&signal()).unwrap()[0];
    assert!(
        (f64::from(loss) / 0.450_974_736_6 - 1.0).abs() < 1e-5,
        "{loss}"
    );
}

#[test]
fn forcing_that_cannot_be_is_refused_by_name() {
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let refused = |cell: &str, forcing: Forcing, observed: Vec<usize>| {
        let options = TrainOptions {
            forcing: Some(forcing),
            observed,
            ..TrainOptions::new(1)
        };
        let population = population(cell, 1);
        let result = cpu.objective(&population, &options, &noise(2, 3, 3));
        result.unwrap_err().to_string()
    };
    assert!(refused("state_space", generalised(0.5), vec![]).contains("state_space"));
    assert!(refused("vanilla", generalised(1.5), vec![]).contains("alpha"));
    assert!(refused("vanilla", generalised(0.5), vec![9]).contains("unit 9"));
    let bound = Forcing::Annealed {
        norm: JacobianNorm::ParameterBound,
        every: 5,
        keep: 0.9,
    };
    assert!(refused("vanilla", bound, vec![]).contains("unit parameter `a`"));
}
