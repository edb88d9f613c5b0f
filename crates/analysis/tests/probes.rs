//! What is lost when a part is taken out, where it can be told beforehand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::linearised::Modes;
use chiliad_analysis::probes::{
    Affine, WithoutModes, initial_state, nodes, run, transplant, without_units,
};
use chiliad_engine::cell::{self, Cell};
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::Executor;
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::{Task, Trials};
use std::sync::Arc;

/// Attractor of h = tanh(1.7 h), to f32.
const A: f32 = 0.906_156;

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

/// Three bits in three units that know nothing of each other, each a memory of the last pulse; `order` permutes the units.
fn memory(order: [usize; 3]) -> Population {
    let mut population = Population::zeros(
        Architecture {
            cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
            units: 3,
            inputs: 3,
            outputs: 3,
        },
        1,
    );
    let mut set = |name: &str, row: usize, column: usize, value: f32| {
        let at = population.layout.named(name).unwrap().offset;
        population.params[at + row * 3 + column] = value;
    };
    for (channel, unit) in order.into_iter().enumerate() {
        set("w_rec.a", unit, unit, 1.7);
        set("w_in.a", unit, channel, 4.0);
        set("w_out", channel, unit, 1.0 / A);
    }
    population
}

fn trials(n: usize) -> Trials {
    Task::builtin("flip_flop")
        .unwrap()
        .sample("train", n, 3)
        .unwrap()
}

fn loss_of(population: &Population, trials: &Trials) -> f64 {
    let run = run(population, 0, trials, &mut |_, _, _| {}).unwrap();
    run.loss(trials, 0..trials.n_trials, 0..trials.n_steps)
        .unwrap()
}

#[test]
fn run_is_the_executors_roll_out() {
    for name in cell::names() {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin(name, "tanh").unwrap()),
            units: 7,
            inputs: 3,
            outputs: 3,
        };
        let mut population = initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]);
        for t in population
            .layout
            .clone()
            .tensors
            .iter()
            .filter(|t| t.name.starts_with("h0"))
        {
            let first = population.layout.n_params + t.offset;
            population.params[first..first + t.len()].fill(0.3);
        }
        assert!(
            initial_state(&population, 1)
                .iter()
                .all(|h| (h - 0.3).abs() < 1e-7)
        );
        let t = trials(3);
        let rolled = CpuExecutor::new(Some(1))
            .unwrap()
            .roll_out(&population, &t.inputs, t.n_trials, t.n_steps)
            .unwrap();
        let run = run(&population, 1, &t, &mut |_, _, _| {}).unwrap();
        let outputs: Vec<f64> = run.outputs.concat();
        for (a, b) in outputs.iter().zip(&rolled.outputs[outputs.len()..]) {
            // Some cells are unbounded: relative where outputs are large.
            near(*a, f64::from(*b), 2e-4 * f64::from(b.abs()).max(1.0));
        }
    }
}

#[test]
fn removing_a_unit_silences_its_output_alone() {
    let (population, t) = (memory([0, 1, 2]), trials(16));
    assert!(loss_of(&population, &t) < 0.02);
    let silenced = without_units(&population, 0, &[1]).unwrap();
    let before = run(&population, 0, &t, &mut |_, _, _| {}).unwrap();
    let after = run(&silenced, 0, &t, &mut |_, _, _| {}).unwrap();
    for (a, b) in before.outputs.iter().zip(&after.outputs) {
        assert_eq!((a[0], 0.0, a[2]), (b[0], b[1], b[2]));
    }
    // Output 1 is 0 where it should be +-1 (or 0 before the first pulse).
    let lost: f64 = t.targets.chunks(3).map(|y| f64::from(y[1]).powi(2)).sum();
    let kept: f64 = before
        .outputs
        .iter()
        .zip(t.targets.chunks(3))
        .map(|(y, target)| {
            [0, 2]
                .iter()
                .map(|o| (y[*o] - f64::from(target[*o])).powi(2))
                .sum::<f64>()
        })
        .sum();
    near(
        loss_of(&silenced, &t),
        (lost + kept) / t.targets.len() as f64,
        1e-12,
    );
    assert!(
        without_units(&population, 0, &[3]).is_err()
            && without_units(&population, 1, &[0]).is_err()
    );
}

