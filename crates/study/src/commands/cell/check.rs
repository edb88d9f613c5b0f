//! `cell check`: derivatives against differences, the GPU against the CPU, the box against the map.

use crate::commands::{answer, refuse};
use chiliad::engine_calls;
use chiliad_engine::agreement::{ALLOWED, Agreement, agreement, random_case};
use chiliad_engine::cell::Cell;
use chiliad_engine::cell::check::{Check, check as derivatives};
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::Executor as _;
use chiliad_engine::map::{BoxKept, keeps_box};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Random points at which derivatives are compared.
const POINTS: usize = 200;

pub(super) fn check(file: &Path, activation: &str, json: bool) -> anyhow::Result<()> {
    let cell = Arc::new(Cell::from_file(file, activation)?);
    let derivatives = derivatives(&cell, POINTS);
    let kept = keeps_box(&cell)?;
    let compared = gpu_against_cpu(&cell)?;
    let agreed = compared.as_ref().map(|c| c.1);
    let wrong = wrong(&derivatives, &kept, agreed);
    let verdict = if wrong.is_empty() { "passed" } else { "failed" };
    let mut value = serde_json::to_value(&derivatives)?;
    value["cell"] = json!(cell.name);
    value["activation"] = json!(cell.activation.name);
    value["states"] = json!(cell.states);
    value["gates"] = json!(cell.gates().map(|g| &g.2.name).collect::<Vec<_>>());
    value["box"] = serde_json::to_value(&kept)?;
    value["gpu"] = match &compared {
        Some((adapter, agreed)) => {
            json!({"checked": true, "adapter": adapter, "against_cpu": agreed, "allowed": ALLOWED})
        }
        None => json!({"checked": false, "reason": NO_ADAPTER}),
    };
    value["verdict"] = json!(verdict);
    let gpu_words = match &compared {
        Some((adapter, a)) => format!(
            "GPU against CPU on {adapter}: worst difference {:.1e} (states {:.1e}, outputs {:.1e}, loss {:.1e}, gradient {:.1e})",
            a.worst(),
            a.states,
            a.outputs,
            a.loss,
            a.gradient
        ),
        None => NO_ADAPTER.to_owned(),
    };
    let text = format!(
        "{}: a cell with {} state fields and {} gates\n\
         derivatives against finite differences at {} points ({} left out near a kink): worst error {:.1e}, {}\n\
         f32 against f64: worst error {:.1e}; derivatives at arguments of up to 1e4: {}\n\
         {gpu_words}\n{}\n{verdict}",
        cell.name,
        cell.states.len(),
        cell.gates().count(),
        derivatives.points,
        derivatives.near_kinks,
        derivatives.worst_error,
        derivatives.worst,
        derivatives.worst_f32_error,
        if derivatives.finite_at_extremes {
            "finite"
        } else {
            "NOT finite"
        },
        box_words(&kept),
    );
    answer(json, &value, &text);
    if wrong.is_empty() {
        return Ok(());
    }
    refuse(format!("{}: {}", file.display(), wrong.join("; ")))
}

const NO_ADAPTER: &str = "no adapter: GPU not checked";

/// The adapter and how far it agrees with the CPU; none where there is no adapter.
fn gpu_against_cpu(cell: &Arc<Cell>) -> anyhow::Result<Option<(String, Agreement)>> {
    let Some(gpu) = engine_calls::any_gpu()? else {
        return Ok(None);
    };
    let (population, trials) = random_case(cell)?;
    let agreed = agreement(&CpuExecutor::new(None)?, &gpu, &population, &trials)?;
    Ok(Some((gpu.describe(), agreed)))
}

fn box_words(kept: &BoxKept) -> String {
    match kept {
        BoxKept::Undeclared => {
            "box: none declared, so certificates of this cell are `not applicable`".into()
        }
        BoxKept::Unbounded => {
            "box: declared, but this activation has no bound: not applicable".into()
        }
        BoxKept::Incomputable => "box: declared, but nothing follows from it".into(),
        BoxKept::Stepped { steps, farthest } => format!(
            "box: {steps} random states inside it; after a step the farthest lies at {farthest:.3} of its half-width"
        ),
    }
}

/// What failed, in words.
fn wrong(derivatives: &Check, kept: &BoxKept, agreed: Option<Agreement>) -> Vec<String> {
    let mut wrong = Vec::new();
    if !derivatives.passed() {
        wrong.push(format!(
            "the derivatives of this cell are not to be trusted ({}: error {:.1e}, allowed 1e-6; f32 error {:.1e}, allowed 2e-5)",
            derivatives.worst, derivatives.worst_error, derivatives.worst_f32_error
        ));
    }
    if let Some(a) = agreed.filter(|a| !a.passed()) {
        wrong.push(format!(
            "GPU and CPU disagree by {:.1e} of the largest value, allowed {ALLOWED:.0e}",
            a.worst()
        ));
    }
    match kept {
        BoxKept::Stepped { farthest, .. } if !kept.passed() => wrong.push(format!(
            "`box` of the sidecar: a state inside it goes to {farthest:.3} half-widths; allowed: at most 1. Widen it, or leave it out"
        )),
        BoxKept::Incomputable => wrong.push(
            "`box` of the sidecar: no half-width follows from it; allowed: one bound for every state field, each naming a gate of the cell"
                .into(),
        ),
        _ => {}
    }
    wrong
}
