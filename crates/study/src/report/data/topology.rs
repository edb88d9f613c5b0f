//! Graphs of fixed points, their classes, and what would break them.

use super::nullable::null_is_nan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Classes of topology over the whole study.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Topology {
    /// Largest first.
    pub classes: Vec<TopologyClass>,
    /// Class of every network, by its index in the study.
    pub of_network: BTreeMap<usize, usize>,
    /// Universality index: what it is of, and the estimate.
    pub universality: Vec<(String, Interval)>,
    /// How well the automaton explains the outputs, a sentence per population.
    pub fidelity: Vec<String>,
}

/// One class, drawn by its first network.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TopologyClass {
    /// Index in the study of the network that is drawn.
    pub drawn: usize,
    /// Points with 0, 1, 2, ... unstable directions.
    pub points: Vec<usize>,
    /// Networks of each population that are in it, in the order of the report, and how many the population has.
    pub members: Vec<(usize, usize)>,
    /// Nodes of that network.
    pub nodes: Vec<ClassNode>,
    /// Edges as (from, to), saddle to attractor or to another saddle.
    pub edges: Vec<(usize, usize)>,
}

/// A node as it is drawn.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassNode {
    /// Unstable directions.
    pub unstable: usize,
    /// Whether it is a fixed point.
    pub fixed: bool,
    /// Whether driven states end here, or on all attractors it leads to.
    pub reached: bool,
    /// Name on hover.
    pub label: String,
    /// What the readout makes of it, `[output]`; empty where nothing settles.
    #[serde(deserialize_with = "null_is_nan")]
    pub readout: Vec<f64>,
}

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Of the networks as they are.
    #[serde(deserialize_with = "null_is_nan")]
    pub value: f64,
    /// Lower end.
    #[serde(deserialize_with = "null_is_nan")]
    pub low: f64,
    /// Upper end.
    #[serde(deserialize_with = "null_is_nan")]
    pub high: f64,
    /// Networks.
    pub n: usize,
}

/// What the findings hang on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Robustness {
    /// Number of points when those closer than each tolerance are one, by population.
    pub tolerances: Vec<Tolerances>,
    /// Classes at the weights of every snapshot and at the end, by population.
    pub snapshots: Vec<Snapshot>,
    /// The universality index of all networks, and of those left without the worst-trained tenth.
    pub worst_left_out: Vec<(String, Interval)>,
}

/// Censuses of one population at several tolerances.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tolerances {
    /// Its label.
    pub population: String,
    /// Relative tolerance; least, median and most points of a network.
    pub at: Vec<(f64, [usize; 3])>,
    /// Networks with the same number at all of them.
    pub same: usize,
    /// Networks searched.
    pub searched: usize,
}

/// Classes of one population at one loss.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its label.
    pub population: String,
    /// The loss at which the weights were kept; none for the final ones.
    pub at_loss: Option<f64>,
    /// Networks that came so far.
    pub networks: usize,
    /// Classes among them.
    pub classes: usize,
    /// Networks in the class that is most common at the end.
    pub as_at_the_end: usize,
}
