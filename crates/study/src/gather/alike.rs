//! Comparisons read back, as the report wants them.

use super::claims::Evidence;
use crate::comparison::factors::{FACTORS, sorted};
use crate::comparison::{Comparison, Row, factors};
use crate::distances::measured::Level;
use crate::distances::members::Member;
use crate::report::data::{Alike, Effect, Interval, Measure};
use crate::study::Study;
use chiliad_analysis::statistics;

fn interval(i: &statistics::Interval, n: usize) -> Interval {
    Interval {
        value: i.estimate,
        low: i.low,
        high: i.high,
        n,
    }
}

fn level(of: Level) -> &'static str {
    match of {
        Level::Behaviour => "behaviour",
        Level::Dynamics => "dynamics",
        Level::Topology => "topology",
        Level::Geometry => "geometry",
        Level::Weights => "weights",
    }
}

/// Everything of parts 5 and 6, and the lines of part 7.
pub(super) fn alike(study: &Study, evidence: &Evidence) -> Alike {
    let c = &evidence.comparison;
    let counted: Vec<usize> = (0..c.networks.len())
        .filter(|&i| !c.networks[i].untrained)
        .collect();
    let who: Vec<&Member> = counted.iter().map(|&i| &c.networks[i]).collect();
    let drawn = FACTORS
        .iter()
        .find_map(|f| Some((*f, sorted(study, &who, f)?)));
    let (factor, levels) = drawn.map_or(("", Vec::new()), |(f, s)| (f, s.of));
    let mut by_row = vec![None; c.networks.len()];
    for (&i, level) in counted.iter().zip(levels) {
        by_row[i] = Some(level);
    }
    let own = |r: &&Row| r.neighbour_of.is_none();
    let named = |r: &Row| r.factors.iter().find(|f| f.factor == factor).cloned();
    Alike {
        networks: c.networks.iter().map(|m| (m.population, m.index)).collect(),
        level: by_row,
        factor: factor.to_owned(),
        how: how(study, c),
        left_out: left_out(c),
        failed: c.failed.clone(),
        measures: c
            .rows
            .iter()
            .filter(own)
            .map(|r| measure(r, evidence, factor))
            .collect(),
        effects: c
            .rows
            .iter()
            .filter(own)
            .flat_map(|r| r.factors.iter().map(|f| effect(r, f)))
            .collect(),
        elsewhere: elsewhere(c),
        neighbouring: c
            .rows
            .iter()
            .filter(|r| r.neighbour_of.is_some())
            .map(|r| {
                let accuracy = named(r).and_then(|f| Some(interval(&f.accuracy?, f.n)));
                let order = r.same_order.map(|m| (m.r, m.p_greater));
                (r.name.clone(), accuracy, order)
            })
            .collect(),
        worst_left_out: c
            .rows
            .iter()
            .filter(own)
            .filter_map(|r| {
                let f = named(r)?;
                let kept = f.n - f.n.div_ceil(10);
                let all = interval(&f.accuracy?, f.n);
                Some((r.name.clone(), all, interval(&f.without_worst?, kept)))
            })
            .collect(),
    }
}

fn how(study: &Study, c: &Comparison) -> String {
    let state = if c.how.all_states {
        "all fields of the state"
    } else {
        "the state that the readout sees"
    };
    format!(
        "{} networks, {state} on the same {} trials (variant `{}`) of task `{}`",
        c.networks.len(),
        c.how.trials,
        c.how.variant,
        study.task.name
    )
}

/// How many for each reason.
fn left_out(c: &Comparison) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for l in &c.left_out {
        let index = l.index.to_string();
        match reasons.iter_mut().find(|(r, _)| *r == l.reason) {
            Some((_, all)) => all.push(index),
            None => reasons.push((&l.reason, vec![index])),
        }
    }
    let words = |(reason, all): (&str, Vec<String>)| format!("{reason}: {}", all.join(", "));
    reasons.into_iter().map(words).collect()
}

