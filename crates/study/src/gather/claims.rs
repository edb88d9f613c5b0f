//! What the numbers say about a study's claims.

mod distances;

pub(super) use distances::Evidence;
pub(crate) use distances::{ELSEWHERE, GRAPHS};

use super::topology::{Counted, Member, counted};
use crate::report::data::{Claim, Verdict};
use crate::spec::{ClaimSpec, IsSpec, TestSpec};
use crate::study::{PopulationPlan, Study};
use chiliad_analysis::topology::agreement::{Estimate, Pairs, agreement, mean};

/// Whether this version computes the number that a claim is about.
pub fn decidable(study: &Study, claim: &ClaimSpec) -> bool {
    let trend = matches!(claim.test, TestSpec::Trend { .. });
    let asked = match claim.is {
        IsSpec::AtLeast(_) | IsSpec::AtMost(_) => true,
        IsSpec::Falling | IsSpec::Rising => trend,
    };
    asked && (of_graphs(study, &claim.test) || distances::computed(study, &claim.test))
}

/// Whether a test is about graphs alone.
fn of_graphs(study: &Study, test: &TestSpec) -> bool {
    let number = match test {
        TestSpec::AutomatonFidelity => true,
        TestSpec::Agreement { across, by } => {
            matches!(by.as_str(), "topology" | "topology_all") && level(across).is_some()
        }
        _ => false,
    };
    number && study.topology.is_some()
}

/// Level of a factor, as text.
fn level(factor: &str) -> Option<fn(&PopulationPlan) -> String> {
    match factor {
        "cell" => Some(|p| p.cell_name().to_owned()),
        "activation" => Some(|p| p.activation.clone()),
        "units" => Some(|p| p.units.to_string()),
        _ => None,
    }
}

/// The claim with its verdict and numbers.
pub(super) fn decide(
    study: &Study,
    members: &[Member],
    evidence: Option<&Evidence>,
    claim: &ClaimSpec,
) -> Claim {
    let undecided = |numbers: &str| Claim {
        sentence: claim.say.clone(),
        verdict: Verdict::Undecided,
        numbers: numbers.to_owned(),
    };
    if !decidable(study, claim) {
        return undecided("not decided: this version does not compute the number it is about");
    }
    let counted = counted(members);
    let found = match &claim.test {
        TestSpec::AutomatonFidelity => fidelity(study, &counted),
        TestSpec::Agreement { across, by } if of_graphs(study, &claim.test) => level(across)
            .and_then(|level| between(study, &counted, across, level, by == "topology_all")),
        test => evidence.and_then(|e| distances::number(study, e, test)),
    };
    let Some((estimate, words)) = found else {
        let why = evidence.and_then(|e| distances::why_not(e, &claim.test));
        return undecided(&format!(
            "not decided: {}",
            why.as_deref()
                .unwrap_or("too few networks, or none for which the number exists")
        ));
    };
    let (verdict, asked) = match claim.is {
        IsSpec::AtLeast(t) => (
            sides(estimate.low >= t, estimate.high < t),
            format!("at least {t}"),
        ),
        IsSpec::AtMost(t) => (
            sides(estimate.high <= t, estimate.low > t),
            format!("at most {t}"),
        ),
        IsSpec::Falling => (
            sides(estimate.high < 0.0, estimate.low > 0.0),
            "falling".into(),
        ),
        IsSpec::Rising => (
            sides(estimate.low > 0.0, estimate.high < 0.0),
            "rising".into(),
        ),
    };
    Claim {
        sentence: claim.say.clone(),
        verdict,
        numbers: format!("{words}; asked {asked}"),
    }
}

/// Yes where the whole interval lies on the claimed side, no where it lies on the other.
fn sides(claimed: bool, other: bool) -> Verdict {
    match (claimed, other) {
        (true, _) => Verdict::Yes,
        (_, true) => Verdict::No,
        _ => Verdict::Undecided,
    }
}

fn words(name: &str, e: &Estimate) -> String {
    format!(
        "{name} {:.3} [{:.3}, {:.3}], n = {}",
        e.value, e.low, e.high, e.n
    )
}

fn fidelity(study: &Study, counted: &Counted<'_>) -> Option<(Estimate, String)> {
    let (groups, shares): (Vec<usize>, Vec<f64>) = counted
        .members
        .iter()
        .filter_map(|m| Some((m.population, m.topology.automaton_fidelity?)))
        .unzip();
    let estimate = mean(&shares, &groups, study.seed)?;
    Some((estimate, words("automaton fidelity, mean", &estimate)))
}

fn between(
    study: &Study,
    counted: &Counted<'_>,
    factor: &str,
    level: fn(&PopulationPlan) -> String,
    all_points: bool,
) -> Option<(Estimate, String)> {
    let levels: Vec<String> = study.populations.iter().map(level).collect();
    let groups: Vec<usize> = counted
        .members
        .iter()
        .map(|m| {
            levels
                .iter()
                .position(|l| *l == levels[m.population])
                .unwrap_or(0)
        })
        .collect();
    let (classes, what) = match (&counted.reached, all_points) {
        (Some(reached), false) => (reached, "reached scaffold"),
        _ => (&counted.all_points, "all points"),
    };
    let estimate = agreement(classes, &groups, Pairs::Between, study.seed)?;
    let mut text = words(
        &format!("agreement between levels of {factor} ({what})"),
        &estimate,
    );
    if let Some(null) = agreement(classes, &groups, Pairs::Within, study.seed) {
        text += &format!(", within them {:.3}", null.value);
    }
    Some((estimate, text))
}
