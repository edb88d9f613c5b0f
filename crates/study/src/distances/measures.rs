//! Every distance of a study file, and which measure of what it is.

use super::job::{Halves, How, Job, Kept, of};
use super::measured::{Level, Measured};
use super::seen::{Networks, Seen};
use crate::error::{Result, StudyError};
use crate::spec::{DistanceSpec, DsaSpec, FitSpec, RegistrationSpec, WeightScale, WeightSpec};
use chiliad_analysis::distances::behaviour::Outputs;
use chiliad_analysis::distances::dsa::{Conjugation, Fit, Operator, Rank, Spectrum};
use chiliad_analysis::distances::geometry::{
    Canonical, Cka, Components, Configuration, Endpoints, Registration, Rsa, Selectivity, Shape,
    TrajectoryFit,
};
use chiliad_analysis::distances::weights::Weights;
use chiliad_analysis::distances::{DistanceError, Measure};
use chiliad_tasks::NpzArray;

/// All that the study's distance gives: itself first, then its neighbouring settings.
///
/// # Errors
///
/// [`crate::error::StudyError::Distance`] where no two networks can be compared, and those of disk and progress.
pub fn perform(job: &mut Job<'_>, spec: &DistanceSpec) -> Result<Vec<Measured>> {
    match spec {
        DistanceSpec::Svcca(s) => {
            let components = match (s.components, s.variance) {
                (Some(k), _) => Components::Number(k),
                (None, share) => Components::Variance(share.unwrap_or(0.99)),
            };
            let kept = match components {
                Components::Variance(share) => {
                    format!("the components with {share} of the variance")
                }
                _ => format!("{} principal components", s.components.unwrap_or(0)),
            };
            let words = format!("1 - mean canonical correlation of {kept}");
            let canonical = Canonical {
                components,
                correlations: false,
            };
            job.run(&geometry("svcca", words, canonical))
        }
        DistanceSpec::Cka(c) => {
            let words = format!("linear centred kernel alignment ({:?})", c.kind);
            job.run(&geometry("cka", words, Cka { kind: c.kind }))
        }
        DistanceSpec::Procrustes(p) => {
            let words = format!("angular Procrustes distance, alpha {}", p.alpha);
            let shape = Shape {
                alpha: p.alpha,
                centre: true,
            };
            let how = geometry("procrustes", words, shape)
                .keeping(&["distance", "euclidean"], |f| {
                    vec![f.distance, f.euclidean]
                });
            job.run(&how)
        }
        DistanceSpec::Rsa(r) => {
            let rsa = Rsa {
                dissimilarity: r.dissimilarity,
                comparison: r.comparison,
            };
            let words = format!(
                "1 - {:?} of {:?} dissimilarities",
                r.comparison, r.dissimilarity
            );
            job.run(&geometry("rsa", words, rsa))
        }
        DistanceSpec::Trajectories(p) => {
            let components = p.components;
            let words = format!("residual of linear fits, {components} components, both ways");
            let how = geometry("trajectories", words, TrajectoryFit { components })
                .keeping(&["distance", "forward", "backward"], |f| {
                    vec![f.distance, f.forward, f.backward]
                });
            job.run(&how)
        }
        DistanceSpec::Endpoints(p) => {
            let components = p.components;
            let words = format!("last states, {components} components, turned");
            let (level, measure) = (Level::Geometry, Endpoints { components });
            job.run(&of("endpoints", level, words, measure, Seen::recording))
        }
        DistanceSpec::Selectivity(r) => {
            let words = format!(
                "units as points, {} coordinates, {} restarts",
                r.dimensions, r.restarts
            );
            let how = geometry("selectivity", words, Selectivity(registration(r, job.seed)))
                .keeping(&["distance", "spread"], |f| vec![f.distance, f.spread]);
            job.run(&How {
                halves: Halves::Own,
                ..how
            })
        }
        DistanceSpec::Configuration(r) => {
            let words = format!(
                "fixed points, {} coordinates, {} restarts",
                r.dimensions, r.restarts
            );
            let measure = Configuration(registration(r, job.seed));
            let how = of(
                "configuration",
                Level::Geometry,
                words,
                measure,
                Seen::fixed_points,
            )
            .keeping(&["distance", "spread"], |f| vec![f.distance, f.spread]);
            job.run(&How {
                halves: Halves::None,
                ..how
            })
        }
        DistanceSpec::Dsa(d) => {
            let at = settled(&d.operators())?;
            let mut all = job.run(&dsa("dsa", d, at, job.seed))?;
            let controls = std::mem::replace(&mut job.controls, false);
            for &(delays, rank) in d.neighbouring.iter().flatten() {
                let name = format!("dsa_delays{delays}_rank{rank}");
                let mut beside = job.run(&dsa(&name, d, (delays, rank), job.seed))?;
                beside
                    .iter_mut()
                    .for_each(|m| m.neighbour_of = Some("dsa".into()));
                all.extend(beside);
            }
            job.controls = controls;
            Ok(all)
        }
        DistanceSpec::DmdWasserstein(f) => {
            let fit = f.fit(settled(f)?);
            let words = format!("W2 between eigenvalues of {}", fit_words(&fit));
            let input = move |seen: &Seen| fitted(seen, &fit);
            let how = of("dmd_wasserstein", Level::Dynamics, words, Spectrum, input)
                .keeping(&["distance", "w1", "w2_squared"], |f| {
                    vec![f.distance, f.w1, f.w2_squared]
                });
            job.run(&How {
                halves: Halves::Own,
                kept: Some(operators()),
                ..how
            })
        }
        DistanceSpec::WeightPermutation(w) => weights(job, w),
        DistanceSpec::OutputDistance(_) => {
            let words = "root mean square difference of outputs".to_owned();
            let how = of(
                "output_distance",
                Level::Behaviour,
                words,
                Outputs,
                Seen::answers,
            )
            .keeping(&["distance", "largest"], |f| vec![f.distance, f.largest]);
            job.run(&How {
                permutes: false,
                ..how
            })
        }
    }
}

