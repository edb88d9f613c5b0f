//! `probe`: take units or modes out of a network, or put another's state in, and run it again.

use super::results::Results;
use super::{Which, refuse};
use chiliad::known_points::{KnownPoint, KnownPoints};
use chiliad::population_folder::Found;
use chiliad_analysis::linearised::Modes;
use chiliad_analysis::probes::{
    Run, Transplant, WithoutModes, nodes, run, transplant, without_units,
};
use chiliad_engine::map::Map;
use chiliad_tasks::{NpzArray, Trials};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("part").required(true).args(["remove_units", "remove_mode", "transplant_from"])))]
pub(crate) struct ProbeArguments {
    #[command(flatten)]
    which: Which,
    /// The network that is probed.
    #[arg(long)]
    network: usize,
    /// Units whose outgoing weights become 0, as in 3,7.
    #[arg(long, value_delimiter = ',')]
    remove_units: Vec<usize>,
    /// Modes projected out around a point after every step, as in P:K or P:K,K: point P of the points, mode K by falling
    /// modulus; the other half of a complex pair goes along.
    #[arg(long)]
    remove_mode: Option<String>,
    /// Network whose state is put in, through the affine map that fits both networks' states on half of the trials.
    #[arg(long)]
    transplant_from: Option<usize>,
    /// Step after which the state is put in [default: the middle of the trial].
    #[arg(long, requires = "transplant_from")]
    step: Option<usize>,
    /// Folder of `fixed-points` [default: the population's own].
    #[arg(long)]
    points: Option<PathBuf>,
    /// Condition of the points.
    #[arg(long, default_value_t = 0)]
    condition: usize,
    /// npz with `inputs`, `targets` and `mask`.
    #[arg(long)]
    trials: PathBuf,
    #[arg(long)]
    out: PathBuf,
}

/// Does nothing.
fn untouched(_: usize, _: usize, _: &mut [f64]) {}

pub(super) fn probe(a: &ProbeArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let results = Results::to(&a.out)?;
    for (option, network) in [
        ("--network", Some(a.network)),
        ("--transplant-from", a.transplant_from),
    ] {
        if let Some(n) = network.filter(|n| *n >= population.n_networks) {
            return refuse(format!(
                "{option} {n}: there are {}, from 0",
                population.n_networks
            ));
        }
    }
    let trials = Trials::load_npz(&a.trials)?;
    let (value, after) = if let Some(donor) = a.transplant_from {
        put_in(a, &found, &trials, donor)?
    } else {
        let (after, what) = if let Some(asked) = &a.remove_mode {
            without_modes(a, &found, &trials, asked)?
        } else {
            let silenced = without_units(population, a.network, &a.remove_units)?;
            let after = run(&silenced, a.network, &trials, &mut untouched)?;
            (after, json!({"remove_units": a.remove_units}))
        };
        let before = run(population, a.network, &trials, &mut untouched)?;
        let loss = |r: &Run| r.loss(&trials, 0..trials.n_trials, 0..trials.n_steps);
        let (intact, probed) = (loss(&before), loss(&after));
        let change = intact.zip(probed).map(|(i, p)| p - i);
        let per_output: Vec<Value> = (0..trials.n_outputs)
            .map(|o| {
                let one = output_alone(&trials, o);
                let loss = |r: &Run| r.loss(&one, 0..trials.n_trials, 0..trials.n_steps);
                json!({"loss_intact": loss(&before), "loss_probed": loss(&after)})
            })
            .collect();
        let value = json!({"network": a.network, "probe": what, "loss_intact": intact, "loss_probed": probed, "change": change, "outputs": per_output});
        (value, after)
    };
    let shape = [trials.n_trials, trials.n_steps, trials.n_outputs];
    let arrays = [("outputs", NpzArray::f64(&shape, after.outputs.concat()))];
    let words = format!("{value}\noutputs in {}", a.out.display());
    results.write(
        json,
        json!({"networks": [value]}),
        "probed.npz",
        &arrays,
        &words,
    )
}

