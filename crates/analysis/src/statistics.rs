//! What a matrix of distances says: pictures with their stress, and numbers with their chance level.

mod bootstrap;
mod classes;
mod groups;
mod mantel;
mod matrix;
mod mds;
mod neighbours;
mod permanova;
mod silhouette;
mod smacof;

pub use bootstrap::{Interval, bootstrap, mean_of_pairs};
pub use groups::{balanced_mean, trend, within_and_between, within_groups};
pub use mantel::{Correlation, Mantel, mantel, partial_mantel};
pub use matrix::{Degenerate, DistanceMatrix};
pub use mds::{Classical, classical};
pub use neighbours::{Neighbours, neighbours, told_right};
pub use permanova::{Permanova, permanova};
pub use silhouette::silhouette;
pub use smacof::{Smacof, SmacofOptions, smacof};

use chiliad_tasks::Draws;

/// What random numbers of this crate's statistics are for.
pub(crate) mod purpose {
    pub(crate) const SMACOF: u32 = 0x410;
    pub(crate) const NEIGHBOURS: u32 = 0x411;
    pub(crate) const PERMANOVA: u32 = 0x412;
    pub(crate) const MANTEL: u32 = 0x413;
    pub(crate) const BOOTSTRAP: u32 = 0x414;
    pub(crate) const GROUPS: u32 = 0x442;
}

/// Puts the elements in a random order (Fisher & Yates).
pub(crate) fn shuffle<T>(items: &mut [T], draws: &mut Draws) {
    for k in (1..items.len()).rev() {
        items.swap(k, draws.below(k as u32 + 1) as usize);
    }
}