fn geometry<M: Measure<Input = chiliad_analysis::distances::Samples>>(
    name: &str,
    words: String,
    measure: M,
) -> How<M> {
    of(name, Level::Geometry, words, measure, Seen::samples)
}

fn registration(r: &RegistrationSpec, seed: u64) -> Registration {
    Registration {
        dimensions: r.dimensions,
        restarts: r.restarts,
        seed,
    }
}

fn dsa(name: &str, d: &DsaSpec, at: (usize, usize), seed: u64) -> How<Conjugation> {
    let (fit, starts) = (d.operators().fit(at), d.starts);
    let words = format!(
        "Procrustes over vector fields, unit norm, {}, {starts} random starts",
        fit_words(&fit)
    );
    let input = move |seen: &Seen| fitted(seen, &fit);
    let names = ["distance", "angular", "lower_bound", "spread", "certified"];
    let how = of(
        name,
        Level::Dynamics,
        words,
        Conjugation { starts, seed },
        input,
    )
    .keeping(&names, |f| {
        let certified = f64::from(u8::from(f.certified));
        vec![f.distance, f.angular, f.lower_bound, f.spread, certified]
    });
    How {
        halves: Halves::Own,
        kept: Some(operators()),
        ..how
    }
}

/// Delays and rank, which [`super::pilots::fixed`] has put there.
fn settled(how: &FitSpec) -> Result<(usize, usize)> {
    how.at()
        .ok_or_else(|| StudyError::Input("delays and rank are to be chosen on pilots first".into()))
}

fn fit_words(fit: &Fit) -> String {
    let rank = match fit.rank {
        Rank::Number(rank) => rank.to_string(),
        other => format!("{other:?}"),
    };
    format!(
        "operators of rank {rank} on {} delays of {}, ridge {}",
        fit.delays.number,
        if fit.delays.interval == 1 {
            "1 step".to_owned()
        } else {
            format!("{} steps", fit.delays.interval)
        },
        fit.ridge
    )
}

fn fitted(seen: &Seen, fit: &Fit) -> std::result::Result<Operator, DistanceError> {
    Operator::fit(&seen.recording()?, fit)
}

fn operators() -> Kept<Operator> {
    Kept {
        to: |o| {
            let n = o.matrix.nrows();
            let values = (0..n * n).map(|k| o.matrix[(k / n, k % n)]);
            NpzArray::f64(&[n, n], values.collect())
        },
        from: |name, a| Operator::new(name, &a.shape, &a.to_f64()),
    }
}

/// Weights in all their scales; the one asked for first goes into the matrix.
fn weights(job: &mut Job<'_>, w: &WeightSpec) -> Result<Vec<Measured>> {
    const SCALES: [WeightScale; 4] = [
        WeightScale::Raw,
        WeightScale::PerUnit,
        WeightScale::PerParameter,
        WeightScale::Relative,
    ];
    let words = format!(
        "recurrent weights up to a relabelling of units, {} starts",
        w.starts
    );
    let measure = Weights {
        starts: w.starts,
        seed: job.seed,
    };
    let names = [
        "raw",
        "per_unit",
        "per_parameter",
        "relative",
        "lower_bound",
        "spread",
        "identity",
    ];
    let how = of(
        "weight_permutation",
        Level::Weights,
        words,
        measure,
        Seen::recurrent,
    )
    .keeping(&names, |f| {
        let scales = [f.distance, f.per_unit, f.per_parameter, f.relative];
        [&scales[..], &[f.lower_bound, f.spread, f.identity]].concat()
    });
    let how = How {
        same_units: true,
        halves: Halves::None,
        ..how
    };
    let mut all = job.run(&how)?;
    for m in &mut all {
        if m.untrained.is_some() {
            over_untrained(job.networks, m);
        }
        let first = w.scale.first().copied().unwrap_or(WeightScale::Raw);
        m.figure = SCALES
            .iter()
            .position(|s| *s == first)
            .unwrap_or(m.columns.len() - 1);
        m.words += &format!(", {}", first.column().replace('_', " "));
    }
    Ok(all)
}

/// Adds the distance over the mean of untrained networks of the same size.
fn over_untrained(networks: &Networks<'_>, m: &mut Measured) {
    let Some(untrained) = &m.untrained else {
        return;
    };
    let n = m.n;
    let mean = |units: usize| {
        let of_size: Vec<usize> = (0..n).filter(|&i| networks.units(i) == units).collect();
        let pairs = of_size
            .iter()
            .flat_map(|&i| of_size.iter().map(move |&j| (i, j)));
        let known: Vec<f64> = pairs
            .filter(|(i, j)| i < j)
            .map(|(i, j)| untrained[i * n + j])
            .filter(|d| d.is_finite())
            .collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let by_member: Vec<f64> = (0..n).map(|i| mean(networks.units(i))).collect();
    let width = m.columns.len();
    let places = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    m.figures = places
        .zip(m.figures.chunks(width))
        .flat_map(|((i, _), row)| {
            row.iter()
                .copied()
                .chain([row[0] / by_member[i]])
                .collect::<Vec<f64>>()
        })
        .collect();
    m.columns.push(format!("{}_untrained", m.name));
}
