//! Seconds per network of the fixed-point search: `cargo test --release -p chiliad-tests --test fixed_points_speed -- --ignored --nocapture`.

use chiliad_engine::cell::Cell;
use chiliad_engine::fixed_points::{Options, Verdict, Visited, find};
use chiliad_engine::map::Map;
use chiliad_engine::population::initialise::initialise;
use chiliad_engine::population::{Architecture, Population, Role, Seeds};
use std::sync::Arc;
use std::time::Instant;

/// Networks that hold three bits (`gain` inside each block of a third of the units), with random weights added.
fn networks(cell: &str, units: usize, n_networks: usize, gain: f32, noise: f32) -> Population {
    let cell = Arc::new(Cell::builtin(cell, "tanh").expect("the cell is in the library"));
    let seeds: Vec<Seeds> = (0..n_networks as u64).map(Seeds::all).collect();
    let mut population = initialise(
        &Architecture {
            cell: cell.clone(),
            units,
            inputs: 3,
            outputs: 3,
        },
        &seeds,
    );
    let layout = population.layout.clone();
    let candidate = cell.gates().last().map(|(s, g, _)| (s, g));
    let candidate = if cell.name == "ugrnn" || cell.name == "gru" || cell.name == "vanilla" {
        candidate
    } else {
        cell.gates()
            .find(|(_, _, g)| g.name == "g")
            .map(|(s, g, _)| (s, g))
    };
    let block = units / 3;
    for network in 0..n_networks {
        let params = &mut population.params[network * layout.n_params..][..layout.n_params];
        for tensor in &layout.tensors {
            if let Role::Recurrent(s, g) = tensor.role {
                for (i, p) in params[tensor.range()].iter_mut().enumerate() {
                    *p *= noise;
                    let (to, from) = (i / units, i % units);
                    if Some((s, g)) == candidate && to / block == from / block && to < 3 * block {
                        *p += gain / block as f32;
                    }
                }
            }
        }
    }
    population
}

fn measure(cell: &str, units: usize, gain: f32, noise: f32) {
    const N: usize = 6;
    let population = networks(cell, units, N, gain, noise);
    let start = Instant::now();
    let mut line = String::new();
    let (mut search, mut settle, mut held, mut slow, mut rejected, mut seeds) =
        (0.0, 0.0, 0, 0, 0, 0);
    for network in 0..N {
        let map = Map::new(&population, network, &[0.0; 3]).expect("the map exists");
        let mut scratch = map.scratch();
        let fields = map.n_state() / units;
        let (n_trials, n_steps) = (256, 16);
        let mut visited = vec![vec![0.0_f32; n_trials * n_steps * units]; fields];
        let stream = chiliad_tasks::random::Stream::new(network as u64, 0x903);
        for trial in 0..n_trials {
            let signs = [0, 1, 2].map(|b| if trial >> b & 1 == 0 { -0.5 } else { 0.5 });
            let mut state: Vec<f64> = (0..map.n_state())
                .map(|i| {
                    signs[(i % units * 3 / units).min(2)]
                        + 0.1 * f64::from(stream.normal_at(trial as u32, i as u32))
                })
                .collect();
            let mut next = state.clone();
            for time in 0..n_steps {
                map.step(&mut scratch, &state, &mut next);
                std::mem::swap(&mut state, &mut next);
                for f in 0..fields {
                    for i in 0..units {
                        visited[f][(trial * n_steps + time) * units + i] =
                            state[f * units + i] as f32;
                    }
                }
            }
        }
        let visited = Visited {
            states: visited.iter().map(Vec::as_slice).collect(),
            n_trials,
            n_steps,
        };
        let found = find(
            &population,
            network,
            &[0.0; 3],
            0,
            &visited,
            &Options::default(),
        )
        .expect("the search runs");
        search += found.seconds.0;
        settle += found.seconds.1;
        held += usize::from(found.certificate.verdict == Verdict::Held);
        slow += found.slow.len();
        rejected += found.rejected;
        seeds += found.seeds;
        line += &format!(
            " {}({}, {} rounds, {} reached)",
            found.points.len(),
            found.certificate.index_sum,
            found.certificate.rounds,
            found.reached.attractors.len()
        );
    }
    println!(
        "{cell} {units} units, gain {gain}, noise {noise}: {:.3} s search, {:.3} s settle, {:.3} s per network; {held} of {N} held; {slow} slow, {rejected} of {seeds} rejected; points{line}",
        search / N as f64,
        settle / N as f64,
        start.elapsed().as_secs_f64() / N as f64
    );
}

#[test]
#[ignore = "a measurement"]
fn seconds_per_network() {
    for units in [32, 64] {
        for cell in ["vanilla", "ugrnn", "gru", "lstm"] {
            let gain = match cell {
                "lstm" => 4.0,
                "gru" => 3.2,
                _ => 1.6,
            };
            measure(cell, units, gain, 0.3);
            measure(cell, units, 0.0, 1.7);
        }
    }
}
