//! Every cell beyond the classical ones against its published equations, written out as plain loops; cells that contain
//! others as special cases; published losses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::Executor;
use chiliad_engine::population::{Population, Role, Seeds, initialise::initialise};
use chiliad_tasks::random::Stream;

/// Purpose words of the streams of weights and of inputs.
const WEIGHTS: u32 = 0x910;
const INPUTS: u32 = 0x911;
const UNITS: usize = 6;
const STEPS: usize = 4;

/// One network and its tensors in f64, by name.
struct Network(Population);

impl Network {
    fn random(cell: &str, activation: &str) -> Self {
        let architecture = gpu_adapter::architecture(cell, activation, UNITS, 2, 1);
        let mut population = initialise(&architecture, &[Seeds::all(5)]);
        let stream = Stream::new(5, WEIGHTS);
        for (i, p) in population.params.iter_mut().enumerate() {
            *p += 0.3 * stream.normal_at(0, i as u32);
        }
        Self(population)
    }

    fn tensor(&self, name: &str) -> Vec<f64> {
        let tensor = self.0.layout.named(name);
        let range = tensor.map_or(0..0, chiliad_engine::population::Tensor::range);
        let values = &self.0.params[range];
        values.iter().map(|v| f64::from(*v)).collect()
    }

    /// `W drive + V x + b` of a gate; terms the gate lacks are left out.
    fn gate(&self, name: &str, drive: &[f64], x: &[f64]) -> Vec<f64> {
        let product = |matrix: Vec<f64>, by: &[f64], i: usize| -> f64 {
            let row = matrix.chunks(by.len()).nth(i).unwrap_or_default();
            row.iter().zip(by).map(|(w, d)| w * d).sum()
        };
        let bias = self.tensor(&format!("bias.{name}"));
        (0..UNITS)
            .map(|i| {
                product(self.tensor(&format!("w_rec.{name}")), drive, i)
                    + product(self.tensor(&format!("w_in.{name}")), x, i)
                    + bias.get(i).copied().unwrap_or(0.0)
            })
            .collect()
    }