/// The same trials, with only one output in the mask.
fn output_alone(trials: &Trials, output: usize) -> Trials {
    let mut one = trials.clone();
    for (k, w) in one.mask.iter_mut().enumerate() {
        if k % trials.n_outputs != output {
            *w = 0.0;
        }
    }
    one
}

/// Points of one network at the condition asked for, with the input.
fn points_of(
    a: &ProbeArguments,
    found: &Found,
    network: usize,
) -> anyhow::Result<(Vec<f32>, Vec<KnownPoint>)> {
    let folder = a.points.as_ref().unwrap_or(&found.folder);
    let known = KnownPoints::load(folder, &found.population)?;
    match known
        .into_iter()
        .find(|k| (k.network, k.condition) == (network, a.condition))
    {
        Some(k) => Ok((k.input, k.points)),
        None => refuse(format!(
            "{}: no points of network {network} at condition {}",
            folder.display(),
            a.condition
        )),
    }
}

fn without_modes(
    a: &ProbeArguments,
    found: &Found,
    trials: &Trials,
    asked: &str,
) -> anyhow::Result<(Run, Value)> {
    let parsed = asked.split_once(':').and_then(|(point, modes)| {
        let modes: Option<Vec<usize>> = modes.split(',').map(|k| k.trim().parse().ok()).collect();
        Some((point.trim().parse::<usize>().ok()?, modes?))
    });
    let Some((p, modes)) = parsed else {
        return refuse(format!(
            "--remove-mode {asked}: written POINT:MODE or POINT:MODE,MODE, as in 0:1"
        ));
    };
    let (input, points) = points_of(a, found, a.network)?;
    let Some(point) = points.iter().find(|k| k.point == p) else {
        return refuse(format!(
            "--remove-mode {asked}: network {} has {} points at condition {}, from 0",
            a.network,
            points.len(),
            a.condition
        ));
    };
    let map = Map::new(&found.population, a.network, &input)?;
    let jacobian = map.jacobian(&mut map.scratch(), &point.state);
    let Some(all) = Modes::of(&jacobian, map.n_state()) else {
        return refuse(format!(
            "--remove-mode {asked}: the Jacobian there has no eigenvalues in f64"
        ));
    };
    let without = WithoutModes::new(&point.state, &all, &modes)?;
    let after = run(&found.population, a.network, trials, &mut |_, _, state| {
        without.apply(state);
    })?;
    let eigenvalues: Vec<[f64; 2]> = without
        .modes
        .iter()
        .map(|k| all.modes[*k].eigenvalue)
        .collect();
    let what =
        json!({"remove_mode": {"point": p, "modes": without.modes, "eigenvalues": eigenvalues}});
    Ok((after, what))
}

fn put_in(
    a: &ProbeArguments,
    found: &Found,
    trials: &Trials,
    donor: usize,
) -> anyhow::Result<(Value, Run)> {
    let population = &found.population;
    let step = a.step.unwrap_or(trials.n_steps / 2);
    let done: Transplant = transplant((population, donor), (population, a.network), trials, step)?;
    // Points are asked for, or simply there.
    let kept = if a.points.is_some() || found.folder.join("fixed_points.npz").exists() {
        let (input, points) = points_of(a, found, donor)?;
        let fixed: Vec<Vec<f64>> = points
            .iter()
            .filter(|p| p.kind == "fixed")
            .map(|p| p.state.clone())
            .collect();
        let [from, to] = [donor, a.network].map(|n| Map::new(population, n, &input));
        let ends = nodes(&from?, &to?, &done.map, &fixed, trials.n_steps);
        let labelled: Vec<_> = ends.iter().filter(|(label, _)| label.is_some()).collect();
        let same = labelled.iter().filter(|(label, end)| label == end).count();
        Some(json!({"labelled": labelled.len(), "kept": same}))
    } else {
        None
    };
    let value = json!({
        "network": a.network,
        "probe": {"transplant_from": donor, "step": step},
        "loss_intact": done.loss_intact,
        "loss_probed": done.loss_transplanted,
        "change": done.loss_transplanted - done.loss_intact,
        "loss_other_trial": done.loss_other_trial,
        "explained": done.explained,
        "nodes": kept,
    });
    Ok((value, done.run))
}