fn measure(r: &Row, evidence: &Evidence, factor: &str) -> Measure {
    let mut remarks = Vec::new();
    if let Some(d) = &r.degenerate {
        remarks.push(format!(
            "Degenerate: most networks identical ({:.1} % of pairs apart); agreement index {:.3}",
            100.0 * d.apart,
            d.agreement
        ));
    }
    remarks.extend(r.unfit.clone());
    if let Some(share) = r.certified {
        remarks.push(format!(
            "Minimum certain for {:.0} % of pairs, an upper bound for the others",
            100.0 * share
        ));
    }
    if let Some(first) = r.left_out.first() {
        remarks.push(format!(
            "{} not looked at; network {}: {}",
            r.left_out.len(),
            first.index,
            first.reason
        ));
    }
    if let Some(m) = &r.loss {
        remarks.push(format!(
            "Rank correlation with differences of the logarithm of the loss {:.2} (p = {:.3})",
            m.r, m.p_greater
        ));
    }
    let named = r.factors.iter().find(|f| f.factor == factor);
    if let Some(level) = named.and_then(factors::Effect::lone) {
        remarks.push(format!(
            "{factor} `{level}` has a single network, and none of its own is left to name it by"
        ));
    }
    let picture = r.picture.as_ref();
    Measure {
        level: level(r.level).into(),
        name: r.name.clone(),
        words: r.words.clone(),
        matrix: evidence.matrices.get(&r.name).cloned().unwrap_or_default(),
        picture: picture.map_or_else(Vec::new, |p| {
            p.members
                .iter()
                .copied()
                .zip(p.at.iter().copied())
                .collect()
        }),
        stress: picture.map(|p| p.stress),
        halves: r.controls.halves.map(|s| [s.least, s.most]),
        split: r.controls.split.map(|s| s.median),
        twins: r.controls.twins.map(|s| [s.least, s.most]),
        permuted: r.controls.permuted.map(|s| s.most),
        shuffled: r.controls.shuffled.map(|s| s.mean),
        untrained: r.untrained.map(|s| s.mean),
        mean: r.mean.as_ref().map(|m| interval(m, r.n)),
        accuracy: named.and_then(accuracy),
        neighbours: named.and_then(voters),
        remarks,
    }
}

fn accuracy(f: &factors::Effect) -> Option<(Interval, f64)> {
    Some((
        interval(f.accuracy.as_ref()?, f.n),
        f.neighbours.as_ref()?.chance,
    ))
}

fn voters(f: &factors::Effect) -> Option<usize> {
    f.neighbours.as_ref().map(|n| n.k)
}

fn effect(r: &Row, f: &factors::Effect) -> Effect {
    let counts = matches!(r.level, Level::Topology) && r.name != "transitions";
    Effect {
        level: level(r.level).into(),
        measure: r.name.clone(),
        factor: f.factor.clone(),
        n: f.n,
        ratio: f.ratio.as_ref().map(|i| interval(i, f.n)),
        alike: f
            .alike
            .as_ref()
            .filter(|_| counts)
            .map(|i| interval(i, f.n)),
        explained: f.permanova.as_ref().and_then(|p| Some((p.r_squared?, p.p))),
        accuracy: accuracy(f),
        neighbours: voters(f),
        untrained: f.untrained,
        silhouette: f.silhouette,
        given_loss: f.given_loss.as_ref().map(|m| (m.r, m.p_greater)),
    }
}

fn elsewhere(c: &Comparison) -> Vec<(String, String, f64, Option<Interval>)> {
    c.behaviour
        .iter()
        .filter_map(|b| {
            let spread = b.spread.as_ref()?;
            let deviation = b.interval.as_ref().map(|i| interval(i, spread.converged));
            Some((
                b.variant.clone(),
                b.population.clone(),
                spread.mean?,
                deviation,
            ))
        })
        .collect()
}
