//! The effective dimension of activity on the device: two kernels that see a whole batch before it goes backward.

use super::buffer::Buffer;
use super::fleet::Fleet;
use super::geometry::Geometry;
use super::kernel::{Bound, Kernel, Named};
use super::kernels::{Stage, link};
use crate::error::EngineError;
use crate::executor::Order;
use crate::population::Population;
use std::sync::Arc;

/// Kernels and memory of one stage's batches.
pub(super) struct Dimension {
    pub(super) measure: Arc<Kernel>,
    pub(super) slope: Arc<Kernel>,
    moments: Buffer<f32>,
    pub(super) slopes: Buffer<f32>,
}

/// The two kernels with the buffers of a chunk.
pub(super) struct Measured {
    pub(super) measure: Arc<Bound>,
    pub(super) slope: Arc<Bound>,
}

impl Dimension {
    /// For chunks of at most `chunk` networks in `tiles` tiles; the forward pass takes the history of the stage behind it, of which
    /// it needs less.
    pub(super) fn new(
        fleet: &Fleet,
        population: &Population,
        order: Order,
        geometry: &Geometry,
        (chunk, tiles): (usize, usize),
    ) -> Result<Self, EngineError> {
        let (gpu, architecture, layout) =
            (&fleet.gpu, &population.architecture, &population.layout);
        let mut variant = fleet.variant.clone();
        variant.order = order;
        let forward = Geometry::new(architecture, layout, 4 * geometry.trial_quads, false);
        let kernel = |stage| gpu.kernel(&link(stage, architecture, layout, &forward, &variant)?);
        let (of_tile, of_network) = geometry.moments();
        Ok(Self {
            measure: kernel(Stage::MeasureActivity)?,
            slope: kernel(Stage::SlopeDimension)?,
            moments: Buffer::new(gpu, "tile_moments", chunk * tiles * of_tile)?,
            slopes: Buffer::new(gpu, "slopes", chunk * of_network)?,
        })
    }

    /// Binds both to what a chunk's stage reads.
    pub(super) fn bind(&self, fleet: &Fleet, stage: &[Named<'_>]) -> Result<Measured, EngineError> {
        let mut all = stage.to_vec();
        all.push(Named::new("tile_moments", &self.moments));
        Ok(Measured {
            measure: Arc::new(self.measure.bind_some(&fleet.gpu, &all)?),
            slope: Arc::new(self.slope.bind_some(&fleet.gpu, &all)?),
        })
    }
}
