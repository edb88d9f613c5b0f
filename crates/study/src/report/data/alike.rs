//! How alike networks are: matrices, pictures, controls, and what factors do to them.

use super::nullable::null_is_nan;
use super::topology::Interval;
use serde::{Deserialize, Serialize};

/// All comparisons of a study.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Alike {
    /// Rows of every matrix: population, and index in the study.
    pub networks: Vec<(usize, usize)>,
    /// Level of every row by the factor that is drawn; none where it does not count.
    pub level: Vec<Option<usize>>,
    /// That factor; empty where none is varied.
    pub factor: String,
    /// Probe trials and the like, in a sentence.
    pub how: String,
    /// Networks not compared, in words.
    pub left_out: Vec<String>,
    /// Measures that could not be taken: name and reason.
    pub failed: Vec<(String, String)>,
    /// One per measure.
    pub measures: Vec<Measure>,
    /// What factors do.
    pub effects: Vec<Effect>,
    /// Losses elsewhere: variant, population, mean loss, standard deviation with its interval.
    pub elsewhere: Vec<(String, String, f64, Option<Interval>)>,
    /// Measures again at other settings: name, accuracy, rank correlation with the measure itself and its p.
    pub neighbouring: Vec<Neighbouring>,
    /// Accuracy with and without the worst-trained tenth, by measure.
    pub worst_left_out: Vec<(String, Interval, Interval)>,
}

/// A measure at another setting: name, accuracy, rank correlation with the measure itself and its p.
pub(super) type Neighbouring = (String, Option<Interval>, Option<(f64, f64)>);

/// One measure.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measure {
    /// What it is about.
    pub level: String,
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub words: String,
    /// `[row][row]`, NaN where two are not compared.
    #[serde(deserialize_with = "null_is_nan")]
    pub matrix: Vec<f64>,
    /// Row and place in the plane.
    pub picture: Vec<(usize, [f64; 2])>,
    /// Stress-1 of the picture.
    pub stress: Option<f64>,
    /// Least and largest distance of a network to itself in two halves of the trials.
    pub halves: Option<[f64; 2]>,
    /// Where moments are matched: middle difference of the distances of a pair in either half.
    #[serde(default)]
    pub split: Option<f64>,
    /// Least and largest distance to a network trained from the same initial weights in another order of trials.
    #[serde(default)]
    pub twins: Option<[f64; 2]>,
    /// Largest distance of a network to itself with its units in another order.
    pub permuted: Option<f64>,
    /// Mean distance to networks whose moments are shuffled.
    pub shuffled: Option<f64>,
    /// Mean distance of the same networks before training.
    pub untrained: Option<f64>,
    /// Mean distance of all pairs.
    pub mean: Option<Interval>,
    /// The number: accuracy of naming the level, and chance.
    pub accuracy: Option<(Interval, f64)>,
    /// Neighbours that it is named by.
    #[serde(default)]
    pub neighbours: Option<usize>,
    /// What else must be said: degenerate, incomplete, networks left out.
    pub remarks: Vec<String>,
}

/// A factor's effect on one measure.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Effect {
    /// What the measure is about.
    pub level: String,
    /// Its name.
    pub measure: String,
    /// The factor.
    pub factor: String,
    /// Networks.
    pub n: usize,
    /// Mean distance between levels over that within them.
    pub ratio: Option<Interval>,
    /// Share of pairs of different levels at distance zero, where the measure counts.
    pub alike: Option<Interval>,
    /// Share of the squared distances that the levels account for, and p.
    pub explained: Option<(f64, f64)>,
    /// Accuracy of naming the level, and chance.
    pub accuracy: Option<(Interval, f64)>,
    /// Neighbours that it is named by.
    #[serde(default)]
    pub neighbours: Option<usize>,
    /// The accuracy before training.
    pub untrained: Option<f64>,
    /// Mean silhouette.
    pub silhouette: Option<f64>,
    /// Rank correlation with being of different levels, loss held fixed, and p.
    pub given_loss: Option<(f64, f64)>,
}
