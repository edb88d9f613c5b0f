//! `cell list`, `activations`, `show`, `check`.

mod check;

use super::answer;
use crate::terminal::say;
use chiliad_engine::cell::graph::{Leaf, Node};
use chiliad_engine::cell::program::Array;
use chiliad_engine::cell::{Activation, Cell, Gate, wgsl};
use chiliad_engine::population::{Architecture, Layout, Role};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Subcommand)]
pub(crate) enum CellCommand {
    /// Names of the library.
    List,
    /// Activations of the library: formulas, constants with defaults, PyTorch modules.
    Activations,
    /// Equations, tensors and the derived adjoint.
    Show {
        /// Name, or path of a .wgsl file.
        name: String,
        #[arg(long, default_value = "tanh")]
        activation: String,
        #[arg(long)]
        units: Option<usize>,
        #[arg(long)]
        inputs: Option<usize>,
        #[arg(long)]
        outputs: Option<usize>,
    },
    /// Whether a file is a cell: derivatives, GPU against CPU, the box.
    Check {
        file: PathBuf,
        #[arg(long, default_value = "tanh")]
        activation: String,
    },
}

pub(super) fn cell(command: &CellCommand, json: bool) -> anyhow::Result<()> {
    match command {
        CellCommand::List => {
            let rows = chiliad_engine::cell::names()
                .map(|n| Ok((n, Cell::builtin(n, "tanh")?.sidecar.summary)))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let words: Vec<String> = rows.iter().map(|(n, s)| format!("{n:18} {s}")).collect();
            answer(
                json,
                &json!(
                    rows.iter()
                        .map(|(n, s)| json!({"name": n, "summary": s}))
                        .collect::<Vec<_>>()
                ),
                &format!("{}\n\n{RESTRICTED}", words.join("\n")),
            );
        }
        CellCommand::Activations => activations(json)?,
        CellCommand::Show {
            name,
            activation,
            units,
            inputs,
            outputs,
        } => {
            let cell = Arc::new(Cell::find(name, activation)?);
            let sizes = [units, inputs, outputs]
                .iter()
                .all(|s| s.is_some())
                .then(|| {
                    [
                        units.unwrap_or(1),
                        inputs.unwrap_or(1),
                        outputs.unwrap_or(1),
                    ]
                });
            if json {
                say(&described(&cell, sizes).to_string());
            } else {
                say(&shown(&cell));
            }
        }
        CellCommand::Check { file, activation } => {
            check::check(file, activation, json)?;
        }
    }
    Ok(())
}

/// What is no cell of its own.
const RESTRICTED: &str = "Low-rank, sparse, sign-constrained and antisymmetric networks are any of these cells with `constrain` in a study \
     (docs/training.md); a cell of your own is a .wgsl file (docs/cells.md).";

fn activations(json: bool) -> anyhow::Result<()> {
    let all = chiliad_engine::cell::activations()
        .map(Activation::builtin)
        .collect::<Result<Vec<_>, _>>()?;
    let words = all.iter().map(|a| {
        let constants: Vec<String> = a
            .constants
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .chain(a.sidecar.pytorch.iter().map(|p| format!("torch.{p}")))
            .collect();
        let summary = &a.sidecar.summary;
        format!("{:18} {summary:38} {}", a.name, constants.join(", "))
            .trim_end()
            .to_owned()
    });
    let value: Vec<serde_json::Value> = all
        .iter()
        .map(|a| {
            let constants: serde_json::Map<String, serde_json::Value> = a
                .constants
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({
                "name": a.name,
                "summary": a.sidecar.summary,
                "constants": constants,
                "bound": a.bound,
                "pytorch": a.sidecar.pytorch,
            })
        })
        .collect();
    answer(json, &json!(value), &words.collect::<Vec<_>>().join("\n"));
    Ok(())
}

fn layout(cell: &Arc<Cell>, [units, inputs, outputs]: [usize; 3]) -> Layout {
    Layout::new(&Architecture {
        cell: Arc::clone(cell),
        units,
        inputs,
        outputs,
    })
}

fn symbolic(role: Role) -> &'static [&'static str] {
    match role {
        Role::Recurrent(..) => &["units", "units"],
        Role::Input(..) => &["units", "inputs"],
        Role::Bias(..) | Role::Unit(_) | Role::InitialState(_) => &["units"],
        Role::Readout => &["outputs", "units"],
        Role::ReadoutBias => &["outputs"],
    }
}

