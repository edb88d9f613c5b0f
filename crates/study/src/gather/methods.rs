//! How a study was done, in words.

use crate::locate;
use crate::manifest::StudyFolder;
use crate::report::data::{Constant, Methods};
use crate::spec::{Data, DriveSpec, Until};
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
        // `Lyapunov steps` is the field `steps` of that measure.
        let project_default = match name.split_once(' ') {
            Some((measure, field)) => !measure_says(&written, measure, field),
            None => !written.contains(&format!("{name}:")),
        };
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
            Until::Held { loss, evaluations } => format!(
                "until the evaluation loss ({} fixed trials, every {} steps) was at most {loss} at {evaluations} evaluations in a row",
                t.eval_trials, t.eval_every
            ),
            Until::Accuracy { at_least, mean_of } => format!(
                "until the share of decisions that were right ({} fixed trials, every {} steps) had a mean of at least {at_least} over {mean_of} evaluations",
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
        constant("FixedPoints seeds", f.seeds.to_string());
        constant("FixedPoints driven", format!("{} states", f.driven));
        constant(
            "FixedPoints driven_steps",
            format!("{} steps", f.driven_steps),
        );
    }
    if let Some(t) = &study.topology {
        paragraphs.push(format!(
            "Topology: the unstable manifold of every saddle was entered at {} of the state scale along {} directions for two unstable dimensions (both for one, four times as many for each further one) and followed to where it ends; saddles on the boundaries between attractors were found by bisection between neighbouring directions. Every attractor was given one-step pulses of +1 and -1 on every channel, or, where there are several constant inputs, a change of the input. Classes are isomorphism classes (colour refinement, then VF2) of nodes with number of unstable directions and edges of unstable manifolds. Automaton fidelity: share of time steps of {} new trials, at least {} steps after a pulse, at which the graph and the network give the same rounded outputs.",
            t.amplitude, t.directions, t.trials, t.grace
        ));
        constant("Topology directions", t.directions.to_string());
        constant(
            "Topology amplitude",
            format!("{} of the state scale", t.amplitude),
        );
        constant("Topology trials", format!("{} trials", t.trials));
        constant("Topology grace", format!("{} steps", t.grace));
    }
    if let Some(a) = &study.dynamics.attractors {
        paragraphs.push(format!(
            "Attractors: at every constant input {} states of {} trials and {} uniform in the cell's box were run on for {} steps; what returns was polished by Newton on the iterated map, what does not was classified by the Lyapunov exponents of {} steps. Periodic orbits up to period {}: solved region by region for piecewise linear cells (at most {} sequences of regions per order, else a search), by Newton from {} seeds per period for the others.",
            a.driven, a.trials, a.uniform, a.settle_steps, a.classify_steps, a.max_period, a.max_sequences, a.seeds
        ));
        constant("Attractors trials", format!("{} trials", a.trials));
        constant("Attractors driven", format!("{} states", a.driven));
        constant("Attractors uniform", format!("{} states", a.uniform));
        constant(
            "Attractors settle_steps",
            format!("{} steps", a.settle_steps),
        );
        constant(
            "Attractors classify_steps",
            format!("{} steps", a.classify_steps),
        );
        constant("Attractors max_period", format!("{} steps", a.max_period));
        constant("Attractors seeds", a.seeds.to_string());
        constant("Attractors max_sequences", a.max_sequences.to_string());
    }
    if let Some(l) = &study.dynamics.lyapunov {
        let options = l.options();
        let along = match l.drive {
            DriveSpec::Constant => format!(
                "at every constant input, {} orbits from uniform states of the box each",
                l.starts
            ),
            DriveSpec::Trials(n) => format!("along {n} trials"),
        };
        paragraphs.push(format!(
            "Lyapunov exponents: the leading {} {along}; tangents were carried by the Jacobian and re-orthogonalised every step, {} steps counted after {} of warm-up, standard errors from {} batches.",
            options.exponents, options.steps, options.warmup, options.batches
        ));
        constant("Lyapunov exponents", options.exponents.to_string());
        constant("Lyapunov steps", format!("{} steps", options.steps));
        constant("Lyapunov warmup", format!("{} steps", options.warmup));
        constant("Lyapunov starts", l.starts.to_string());
    }
    if let Some(l) = &study.dynamics.linearise {
        let (slow, relax) = (l.slow.unwrap_or(0.0), l.relax.unwrap_or(0));
        let trial_length = l.trial_length.unwrap_or(0);
        paragraphs.push(format!(
            "Linear systems: exact Jacobians at all fixed and slow points; modes with a time constant of {slow} steps or more count as slow; mode removal with {} steps of constant input at points where no mode grows {}-fold. Slow sets: the points, and states of {} trials that after {relax} steps at the constant input move at most {} of the state scale per step; dimension by local principal components, holes by persistent homology, drift over {trial_length} steps.",
            l.horizon, l.growth_max, l.trials, l.slow_speed
        ));
        constant("Linearise trials", format!("{} trials", l.trials));
        constant("Linearise horizon", format!("{} steps", l.horizon));
        constant("Linearise growth_max", l.growth_max.to_string());
        constant("Linearise normalise", format!("{:?}", l.normalise));
        constant("Linearise slow", format!("{slow} steps"));
        constant("Linearise relax", format!("{relax} steps"));
        constant(
            "Linearise slow_speed",
            format!("{} of the state scale", l.slow_speed),
        );
        constant(
            "Linearise persistence",
            format!("{} of the diameter", l.persistence),
        );
        constant("Linearise trial_length", format!("{trial_length} steps"));
    }
    if let Some(c) = &study.comparison {
        let how = &c.how;
        let measures = measures(folder);
        paragraphs.push(format!(
            "Comparison: networks that were trained as asked were run on the same {} trials (variant `{}`) and compared by {}. Naming a level: {} nearest neighbours, or as many as the smallest level has other networks where those are fewer, balanced over levels, ties sharing their vote; p by {} permutations of the levels. Intervals are percentile intervals of {} bootstrap samples of networks within their level; a network and its own copy are no pair. Pictures: SMACOF from the classical embedding and from random starts. A matrix with fewer than 10 % of its pairs apart is called degenerate and given its agreement index instead.",
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

/// Whether a field of a measure stands in the study as written.
fn measure_says(written: &str, measure: &str, field: &str) -> bool {
    let places = locate::places(written);
    let of_measure = |p: &&locate::Place| {
        let text = written.get(p.start..p.end).unwrap_or_default();
        p.path.starts_with("measure[") && p.path.ends_with(']') && text.starts_with(measure)
    };
    places.iter().filter(of_measure).any(|m| {
        places
            .iter()
            .any(|p| p.path == format!("{}.{field}", m.path))
    })
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
