//! What linear systems at the fixed points say in the report: unstable directions, and mode removal in a few networks.

use crate::error::Result;
use crate::known_points::KnownPoints;
use crate::report::data::{Outcome, PopulationReport, Removal, RemovalCurve};
use chiliad_analysis::linearised::{Linearised, Modes, removal};
use chiliad_engine::linearise::modulus;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Networks of a population whose modes are removed; more curves would hide each other.
const NETWORKS: usize = 12;

/// Unit vectors by point.
pub(super) type Directions = BTreeMap<usize, Vec<Vec<f64>>>;

/// Unit vectors along which fixed points of one network (`one` holds it alone) are left, by point: real eigenvectors, and
/// real and imaginary part of complex ones.
pub(super) fn unstable_directions(one: &Population, known: &KnownPoints) -> Result<Directions> {
    let map = Map::new(one, 0, &known.input)?;
    let mut scratch = map.scratch();
    let mut all = Directions::new();
    for point in known.points.iter().filter(|p| p.radius > 1.0) {
        let jacobian = map.jacobian(&mut scratch, &point.state);
        let Some(modes) = Modes::of(&jacobian, map.n_state()) else {
            continue;
        };
        let grows = |m: &&chiliad_analysis::linearised::Mode| {
            // One of a complex pair speaks for both.
            modulus(m.eigenvalue) > 1.0 && m.eigenvalue[1] >= 0.0
        };
        let axes = modes.modes.iter().filter(grows).flat_map(|m| {
            let real = m.right.iter().map(|r| r.re).collect();
            let imaginary = m.right.iter().map(|r| r.im).collect();
            [real, imaginary].into_iter().filter_map(unit)
        });
        all.insert(point.point, axes.collect());
    }
    Ok(all)
}

fn unit(vector: Vec<f64>) -> Option<Vec<f64>> {
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    (norm > 1e-9).then(|| vector.into_iter().map(|x| x / norm).collect())
}

/// Mode removal in the first networks of a population that converged or were imported, each for the pair of input and output
/// that responds most; `first` is the population's first index in the study.
pub(super) fn removal(
    population: &Population,
    report: &PopulationReport,
    first: usize,
    known: &[KnownPoints],
) -> Option<Removal> {
    let options = removal::Options::default();
    let chosen: Vec<(usize, usize)> = report
        .networks
        .iter()
        .enumerate()
        .filter(|(_, n)| matches!(n.outcome, Outcome::Converged | Outcome::Imported))
        .map(|(place, n)| (place, n.index))
        .take(NETWORKS)
        .collect();
    let one = |(place, index): &(usize, usize)| {
        let of = known
            .iter()
            .find(|k| (k.network, k.condition) == (index - first, 0))?;
        let map = Map::new(population, *place, &of.input).ok()?;
        let mut scratch = map.scratch();
        let systems: Vec<Linearised> = of
            .points
            .iter()
            .filter(|p| p.radius.powf(options.horizon as f64) <= options.growth_max)
            .filter_map(|p| Linearised::at(&map, &mut scratch, &p.state))
            .collect();
        let curves = (0..map.n_inputs())
            .flat_map(|k| (0..map.n_outputs()).map(move |o| (k, o)))
            .map(|(k, o)| removal::curve(&systems, k, o, &options))
            .filter(|c| !c.curve.is_empty());
        let most = curves.reduce(|a, b| {
            if b.response.abs() > a.response.abs() {
                b
            } else {
                a
            }
        })?;
        Some(RemovalCurve {
            network: *index,
            channel: most.channel,
            output: most.output,
            points: most.points,
            curve: most.curve,
        })
    };
    let curves: Vec<RemovalCurve> = chosen.par_iter().filter_map(one).collect();
    (!curves.is_empty()).then_some(Removal {
        horizon: options.horizon,
        asked: chosen.len(),
        curves,
    })
}
