//! The numbers of one measure.

use super::factors::{FACTORS, Question, sorted};
use super::{Picture, Row};
use crate::distances::controls::Spread;
use crate::distances::measured::Measured;
use crate::distances::members::Member;
use crate::spec::CompareSpec;
use crate::study::Study;
use chiliad_analysis::statistics::{
    Correlation, DistanceMatrix, Mantel, SmacofOptions, bootstrap, classical, mantel,
    mean_of_pairs, smacof,
};

/// Of a measure; `beside` is the matrix of the one whose neighbouring setting it is.
#[must_use]
pub fn row(
    study: &Study,
    how: &CompareSpec,
    members: &[Member],
    m: &Measured,
    beside: Option<&[f64]>,
) -> Row {
    let whole = m.matrix();
    let out = |i: usize| m.left_out.iter().any(|l| l.index == members[i].index);
    let there: Vec<usize> = (0..m.n).filter(|&i| !out(i)).collect();
    let counted: Vec<usize> = there
        .iter()
        .copied()
        .filter(|&i| !members[i].untrained)
        .collect();
    let who: Vec<&Member> = counted.iter().map(|&i| &members[i]).collect();
    let of = |matrix: &[f64], chosen: &[usize]| select(matrix, m.n, chosen);
    let complete = of(&whole, &counted);
    let degenerate = complete.as_ref().and_then(DistanceMatrix::degenerate);
    let fit = complete.as_ref().filter(|_| degenerate.is_none());
    let unfit = if counted.len() < 3 {
        Some(format!("{} networks: too few", counted.len()))
    } else if complete.is_none() {
        Some("networks of different sizes are not compared".to_owned())
    } else {
        None
    };
    let losses = losses(&who);
    let untrained = m.untrained.as_ref().and_then(|u| of(u, &counted));
    let apart =
        |i: usize, j: usize| Some(whole[counted[i] * m.n + counted[j]]).filter(|d| d.is_finite());
    let question = Question {
        members: &who,
        apart: &apart,
        matrix: fit.filter(|_| unfit.is_none()),
        untrained: untrained.as_ref(),
        losses: losses.as_ref(),
        how,
        seed: study.seed,
    };
    let factors = FACTORS.iter().filter_map(|factor| {
        let by = sorted(study, &who, factor)?;
        Some(question.effect(factor, &by))
    });
    let correlated = |other: &DistanceMatrix| -> Option<Mantel> {
        mantel(
            fit?,
            other,
            Correlation::Spearman,
            how.permutations,
            study.seed,
        )
        .ok()
    };
    let certified = m
        .columns
        .iter()
        .position(|c| c.ends_with("_certified"))
        .and_then(|c| {
            let found = m
                .figures
                .chunks(m.columns.len())
                .map(|row| row[c])
                .filter(|x| x.is_finite());
            let (mut n, mut sum) = (0_usize, 0.0);
            found.for_each(|x| (n, sum) = (n + 1, sum + x));
            (n > 0).then(|| sum / n as f64)
        });
    Row {
        name: m.name.clone(),
        level: m.level,
        words: m.words.clone(),
        neighbour_of: m.neighbour_of.clone(),
        left_out: m.left_out.clone(),
        n: counted.len(),
        degenerate,
        mean: fit.and_then(|d| bootstrap(d, how.resamplings, study.seed, &mean_of_pairs).ok()),
        spread: Spread::of(finite_pairs(&whole, m.n, &counted)),
        controls: m.controls.clone(),
        untrained: m
            .untrained
            .as_ref()
            .and_then(|u| Spread::of(finite_pairs(u, m.n, &counted))),
        factors: factors.collect(),
        loss: losses.as_ref().and_then(correlated),
        same_order: beside
            .and_then(|b| of(b, &counted))
            .as_ref()
            .and_then(correlated),
        picture: picture(&whole, m.n, &there, study.seed),
        certified,
        unfit,
    }
}

/// Some rows and columns of a matrix; none where a pair is missing.
#[must_use]
pub fn select(matrix: &[f64], n: usize, chosen: &[usize]) -> Option<DistanceMatrix> {
    let values = chosen
        .iter()
        .flat_map(|&i| chosen.iter().map(move |&j| matrix[i * n + j]));
    DistanceMatrix::new(chosen.len(), values.collect()).ok()
}

fn finite_pairs(matrix: &[f64], n: usize, chosen: &[usize]) -> Vec<f64> {
    let pairs = chosen
        .iter()
        .enumerate()
        .flat_map(|(k, &i)| chosen[..k].iter().map(move |&j| matrix[i * n + j]));
    pairs.filter(|d| d.is_finite()).collect()
}

/// Differences of the logarithm of the loss; none where a loss is not known or not above zero.
fn losses(members: &[&Member]) -> Option<DistanceMatrix> {
    let logs: Vec<f64> = members
        .iter()
        .map(|m| m.loss.filter(|l| *l > 0.0).map(f64::ln))
        .collect::<Option<_>>()?;
    let values = logs
        .iter()
        .flat_map(|a| logs.iter().map(move |b| (a - b).abs()));
    DistanceMatrix::new(logs.len(), values.collect()).ok()
}

/// Restarts of the picture for so many networks: 100 for up to 64, fewer for more, so that it takes seconds.
fn restarts(n: usize) -> usize {
    100.min(409_600 / (n * n).max(1))
}

/// SMACOF, or the classical embedding where distances are below zero; none for degenerate or incomplete matrices.
fn picture(matrix: &[f64], n: usize, shown: &[usize], seed: u64) -> Option<Picture> {
    let distances = select(matrix, n, shown).filter(|d| d.degenerate().is_none())?;
    let options = SmacofOptions {
        restarts: restarts(shown.len()),
        seed,
        ..SmacofOptions::default()
    };
    let (coordinates, stress, restarts) = match smacof(&distances, &options) {
        Ok(found) => (found.coordinates, found.stress_1, options.restarts),
        // Distances below zero, as debiased ones may be.
        Err(_) => {
            let found = classical(&distances, 2).ok()?.coordinates;
            let stress = stress(&distances, &found);
            (found, stress, 0)
        }
    };
    let at = coordinates.iter().map(|c| [c[0], c[1]]).collect();
    Some(Picture {
        members: shown.to_vec(),
        at,
        stress,
        restarts,
    })
}

/// Kruskal's stress-1 of an embedding.
fn stress(distances: &DistanceMatrix, at: &[Vec<f64>]) -> f64 {
    let places = (0..at.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let (mut misses, mut all) = (0.0, 0.0);
    for (i, j) in places {
        let shown = (at[i][0] - at[j][0]).hypot(at[i][1] - at[j][1]);
        misses += (distances.at(i, j) - shown).powi(2);
        all += shown * shown;
    }
    if all > 0.0 {
        f64::sqrt(misses / all)
    } else {
        0.0
    }
}
