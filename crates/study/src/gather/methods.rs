//! How a study was done, in words.

use crate::manifest::StudyFolder;
use crate::report::data::{Constant, Methods};
use crate::spec::{Data, Until};
use crate::study::{Origin, Study};
use chiliad_tasks::Task;

pub(super) fn methods(folder: &StudyFolder, study: &Study, task: &Task) -> Methods {
    let m = &folder.manifest;
    let mut paragraphs = vec![format!(
        "Networks were trained and analysed with chiliad {} on {}. Task `{}`: {} ({}).",
        m.chiliad, m.device, task.name, task.summary, task.source
    )];
    let mut constants = Vec::new();
    let written = folder
        .read("study.ron")
        .map(|t| String::from_utf8_lossy(&t).into_owned())
        .unwrap_or_default();
    let mut constant = |name: &str, value: String| {
        let project_default = !written.contains(&format!("{name}:"));
        constants.push(Constant {
            name: name.into(),
            value,
            project_default,
        });
    };
    let trained = study.populations.iter().find_map(|p| match &p.origin {
        Origin::Train(t) => Some((p, t)),
        _ => None,
    });
    if let Some((p, t)) = trained {
        let until = match &t.until {
            Until::Loss(loss) => format!(
                "until the evaluation loss ({} fixed trials, every {} steps) was at most {loss}",
                t.eval_trials, t.eval_every
            ),
            Until::NormalisedError(share) => format!(
                "until the evaluation loss ({} fixed trials, every {} steps) was at most {share} of the variance of their targets",
                t.eval_trials, t.eval_every
            ),
            Until::LossOf(name) => format!(
                "until the evaluation loss ({} fixed trials, every {} steps) was at most the median of `{name}`",
                t.eval_trials, t.eval_every
            ),
            Until::Steps => "to the end of the step budget".into(),
        };
        let data = match t.recipe.data {
            Data::Bank => format!(
                "drawn from a bank of {} that is renewed so that a trial is seen about twice",
                t.bank_trials
            ),
            Data::Fresh => "of each network's own stream, every trial seen once".into(),
        };
        paragraphs.push(format!(
            "Training: back-propagation through time of {}; step size {}, gradients scaled to a global norm of at most {}, {} trials per step {data}; {until}, at most {} steps. The weights with the lowest evaluation loss were kept.",
            t.recipe.words(), p.networks.first().map_or(0.0, |n| n.learning_rate), t.clip_norm, t.batch, t.max_steps
        ));
        constant(
            "learning_rate",
            p.networks
                .first()
                .map_or(String::new(), |n| n.learning_rate.to_string()),
        );
        constant("batch", format!("{} trials", t.batch));
        constant("clip_norm", t.clip_norm.to_string());
        constant("until", format!("{:?}", t.until));
        constant("max_steps", format!("{} steps", t.max_steps));
        constant("eval_every", format!("{} steps", t.eval_every));
        constant("eval_trials", format!("{} trials", t.eval_trials));
        constant("bank_trials", format!("{} trials", t.bank_trials));
    }
    if let Some(f) = &study.fixed_points {
        paragraphs.push(format!(
            "Fixed points: {} seeds of five kinds per network and constant input, damped Newton with an f64 polish, then rounds from combinations of the points found until two rounds added nothing. A point is fixed where the Newton step is at most 1e-8 of the state scale. The certificate compares the sum of sign det(I - J) with +1 where the cell keeps a box. Attractors reached: end states of {} trials, followed for {} more steps at the constant input.",
            f.seeds, f.driven, f.driven_steps
        ));
        constant("seeds", f.seeds.to_string());
        constant("driven", format!("{} states", f.driven));
        constant("driven_steps", format!("{} steps", f.driven_steps));
    }
    if let Some(t) = &study.topology {
        paragraphs.push(format!(
            "Topology: the unstable manifold of every saddle was entered at {} of the state scale along {} directions for two unstable dimensions (both for one, four times as many for each further one) and followed to where it ends; saddles on the boundaries between attractors were found by bisection between neighbouring directions. Every attractor was given one-step pulses of +1 and -1 on every channel, or, where there are several constant inputs, a change of the input. Classes are isomorphism classes (colour refinement, then VF2) of nodes with number of unstable directions and edges of unstable manifolds. Automaton fidelity: share of time steps of {} new trials, at least {} steps after a pulse, at which the graph and the network give the same rounded outputs.",
            t.amplitude, t.directions, t.trials, t.grace
        ));
        constant("directions", t.directions.to_string());
        constant("amplitude", format!("{} of the state scale", t.amplitude));
        constant("trials", format!("{} trials", t.trials));
        constant("grace", format!("{} steps", t.grace));
    }
    if let Some(c) = &study.comparison {
        let how = &c.how;
        let measures = measures(folder);
        paragraphs.push(format!(
            "Comparison: networks that were trained as asked were run on the same {} trials (variant `{}`) and compared by {}. Naming a level: {} nearest neighbours, balanced over levels, ties sharing their vote; p by {} permutations of the levels. Intervals are percentile intervals of {} bootstrap samples of networks within their level; a network and its own copy are no pair. Pictures: SMACOF from the classical embedding and from random starts. A matrix with fewer than 10 % of its pairs apart is called degenerate and given its agreement index instead.",
            how.trials, how.variant, measures.join("; "), how.neighbours, how.permutations, how.resamplings
        ));
        constant("trials", format!("{} trials", how.trials));
        constant("neighbours", how.neighbours.to_string());
        constant("permutations", how.permutations.to_string());
        constant("resamplings", how.resamplings.to_string());
    }
    let mut provenance = vec![
        ("chiliad".to_owned(), m.chiliad.clone()),
        ("device".into(), m.device.clone()),
        ("why this device".into(), m.device_reason.clone()),
        ("seed of the study".into(), m.seed.to_string()),
        ("order of summation".into(), study.summation.clone()),
        (
            "study (SHA-256 of resolved.ron without paths)".into(),
            m.study.clone(),
        ),
    ];
    provenance.extend(
        m.files
            .iter()
            .filter(|(f, _)| f.ends_with("weights.safetensors"))
            .map(|(f, h)| (f.clone(), h.clone())),
    );
    let label = study.populations.first().map_or("", |p| p.label.as_str());
    let load_tables = format!(
        "import pandas as pd\nnetworks = pd.read_parquet(\"populations/{label}/networks.parquet\")\npoints = pd.read_parquet(\"populations/{label}/fixed_points.parquet\")"
    );
    Methods {
        paragraphs,
        constants,
        provenance,
        load_tables,
    }
}

/// Every measure of the comparison with its options, in words.
fn measures(folder: &StudyFolder) -> Vec<String> {
    let rows = crate::distances::files::read_statistics(folder)
        .ok()
        .flatten()
        .map_or_else(Vec::new, |c| c.rows);
    rows.iter()
        .map(|r| format!("{} ({})", r.name, r.words))
        .collect()
}
