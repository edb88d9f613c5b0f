//! Teacher forcing on the device: every network's matrix from targets to states, and the kernel that works it out anew from
//! the readout of each step.

use super::buffer::Buffer;
use super::device::Gpu;
use super::geometry::Geometry;
use super::kernel::{Bound, Kernel, Named};
use super::kernels::{Stage, Variant, link};
use crate::error::EngineError;
use crate::executor::TrainOptions;
use crate::population::Population;
use std::ops::Range;
use std::sync::Arc;

/// `[network][unit][outputs + 2]` as `shared/forcing.wgsl` reads it. Observed units take the targets of the last outputs for
/// their states; where there are none, `invert_readout` fills in the rows of the units that carry a state.
pub(super) fn rows(
    population: &Population,
    observed: &[usize],
    networks: Range<usize>,
) -> Vec<f32> {
    let architecture = &population.architecture;
    let (units, outputs) = (architecture.units, architecture.outputs);
    let row = outputs + 2;
    let mut rows = vec![0.0; networks.len() * units * row];
    for (network, rows) in networks.zip(rows.chunks_exact_mut((units * row).max(1))) {
        for (k, &unit) in observed.iter().enumerate() {
            rows[unit * row + outputs - observed.len() + k] = 1.0;
            rows[unit * row + outputs + 1] = 1.0;
        }
        if observed.is_empty() {
            let carrying = architecture.carrying(population.network_constants(network));
            for row in rows.chunks_exact_mut(row).take(carrying) {
                row[outputs + 1] = 1.0;
            }
        }
    }
    rows
}

/// The kernel that inverts readouts, where nothing is observed.
pub(super) struct Inverter {
    pub(super) kernel: Arc<Kernel>,
    /// What the iteration multiplies, of the chunk in hand.
    products: Buffer<f32>,
}

impl Inverter {
    /// `None` where states are not forced, or by what is observed alone.
    pub(super) fn new(
        gpu: &Gpu,
        population: &Population,
        geometry: &Geometry,
        options: Option<&TrainOptions>,
        chunk: usize,
    ) -> Result<Option<Self>, EngineError> {
        let inverts = |o: &&TrainOptions| o.forcing.is_some() && o.observed.is_empty();
        if options.filter(inverts).is_none() {
            return Ok(None);
        }
        let linked = link(
            Stage::InvertReadout,
            &population.architecture,
            &population.layout,
            geometry,
            &Variant::default(),
        )?;
        let size = (geometry.units + geometry.outputs) * geometry.outputs;
        Ok(Some(Self {
            kernel: gpu.kernel(&linked)?,
            products: Buffer::new(gpu, "products", chunk * size)?,
        }))
    }

    pub(super) fn bind(
        &self,
        gpu: &Gpu,
        weights: &Buffer<[f32; 4]>,
        teacher: &Buffer<f32>,
    ) -> Result<Arc<Bound>, EngineError> {
        let buffers = [
            Named::new("weights", weights),
            Named::new("teacher", teacher),
            Named::new("products", &self.products),
        ];
        Ok(Arc::new(self.kernel.bind(gpu, &buffers)?))
    }
}
