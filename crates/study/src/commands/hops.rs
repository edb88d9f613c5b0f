//! `hops`: pathways from input to output by number of hops, and measures of the weights as a graph.

use super::numbers::array;
use super::results::Results;
use super::{Which, refuse};
use crate::terminal::Progress;
use chiliad::run::Events;
use chiliad_analysis::pathways::{
    Weights, communicability, correlation, driven, energy, entries, modularity, small_world,
    strongest,
};
use chiliad_analysis::probes::initial_state;
use chiliad_engine::error::EngineError;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use chiliad_tasks::{NpzArray, read_npy};
use faer::Mat;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct HopsArguments {
    #[command(flatten)]
    which: Which,
    /// Factor per hop of the resolvents (project default).
    #[arg(long, default_value_t = 0.8)]
    alpha: f64,
    /// Hops: m = 0 to LENGTH - 1 times through the recurrent weights (project default).
    #[arg(long, default_value_t = 10)]
    length: usize,
    /// Gate whose weights are followed [default: the candidate of a gated cell, the only gate of any other].
    #[arg(long)]
    gate: Option<String>,
    /// npy with the map the task asks for, [output, channel] or [network, output, channel].
    #[arg(long)]
    optimal: Option<PathBuf>,
    /// npz with `inputs` [trial, time, channel]: hops along these trajectories as well.
    #[arg(long)]
    trials: Option<PathBuf>,
    /// Share of the pairs of units that the graph of the strongest connections keeps (project default).
    #[arg(long, default_value_t = 0.1)]
    density: f64,
    /// Rewired graphs that small-worldness is held against (project default).
    #[arg(long, default_value_t = 100)]
    nulls: usize,
    /// Seed of the rewiring.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long)]
    out: PathBuf,
}

/// What is asked of every network.
struct Asked<'a> {
    a: &'a HopsArguments,
    population: &'a Population,
    optimal: Option<Vec<Mat<f64>>>,
    inputs: Option<(Vec<f32>, usize)>,
}

/// One network's figures and big arrays.
struct Figures {
    value: Value,
    hops: Vec<f64>,
    communicability: Vec<f64>,
    driven: Vec<f64>,
}

pub(super) fn hops(a: &HopsArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let results = Results::to(&a.out)?;
    if !(a.alpha.is_finite() && a.alpha > 0.0) {
        return refuse(format!("--alpha {}; allowed: a number above 0", a.alpha));
    }
    if a.length == 0 {
        return refuse("--length 0; allowed: 1 or more".into());
    }
    if !(0.0..=1.0).contains(&a.density) || a.density == 0.0 {
        return refuse(format!(
            "--density {}; allowed: above 0, at most 1",
            a.density
        ));
    }
    if a.nulls == 0 {
        return refuse("--nulls 0; allowed: 1 or more".into());
    }
    let architecture = &population.architecture;
    let asked = Asked {
        a,
        population,
        optimal: a
            .optimal
            .as_ref()
            .map(|file| optimal(file, population))
            .transpose()?,
        inputs: a
            .trials
            .as_ref()
            .map(|file| {
                array(
                    file,
                    "inputs",
                    "[trial, time, channel]",
                    3,
                    architecture.inputs,
                )
                .map(|x| (x.to_f32(), x.shape[1]))
            })
            .transpose()?,
    };
    let mut progress = Progress::new(json);
    progress.begin("hops", &found.label);
    let n = population.n_networks;
    let mut figures = Vec::with_capacity(n);
    let all: Vec<usize> = (0..n).collect();
    for part in all.chunks(4 * rayon::current_num_threads()) {
        let some: Result<Vec<Figures>, EngineError> =
            part.par_iter().map(|k| asked.network(*k)).collect();
        figures.extend(some?);
        progress.progress(
            figures.len() as f64 / n as f64,
            &format!("{}/{n}", figures.len()),
        );
    }
    progress.end();
    let (units, outputs, inputs) = (
        architecture.units,
        architecture.outputs,
        architecture.inputs,
    );
    let gather = |f: fn(&Figures) -> &Vec<f64>| figures.iter().flat_map(f).copied().collect();
    let mut arrays = vec![
        (
            "hops",
            NpzArray::f64(&[n, a.length, outputs, inputs], gather(|f| &f.hops)),
        ),
        (
            "communicability",
            NpzArray::f64(&[n, units, units], gather(|f| &f.communicability)),
        ),
    ];
    if let Some((_, steps)) = asked.inputs {
        let length = a.length.min(steps);
        arrays.push((
            "driven",
            NpzArray::f64(&[n, length, outputs, inputs], gather(|f| &f.driven)),
        ));
    }
    let options = json!({"alpha": a.alpha, "length": a.length, "density": a.density, "nulls": a.nulls, "seed": a.seed});
    let networks: Vec<Value> = figures.iter().map(|f| f.value.clone()).collect();
    results.write(
        json,
        json!({"options": options, "networks": networks}),
        "hops.npz",
        &arrays,
        &format!("pathways of {n} networks in {}", a.out.display()),
    )
}