    /// Worst error of the states of a roll-out against equations that map (states, input) to states.
    fn worst(&self, next: impl Fn(&Self, &[Vec<f64>], &[f64]) -> Vec<Vec<f64>>) -> f64 {
        let stream = Stream::new(5, INPUTS);
        let inputs: Vec<f32> = (0..2 * STEPS as u32)
            .map(|i| stream.normal_at(0, i))
            .collect();
        let executor = CpuExecutor::new(Some(1)).unwrap();
        let rolled = executor.roll_out(&self.0, &inputs, 1, STEPS).unwrap();
        let cell = &self.0.architecture.cell;
        let mut state: Vec<Vec<f64>> = (cell.states.iter())
            .map(|s| self.tensor(&format!("h0.{s}")))
            .collect();
        let mut worst = 0.0_f64;
        for t in 0..STEPS {
            let x: Vec<f64> = inputs[2 * t..][..2].iter().map(|v| f64::from(*v)).collect();
            state = next(self, &state, &x);
            for (found, expected) in rolled.states.iter().zip(&state) {
                for (a, b) in found[t * UNITS..].iter().zip(expected) {
                    worst = worst.max((f64::from(*a) - b).abs() / b.abs().max(1.0));
                }
            }
        }
        worst
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.exp().ln_1p()
}

fn units(f: impl Fn(usize) -> f64) -> Vec<f64> {
    (0..UNITS).map(f).collect()
}

#[track_caller]
fn assert_small(error: f64) {
    assert!(error < 2e-6, "{error}");
}

#[test]
fn minimal_gated_unit_is_zhou_2016() {
    assert_small(Network::random("mgu", "tanh").worst(|n, s, x| {
        let h = &s[0];
        let f: Vec<f64> = n.gate("f", h, x).into_iter().map(sigmoid).collect();
        let c = n.gate("c", &units(|i| f[i] * h[i]), x);
        vec![units(|i| (1.0 - f[i]) * h[i] + f[i] * c[i].tanh())]
    }));
}

#[test]
fn almost_linear_network_is_brenner_2024() {
    let network = Network::random("al_rnn", "tanh");
    assert_small(network.worst(|n, s, x| {
        let (z, a) = (&s[0], n.tensor("unit.a"));
        // Rectified: the last two of six.
        let phi = units(|i| if i < 4 { z[i] } else { z[i].max(0.0) });
        let p = n.gate("p", &phi, x);
        vec![units(|i| a[i] * z[i] + p[i])]
    }));
}

#[test]
fn almost_linear_network_with_all_units_rectified_is_the_piecewise_linear_one() {
    let mut all = Network::random("al_rnn", "tanh");
    all.0.constants = vec![UNITS as f32];
    let mut plain = Network::random("plrnn", "tanh");
    plain.0.params.clone_from(&all.0.params);
    let inputs = vec![0.5; 2 * STEPS];
    let states = |n: &Network| {
        let executor = CpuExecutor::new(Some(1)).unwrap();
        let rolled = executor.roll_out(&n.0, &inputs, 1, STEPS).unwrap();
        gpu_adapter::bits(&rolled.states[0])
    };
    assert_eq!(states(&all), states(&plain));
    all.0.constants = vec![0.0];
    assert_small(all.worst(|n, s, x| {
        let a = n.tensor("unit.a");
        let p = n.gate("p", &s[0], x);
        vec![units(|i| a[i] * s[0][i] + p[i])]
    }));
}

#[test]
fn antisymmetric_network_is_chang_2019() {
    let network = Network::random("antisymmetric", "tanh");
    assert_small(network.worst(|n, s, x| {
        let h = &s[0];
        let a = n.gate("a", h, x);
        vec![units(|i| h[i] + 0.1 * (a[i] - 0.01 * h[i]).tanh())]
    }));
}

#[test]
fn real_state_space_is_a_zero_order_hold() {
    let network = Network::random("state_space", "tanh");
    assert_small(network.worst(|n, s, x| {
        let rate = n.tensor("unit.rate");
        let u = n.gate("u", &s[0], x);
        // dh/dt = -r (h - u) over one unit of time.
        vec![units(|i| {
            let kept = (-(i as f64 + 1.0) * softplus(rate[i])).exp();
            u[i] + kept * (s[0][i] - u[i])
        })]
    }));
    assert!(network.0.layout.named("w_rec.u").is_none());
}

#[test]
fn complex_state_space_turns_and_shrinks() {
    let network = Network::random("state_space_complex", "tanh");
    assert_small(network.worst(|n, s, x| {
        let (rate, turn) = (n.tensor("unit.rate"), n.tensor("unit.turn"));
        let (re, im) = (n.gate("u_re", &s[0], x), n.gate("u_im", &s[0], x));
        let at = |i: usize| {
            let angle = 2.0 * (turn[i] * (i as f64 + 1.0) / UNITS as f64).atan();
            let size = (-softplus(rate[i])).exp();
            (size * angle.cos(), size * angle.sin())
        };
        vec![
            units(|i| at(i).0 * s[0][i] - at(i).1 * s[1][i] + re[i]),
            units(|i| at(i).1 * s[0][i] + at(i).0 * s[1][i] + im[i]),
        ]
    }));
}

#[test]
fn linear_attention_is_a_decaying_sum_of_keys_times_values() {
    let network = Network::random("linear_attention", "tanh");
    assert_small(network.worst(|n, s, x| {
        let [f, k, v, q] = ["f", "k", "v", "q"].map(|g| n.gate(g, &s[0], x));
        let m = units(|i| sigmoid(f[i]) * s[1][i] + k[i] * v[i]);
        vec![units(|i| q[i] * m[i]), m]
    }));
}

#[test]
fn shallow_networks_are_hess_2023() {
    for cell in ["shplrnn", "shplrnn_clipped"] {
        let mut network = Network::random(cell, "tanh");
        // Whatever the units beyond the latent ones begin with counts for nothing: their state is 0 after one step.
        let first = network.0.layout.find(Role::InitialState(0)).unwrap().offset;
        network.0.params[first + 3..][..UNITS - 3].fill(9.0);
        assert_small(network.worst(|n, s, x| {
            let (z, a, h) = (&s[0], n.tensor("unit.a"), n.tensor("unit.h"));
            let latent = units(|i| if i < 3 { z[i] } else { 0.0 });
            let p = n.gate("p", &latent, x);
            let hidden = units(|i| {
                if cell == "shplrnn" {
                    p[i].max(0.0)
                } else {
                    (p[i] + h[i]).max(0.0) - p[i].max(0.0)
                }
            });
            let q = n.gate("q", &hidden, x);
            vec![units(|i| if i < 3 { a[i] * z[i] + q[i] } else { 0.0 })]
        }));
    }
}

/// Losses of a system with two states and five hidden units over 20 free steps, from the state given, computed elsewhere.
#[test]
fn shallow_networks_have_the_losses_known() {
    let (m, l) = (2, 5);
    let observed = |t: f64| [(0.3 * t).sin(), (0.2 * t + 0.5).cos()];
    for (cell, known) in [
        ("shplrnn", 0.450_974_736_6),
        ("shplrnn_clipped", 0.828_556_148_8),
    ] {
        let architecture = gpu_adapter::architecture(cell, "tanh", l, 0, m);
        let mut population = Population::zeros(architecture, 1);
        population.constants = vec![m as f32];
        let layout = population.layout.clone();
        let mut put = |name: &str, row: usize, column: usize, width: usize, value: f64| {
            let tensor = layout.named(name).unwrap();
            population.params[tensor.offset + row * width + column] = value as f32;
        };
        for i in 0..m {
            for k in 0..l {
                let (fi, fk) = (i as f64, k as f64);
                put("w_rec.q", i, k, l, 0.6 * (1.0 + 0.8 * fi + 1.3 * fk).cos());
                put("w_rec.p", k, i, l, 0.9 * (0.5 + 1.1 * fk + 0.7 * fi).sin());
            }
            put("bias.q", 0, i, l, [0.1, -0.2][i]);
            put("unit.a", 0, i, l, [0.9, 0.7][i]);
            put("h0.z", 0, i, l, observed(0.0)[i]);
            put("w_out", i, i, l, 1.0);
        }
        let hidden_bias = if cell == "shplrnn" {
            "bias.p"
        } else {
            "unit.h"
        };
        for k in 0..l {
            put(hidden_bias, 0, k, l, 0.3 * (k as f64).cos());
        }
        let executor = CpuExecutor::new(Some(1)).unwrap();
        let rolled = executor.roll_out(&population, &[], 1, 20).unwrap();
        let loss = (0..20)
            .flat_map(|t| (0..m).map(move |o| (t, o)))
            .map(|(t, o)| {
                let y = f64::from(rolled.outputs[t * m + o]);
                (y - observed(t as f64 + 1.0)[o]).powi(2)
            })
            .sum::<f64>()
            / 40.0;
        println!("{cell}: {loss}");
        assert!((loss - known).abs() < 1e-6 * known, "{cell}: {loss}");
    }
}