#[test]
fn removing_a_mode_at_a_point() {
    let (population, t) = (memory([0, 1, 2]), trials(16));
    let map = Map::new(&population, 0, &[0.0; 3]).unwrap();
    let mut scratch = map.scratch();
    // Units of different strength, so that the mode of each is told apart: at a corner all are alike, at this point not.
    let point = [0.0, 0.5, 0.9];
    let modes = Modes::of(&map.jacobian(&mut scratch, &point), 3).unwrap();
    let without = WithoutModes::new(&point, &modes, &[0]).unwrap();
    assert_eq!(without.modes, [0]);
    let probed = run(&population, 0, &t, &mut |_, _, h| without.apply(h)).unwrap();
    let intact = run(&population, 0, &t, &mut |_, _, _| {}).unwrap();
    // The slowest mode is unit 0 itself: it is held at the point, the others go on.
    for (a, b) in intact.states.iter().zip(&probed.states) {
        near(b[0], 0.0, 1e-12);
        near(b[1], a[1], 1e-12);
        near(b[2], a[2], 1e-12);
    }
    // Twice is once; a complex pair goes as one.
    let mut twice = vec![0.3, -0.2, 0.7];
    without.apply(&mut twice);
    let once = twice.clone();
    without.apply(&mut twice);
    assert_eq!(once, twice);
    let spiral = Modes::of(&[0.5, -0.4, 0.4, 0.5], 2).unwrap();
    let both = WithoutModes::new(&[1.0, 2.0], &spiral, &[1]).unwrap();
    assert_eq!(both.modes, [0, 1]);
    let mut state = vec![7.0, -3.0];
    both.apply(&mut state);
    near(state[0], 1.0, 1e-12);
    near(state[1], 2.0, 1e-12);
    assert!(WithoutModes::new(&point, &modes, &[3]).is_err());
    let jordan = Modes::of(&[0.9, 1.0, 0.0, 0.9], 2).unwrap();
    assert!(WithoutModes::new(&[0.0; 2], &jordan, &[0]).is_err());
}

#[test]
fn transplant_between_permuted_copies_changes_nothing() {
    let (donor, recipient, t) = (memory([0, 1, 2]), memory([2, 0, 1]), trials(32));
    let done = transplant((&donor, 0), (&recipient, 0), &t, 30).unwrap();
    near(done.explained, 1.0, 1e-12);
    near(done.loss_transplanted, done.loss_intact, 1e-12);
    assert!(
        done.loss_other_trial > 10.0 * done.loss_intact,
        "{} {}",
        done.loss_other_trial,
        done.loss_intact
    );
    // Up to the transplant, and in the first half of the trials, nothing was touched.
    let intact = run(&recipient, 0, &t, &mut |_, _, _| {}).unwrap();
    let row = 20 * t.n_steps;
    assert_eq!(
        done.run.states[..row],
        [
            &intact.states[..16 * t.n_steps],
            &done.run.states[16 * t.n_steps..row]
        ]
        .concat()
    );
    assert_eq!(done.run.states[row..row + 30], intact.states[row..row + 30]);
    // Corners of the donor's cube are corners of the recipient's, of the same signs.
    let corners: Vec<Vec<f64>> = (0..8)
        .map(|c| {
            (0..3)
                .map(|b| {
                    if c >> b & 1 == 1 {
                        f64::from(A)
                    } else {
                        -f64::from(A)
                    }
                })
                .collect()
        })
        .collect();
    let [from, to] = [&donor, &recipient].map(|p| Map::new(p, 0, &[0.0; 3]).unwrap());
    let ends = nodes(&from, &to, &done.map, &corners, 50);
    assert!(ends.iter().all(|(a, b)| a.is_some() && a == b), "{ends:?}");
    assert_eq!(
        ends.iter()
            .map(|e| e.0.clone())
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        8
    );
    assert!(transplant((&donor, 0), (&recipient, 0), &t, 63).is_err());
    assert!(transplant((&donor, 0), (&recipient, 0), &trials(3), 5).is_err());
}

#[test]
fn affine_fit_of_few_dimensions() {
    // The donor only ever varies along (1, 1): the other direction is not made up.
    let from: Vec<Vec<f64>> = (0..10).map(|k| vec![f64::from(k), f64::from(k)]).collect();
    let to: Vec<Vec<f64>> = (0..10).map(|k| vec![1.0 - 3.0 * f64::from(k)]).collect();
    let fit = Affine::fit(&from, &to).unwrap();
    near(fit.apply(&[2.0, 2.0])[0], -5.0, 1e-12);
    near(fit.apply(&[3.0, 1.0])[0], -5.0, 1e-12);
    assert!(
        Affine::fit(&[], &[]).is_none() && Affine::fit(&[vec![f64::NAN]], &[vec![0.0]]).is_none()
    );
}