impl Asked<'_> {
    fn network(&self, network: usize) -> Result<Figures, EngineError> {
        let a = self.a;
        let w = Weights::of(self.population, network, a.gate.as_deref())?;
        let hops = w.hops(a.length);
        let radius = w.spectral_radius();
        let normalised = radius.filter(|r| *r > 0.0).map(|r| a.alpha / r);
        let truncated = w.truncated(a.alpha, a.length);
        let infinite = w.infinite(a.alpha);
        let truncated_normalised = normalised.map(|a| w.truncated(a, self.a.length));
        let infinite_normalised = normalised.and_then(|a| w.infinite(a));
        let per_hop: f64 = hops
            .iter()
            .enumerate()
            .map(|(m, h)| a.alpha.powi(m as i32 + 2) * energy(h))
            .sum();
        // |W| as rows of sources, as the penalties have it.
        let sources = w.recurrent.transpose().to_owned();
        let reach = communicability(&sources);
        let units = sources.nrows();
        let off_diagonal = (units * units.saturating_sub(1)) as f64;
        let mean_reach = (entries(&reach).sum::<f64>()
            - (0..units).map(|i| reach[(i, i)]).sum::<f64>())
            / off_diagonal;
        let communities = modularity(&w.recurrent);
        let graph = strongest(&w.recurrent, a.density);
        let binary = Mat::from_fn(units, units, |i, j| {
            f64::from(u8::from(graph[i].binary_search(&j).is_ok()))
        });
        let map = self.optimal.as_ref().map(|all| &all[network % all.len()]);
        let against = |m: Option<&Mat<f64>>| m.zip(map).and_then(|(m, o)| correlation(m, o));
        let seed = a.seed.wrapping_add(network as u64);
        let along = self
            .inputs
            .as_ref()
            .map(|(inputs, steps)| {
                let zero = vec![0.0; self.population.architecture.inputs];
                let mut net = Map::new(self.population, network, &zero)?;
                let start = initial_state(self.population, network);
                driven(&mut net, &start, inputs, *steps, a.length)
            })
            .transpose()?;
        let value = json!({
            "network": network,
            "gate": {"recurrent": w.recurrent_gate, "input": w.input_gate},
            "hops": hops.iter().map(rows).collect::<Vec<_>>(),
            "energy": hops.iter().map(energy).collect::<Vec<_>>(),
            "resolvent": {
                "truncated": rows(&truncated),
                "infinite": infinite.as_ref().map(rows),
                "truncated_normalised": truncated_normalised.as_ref().map(rows),
                "infinite_normalised": infinite_normalised.as_ref().map(rows),
            },
            "infinite_refused": infinite.is_none().then(|| format!(
                "alpha times the spectral radius is {}: the sum over all hops does not converge from 1 on",
                a.alpha * radius.unwrap_or(f64::NAN)
            )),
            "omega": energy(&truncated),
            "omega_infinite": infinite.as_ref().map(energy),
            "omega_per_hop": per_hop,
            "sum_of_squares": entries(&truncated).map(|x| x * x).sum::<f64>(),
            "sum_of_squares_infinite": infinite.as_ref().map(|m| entries(m).map(|x| x * x).sum::<f64>()),
            "spectral_radius": radius,
            "correlation_with_optimal": map.map(|_| json!({
                "truncated": against(Some(&truncated)),
                "infinite": against(infinite.as_ref()),
                "truncated_normalised": against(truncated_normalised.as_ref()),
                "infinite_normalised": against(infinite_normalised.as_ref()),
                "hops": hops.iter().map(|h| against(Some(h))).collect::<Vec<_>>(),
            })),
            "driven": along.as_ref().map(|d| json!({"hops": d.hops.iter().map(rows).collect::<Vec<_>>(), "energy": d.energy})),
            "modularity": communities.q,
            "communities": communities.communities,
            "modularity_strongest": modularity(&binary).q,
            "small_world": small_world(&graph, a.nulls, seed),
            "communicability_mean": mean_reach,
        });
        Ok(Figures {
            value,
            hops: hops.iter().flat_map(entries).collect(),
            communicability: entries(&reach).collect(),
            driven: along
                .iter()
                .flat_map(|d| &d.hops)
                .flat_map(entries)
                .collect(),
        })
    }
}

fn rows(matrix: &Mat<f64>) -> Vec<Vec<f64>> {
    let flat: Vec<f64> = entries(matrix).collect();
    flat.chunks(matrix.ncols().max(1))
        .map(<[f64]>::to_vec)
        .collect()
}

/// One map for all networks, or one each.
fn optimal(file: &Path, population: &Population) -> anyhow::Result<Vec<Mat<f64>>> {
    let array = read_npy(file)?;
    let (o, i) = (
        population.architecture.outputs,
        population.architecture.inputs,
    );
    let maps = match array.shape[..] {
        [a, b] if (a, b) == (o, i) => 1,
        [n, a, b] if (n, a, b) == (population.n_networks, o, i) => n,
        _ => {
            return refuse(format!(
                "{}: shape {:?}, expected [{o}, {i}] (output, channel) or [{}, {o}, {i}] with networks first",
                file.display(),
                array.shape,
                population.n_networks
            ));
        }
    };
    let values = array.to_f64();
    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
        return refuse(format!(
            "{}: element {at} in row-major order is not finite; every value must be",
            file.display()
        ));
    }
    Ok((0..maps)
        .map(|n| Mat::from_fn(o, i, |r, c| values[(n * o + r) * i + c]))
        .collect())
}