fn described(cell: &Arc<Cell>, sizes: Option<[usize; 3]>) -> serde_json::Value {
    let gate = |g: &Gate| json!({"name": g.name, "recurrent": g.recurrent, "sum": g.sum, "input": g.input, "bias": g.bias});
    let tensors: Vec<serde_json::Value> = layout(cell, sizes.unwrap_or([1, 1, 1]))
        .tensors
        .iter()
        .map(|t| {
            let mut value = json!({"name": t.name, "axes": symbolic(t.role)});
            if sizes.is_some() {
                value["shape"] = json!(t.shape);
            }
            value
        })
        .collect();
    json!({
        "name": cell.name,
        "activation": cell.activation.name,
        "summary": cell.sidecar.summary,
        "source": cell.sidecar.source,
        "states": cell.states,
        "stages": cell.stages.iter().map(|s| json!({"name": s.name, "gates": s.gates.iter().map(gate).collect::<Vec<_>>()})).collect::<Vec<_>>(),
        "constants": cell.constants.iter().map(|c| (c.0.clone(), json!(c.1))).collect::<serde_json::Map<_, _>>(),
        "noise": cell.noise,
        "unit_params": cell.unit_params,
        "tensors": tensors,
        "adjoint_wgsl": adjoint(cell),
    })
}

fn shown(cell: &Arc<Cell>) -> String {
    let mut text = format!(
        "// {}\n// {}\n{}\n// Tensors\n",
        cell.sidecar.summary,
        cell.sidecar.source,
        cell.wgsl.trim_end()
    );
    for t in &layout(cell, [1, 1, 1]).tensors {
        let _ = writeln!(text, "//   {:14} [{}]", t.name, symbolic(t.role).join(", "));
    }
    text + "\n" + adjoint(cell).trim_end()
}

/// The derived adjoint of `next` and of the output, as WGSL.
fn adjoint(cell: &Cell) -> String {
    let name = |leaf: Leaf| match leaf {
        Leaf::State(f) => format!("s.{}", cell.states[f as usize]),
        Leaf::Gate(s, g) => format!("gate.{}", cell.stages[s as usize].gates[g as usize].name),
        Leaf::Noise(i) => format!("noise.{}", cell.noise[i as usize]),
        Leaf::Constant(i) => format!("constant.{}", cell.constants[i as usize].0),
        Leaf::UnitParam(i) => format!("unit.{}", cell.unit_params[i as usize]),
        Leaf::UnitIndex => "unit_index".into(),
        Leaf::UnitCount => "unit_count".into(),
        Leaf::Argument => "x".into(),
        Leaf::AdjointState(f) => format!("d_next.{}", cell.states[f as usize]),
        Leaf::AdjointOutput => "d_output".into(),
        Leaf::AdjointDrive(s) => format!("d_drive_{s}"),
        Leaf::AdjointGate(s, g) => {
            format!("d_gate.{}", cell.stages[s as usize].gates[g as usize].name)
        }
        Leaf::TangentState(f) => format!("t_s.{}", cell.states[f as usize]),
        Leaf::TangentGate(s, g) => {
            format!("t_gate.{}", cell.stages[s as usize].gates[g as usize].name)
        }
    };
    let target = |array: Array| match array {
        Array::Leaf(leaf) => name(leaf),
        Array::AdjointPrevious(f) => format!("d_s.{}", cell.states[f as usize]),
        Array::AdjointUnitParam(i) => format!("d_unit.{}", cell.unit_params[i as usize]),
        other => format!("{other:?}"),
    };
    let part = |title: &str, outputs: &[(Array, Node)]| {
        let named: Vec<(String, Node)> = outputs.iter().map(|(a, n)| (target(*a), *n)).collect();
        format!(
            "// {title}\n{}",
            wgsl::body(&cell.graph, &named, &BTreeMap::new(), &name, "t")
        )
    };
    let mut text = part(
        "adjoint of `next` and of the output",
        &cell.programs.next_adjoint_outputs,
    );
    for (stage, outputs) in cell.stages.iter().zip(&cell.programs.drive_adjoint_outputs) {
        text += &part(
            &format!("adjoint of the drive of `{}`", stage.name),
            outputs,
        );
    }
    text
}
