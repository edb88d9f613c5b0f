//! `explain`: one fixed point of one network, from the study's own files.

use super::{Which, refuse};
use crate::terminal::say;
use chiliad::points::CensusFile;
use chiliad::tables::Table;
use chiliad::topology::of_files;
use chiliad_analysis::topology::{Edge, EdgeKind, Graph, Landscape, Options, build};
use chiliad_engine::fixed_points::{self, path};
use chiliad_engine::linearise::{modulus, rotation, time_constant};
use chiliad_engine::map::Map;
use chiliad_tasks::read_npz;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    which: Which,
    /// The network's place in the population.
    #[arg(long)]
    network: usize,
    /// The point's number, as in fixed_points.parquet.
    #[arg(long)]
    point: usize,
    /// The constant input's number.
    #[arg(long, default_value_t = 0)]
    condition: usize,
    /// Folder with fixed_points.parquet, .npz and census.json, where it is not the population's.
    #[arg(long)]
    points: Option<PathBuf>,
}

/// Eigenvalues that are listed.
const LISTED: usize = 8;

pub(super) fn explain(a: &ExplainArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let folder = a.points.clone().unwrap_or_else(|| found.folder.clone());
    let files = ["fixed_points.parquet", "fixed_points.npz", "census.json"].map(|f| folder.join(f));
    if let Some(missing) = files.iter().find(|f| !f.exists()) {
        return refuse(format!(
            "{}: not there; name the folder that `fixed-points` or `topology` wrote with --points",
            missing.display()
        ));
    }
    let bytes = |file: &PathBuf| -> anyhow::Result<Vec<u8>> {
        // Inside a study a file is held against its hash.
        let inside = found.study.as_ref().filter(|_| a.points.is_none());
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(match inside {
            Some(study) => study.read(&format!("populations/{}/{name}", found.label))?,
            None => std::fs::read(file).map_err(|source| chiliad::error::StudyError::Read {
                file: file.clone(),
                source,
            })?,
        })
    };
    let table = Table::from_bytes(bytes(&files[0])?, &files[0])?;
    bytes(&files[1])?;
    let arrays = read_npz(&files[1])?;
    let census: CensusFile = serde_json::from_slice(&bytes(&files[2])?).map_err(|e| {
        chiliad::error::StudyError::Damaged {
            file: files[2].clone(),
            message: e.to_string(),
        }
    })?;
    let Some(place) = census.networks.iter().position(|n| n.network == a.network) else {
        let held: Vec<usize> = census.networks.iter().map(|n| n.network).collect();
        return refuse(format!(
            "--network {}: not in {}; it holds networks {} to {}",
            a.network,
            files[2].display(),
            held.first().copied().unwrap_or(0),
            held.last().copied().unwrap_or(0)
        ));
    };
    let mut landscapes = of_files(&table, &arrays, &census)?;
    let landscapes = landscapes.swap_remove(place);
    let Some(landscape) = landscapes.get(a.condition) else {
        return refuse(format!(
            "--condition {}: there are {}, from 0",
            a.condition,
            landscapes.len()
        ));
    };
    if a.point >= landscape.points.len() {
        return refuse(format!(
            "--point {}: network {} has {} fixed points at this input, from 0",
            a.point,
            a.network,
            landscape.points.len()
        ));
    }
    let row = (0..table.n_rows()).find(|&r| {
        let is = |name: &str, value: usize| table.integer(name).get(r) == Some(&(value as i64));
        is("network", a.network) && is("condition", a.condition) && is("point", a.point)
    });
    let (Some(row), Some(seeds)) = (row, arrays.get("seed")) else {
        return refuse(format!(
            "{}: written by an earlier version, without the seeds; search again",
            files[1].display()
        ));
    };
    let n_state = landscape.points[a.point].len();
    let seed = &seeds.to_f64()[row * n_state..(row + 1) * n_state];
    let map = Map::new(&found.population, place, &landscape.input)?;
    let options = fixed_points::Options::default();
    let way = path(&map, seed, landscape.state_scale, &options)?;
    let graph = build(&found.population, place, &landscapes, &Options::default())?;
    let value = json!({
        "population": found.label, "network": a.network, "condition": a.condition, "point": a.point,
        "kind": if landscape.unstable[a.point] == 0 { "stable" } else { "saddle" },
        "unstable": landscape.unstable[a.point],
        "index_sign": table.integer("index_sign")[row],
        "reached": table.flag("reached")[row],
        "found_by": table.words("found_by")[row], "round": table.integer("round")[row],
        "steps": table.integer("steps")[row],
        "residual_before_polish": table.number("residual_before")[row],
        "residual_after_polish": table.number("residual_after")[row],
        "newton_step": table.number("newton_step")[row],
        "hits": table.integer("hits")[row], "hits_by": table.words("hits_by")[row],
        "seed_distance": apart(seed, &landscape.points[a.point]) / landscape.state_scale,
        "path": way.residuals,
        "eigenvalues": eigenvalues(&map, landscape, a.point)?,
        "graph": surroundings(&graph, a.condition, a.point),
    });
    say(&if json {
        value.to_string()
    } else {
        words(&value)
    });
    Ok(())
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
    squares.sqrt()
}

