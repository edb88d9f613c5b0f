//! Distances on arrays that are given, timed: the engine's side of `benches/peers/run-distances` and `run-dsa`.

use anyhow::Context as _;
use chiliad_analysis::distances::dsa::{Conjugation, Delays, DsaProcrustes, Fit, Operator, Rank};
use chiliad_analysis::distances::geometry::{Canonical, Cka, CkaKind, Components, Shape};
use chiliad_analysis::distances::{Measure, Pairs, Recording, Samples, compare_block, pair};
use chiliad_tasks::read_npy;
use clap::{Parser, Subcommand};
use rayon::prelude::*;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Times distances.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All pairs of some networks: reads names of measures, a line each, and answers with one JSON line.
    Serve {
        /// npy, `[network, trial, time, unit]`.
        #[arg(long)]
        states: PathBuf,
        /// Delays of `dsa-procrustes`.
        #[arg(long, default_value_t = 10)]
        delays: usize,
        /// Rank of `dsa-procrustes`.
        #[arg(long, default_value_t = 15)]
        rank: usize,
    },
    /// Procrustes over vector fields of matrices in pairs, several runs each.
    Conjugation {
        /// npy, `[pair, n, n]`.
        #[arg(long)]
        first: PathBuf,
        /// The other of each pair.
        #[arg(long)]
        second: PathBuf,
        /// Runs per pair, each with a seed of its own.
        #[arg(long, default_value_t = 20)]
        runs: u64,
    },
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Serve {
            states,
            delays,
            rank,
        } => {
            let networks = recordings(&states)?;
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                println!("{}", measured(line.trim(), &networks, delays, rank)?);
            }
        }
        Command::Conjugation {
            first,
            second,
            runs,
        } => println!("{}", conjugated(&first, &second, runs)?),
    }
    Ok(())
}

fn recordings(file: &Path) -> anyhow::Result<Vec<Recording>> {
    let array = read_npy(file)?;
    let [_, trials, steps, units] = array.shape[..] else {
        anyhow::bail!(
            "{}: shape {:?}; allowed: [network, trial, time, unit]",
            file.display(),
            array.shape
        );
    };
    let values = array.to_f64();
    let whole = values.chunks(trials * steps * units).enumerate();
    whole
        .map(|(n, v)| {
            Ok(Recording::new(
                &format!("network {n}"),
                [trials, steps, units],
                v.to_vec(),
            )?)
        })
        .collect()
}

fn measured(
    name: &str,
    networks: &[Recording],
    delays: usize,
    rank: usize,
) -> anyhow::Result<serde_json::Value> {
    let moments = || -> anyhow::Result<Vec<Samples>> {
        let one =
            |r: &Recording| Samples::new(&r.name, r.n_trials * r.n_steps, r.n_units, r.values());
        Ok(networks.iter().map(one).collect::<Result<_, _>>()?)
    };
    match name {
        "cka" => all(
            &Cka {
                kind: CkaKind::Linear,
            },
            &moments()?,
        ),
        "procrustes" => all(&Shape::default(), &moments()?),
        "svcca" => all(
            &Canonical {
                components: Components::Variance(0.99),
                correlations: false,
            },
            &moments()?,
        ),
        "dsa-procrustes" => {
            let fit = Fit {
                delays: Delays {
                    number: delays,
                    interval: 1,
                },
                rank: Rank::Number(rank),
                ..Fit::default()
            };
            let conjugation = Conjugation::default();
            all(&DsaProcrustes { fit, conjugation }, networks)
        }
        _ => anyhow::bail!("expected cka, procrustes, svcca or dsa-procrustes, got `{name}`"),
    }
}

/// Seconds for the part of every network, seconds for all pairs, and the distances, pairs (i, j), i < j, in order.
fn all<M: Measure>(measure: &M, networks: &[M::Input]) -> anyhow::Result<serde_json::Value> {
    let start = Instant::now();
    let prepared: Vec<M::Prepared> = networks
        .par_iter()
        .map(|n| measure.prepare(n))
        .collect::<Result<_, _>>()?;
    let prepare_seconds = start.elapsed().as_secs_f64();
    let prepared: Vec<&M::Prepared> = prepared.iter().collect();
    let start = Instant::now();
    let mut distances = Vec::new();
    while distances.len() < Pairs::of(networks.len()).pairs {
        let first = distances.len();
        distances.extend(compare_block(measure, &prepared, first, &|f| {
            M::distance(f)
        })?);
    }
    Ok(serde_json::json!({
        "prepare_seconds": prepare_seconds,
        "pair_seconds": start.elapsed().as_secs_f64(),
        "distances": distances,
    }))
}

/// Distances `[pair][run]`, and seconds for all of them.
fn conjugated(first: &Path, second: &Path, runs: u64) -> anyhow::Result<serde_json::Value> {
    let operators = |file: &Path| -> anyhow::Result<Vec<Operator>> {
        let array = read_npy(file)?;
        let [_, n, m] = array.shape[..] else {
            anyhow::bail!(
                "{}: shape {:?}; allowed: [pair, n, n]",
                file.display(),
                array.shape
            );
        };
        let values = array.to_f64();
        let each = values.chunks(n * m);
        each.map(|v| Operator::new("operator", &[n, m], v).context("an operator"))
            .collect()
    };
    let (first, second) = (operators(first)?, operators(second)?);
    anyhow::ensure!(
        first.len() == second.len(),
        "as many of one as of the other"
    );
    let start = Instant::now();
    let distances = first
        .par_iter()
        .zip(&second)
        .map(|(a, b)| {
            let run = |seed| {
                let measure = Conjugation {
                    seed,
                    ..Conjugation::default()
                };
                Ok(pair(&measure, a, b)?.distance)
            };
            (0..runs).map(run).collect::<anyhow::Result<Vec<f64>>>()
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(serde_json::json!({
        "seconds": start.elapsed().as_secs_f64(),
        "distances": distances,
    }))
}