fn eigenvalues(map: &Map, landscape: &Landscape, point: usize) -> anyhow::Result<Vec<Value>> {
    let state = &landscape.points[point];
    let jacobian = map.jacobian(&mut map.scratch(), state);
    let Some(spectrum) = chiliad_engine::linearise::spectrum(&jacobian, state.len()) else {
        return refuse(format!("point {point}: the eigenvalues did not converge"));
    };
    let one = |v: &[f64; 2]| json!({"re": v[0], "im": v[1], "modulus": modulus(*v), "time_constant": time_constant(*v), "rotation": rotation(*v)});
    Ok(spectrum.eigenvalues.iter().take(LISTED).map(one).collect())
}

/// The node of the point, what leads to it and where it leads.
fn surroundings(graph: &Graph, condition: usize, point: usize) -> Value {
    let place = graph
        .nodes
        .iter()
        .position(|n| n.condition == condition && n.point == Some(point));
    let Some(place) = place else {
        return Value::Null;
    };
    let other = |e: &Edge, node: usize| json!({"kind": e.kind, "point": graph.nodes[node].point, "label": graph.nodes[node].label, "unstable": graph.nodes[node].index, "share": e.share, "input": e.input});
    let is_input = |e: &&Edge| matches!(e.kind, EdgeKind::Pulse | EdgeKind::Condition);
    let from = || graph.edges.iter().filter(|e| e.from == place);
    let to = || graph.edges.iter().filter(|e| e.to == place);
    json!({
        "label": graph.nodes[place].label, "readout": graph.nodes[place].readout,
        "leads_to": from().filter(|e| !is_input(e)).map(|e| other(e, e.to)).collect::<Vec<_>>(),
        "led_to_by": to().filter(|e| !is_input(e)).map(|e| other(e, e.from)).collect::<Vec<_>>(),
        "inputs_move_it_to": from().filter(is_input).map(|e| other(e, e.to)).collect::<Vec<_>>(),
    })
}

/// The same for people.
fn words(v: &Value) -> String {
    let number = |name: &str| v[name].as_f64().unwrap_or(f64::NAN);
    let word = |name: &str| v[name].as_str().unwrap_or("").to_owned();
    let mut text = format!(
        "{}, network {}, condition {}, point {}: {}, {} unstable, sign of det(I - J) {}, {} {}\n",
        word("population"),
        v["network"],
        v["condition"],
        v["point"],
        word("kind"),
        v["unstable"],
        v["index_sign"],
        if v["unstable"] == 0 {
            "label"
        } else {
            "between"
        },
        v["graph"]["label"].as_str().unwrap_or("")
    );
    let _ = writeln!(
        text,
        "found by a seed of kind {} in round {}, {:.3} of the state scale away, in {} steps; {} seeds ended here ({})",
        word("found_by"),
        v["round"],
        number("seed_distance"),
        v["steps"],
        v["hits"],
        word("hits_by")
    );
    let path: Vec<String> = v["path"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .map(|x| format!("{x:.1e}"))
        .collect();
    let _ = writeln!(text, "residual along the way: {}", path.join(" "));
    let _ = writeln!(
        text,
        "residual before the polish {:.1e}, after it {:.1e}; Newton step {:.1e}",
        number("residual_before_polish"),
        number("residual_after_polish"),
        number("newton_step")
    );
    for e in v["eigenvalues"].as_array().into_iter().flatten() {
        let of = |name: &str| e[name].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(
            text,
            "  eigenvalue {:+.6} {:+.6}i, modulus {:.6}, time constant {:.2} steps, rotation {:.4} rad/step",
            of("re"),
            of("im"),
            of("modulus"),
            of("time_constant"),
            of("rotation")
        );
    }
    for (name, title) in [
        ("leads_to", "leads to"),
        ("led_to_by", "led to by"),
        ("inputs_move_it_to", "moved by"),
    ] {
        for e in v["graph"][name].as_array().into_iter().flatten() {
            let point = e["point"]
                .as_u64()
                .map_or("no point of the search".into(), |p| format!("point {p}"));
            let share = e["share"]
                .as_f64()
                .map_or(String::new(), |s| format!(", share {s:.3}"));
            let input = e["input"]
                .as_str()
                .map_or(String::new(), |i| format!("input {i} to "));
            let _ = writeln!(
                text,
                "{title} {input}{point} ({}, {} unstable{share})",
                e["label"].as_str().unwrap_or(""),
                e["unstable"]
            );
        }
    }
    text.trim_end().to_owned()
}
