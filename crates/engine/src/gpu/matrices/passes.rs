//! The two kernels that run matrix programs: before the weights are laid out, and once the partial gradients are there.

use super::Matrices;
use crate::error::EngineError;
use crate::executor::TrainOptions;
use crate::gpu::buffer::Buffer;
use crate::gpu::device::Gpu;
use crate::gpu::geometry::Geometry;
use crate::gpu::kernel::{Bound, Kernel, Named};
use crate::gpu::kernels::{Stage, Variant, link};
use crate::population::Population;
use std::ops::Range;
use std::sync::Arc;

/// Kernels and memory of a fleet's matrix programs.
pub(in crate::gpu) struct Passes {
    pub(in crate::gpu) link: Arc<Kernel>,
    pub(in crate::gpu) pull_back: Arc<Kernel>,
    /// Work space of the chunk in hand: its first words per network are what the weights are made of.
    pub(in crate::gpu) work: Buffer<f32>,
}

/// What one chunk's programs read.
pub(in crate::gpu) struct Programs {
    data: Buffer<f32>,
    steps: Buffer<u32>,
    pub(in crate::gpu) link: Arc<Bound>,
}

impl Passes {
    pub(in crate::gpu) fn new(
        gpu: &Gpu,
        population: &Population,
        geometry: &Geometry,
        variant: &Variant,
        (matrices, chunk): (&Matrices, usize),
    ) -> Result<Self, EngineError> {
        let kernel = |stage| {
            let (architecture, layout) = (&population.architecture, &population.layout);
            gpu.kernel(&link(stage, architecture, layout, geometry, variant)?)
        };
        Ok(Self {
            link: kernel(Stage::LinkWeights)?,
            pull_back: kernel(Stage::PullBack)?,
            work: Buffer::new(gpu, "work", chunk * matrices.work)?,
        })
    }

    /// Uploads the programs of a chunk's networks.
    pub(in crate::gpu) fn programs(
        &self,
        gpu: &Gpu,
        (matrices, options): (&Matrices, &TrainOptions),
        networks: Range<usize>,
        params: &Buffer<f32>,
    ) -> Result<Programs, EngineError> {
        let data = Buffer::with(gpu, "data", &matrices.data(options, networks.clone()))?;
        let steps = Buffer::with(gpu, "steps", &matrices.words(networks))?;
        let buffers = [
            Named::new("params", params),
            Named::new("work", &self.work),
            Named::new("matrix_data", &data),
            Named::new("steps", &steps),
        ];
        let link = Arc::new(self.link.bind(gpu, &buffers)?);
        Ok(Programs { data, steps, link })
    }

    /// Binds the way back; `others` are what `optimise` reads too.
    pub(in crate::gpu) fn bind_back(
        &self,
        gpu: &Gpu,
        programs: &Programs,
        others: &[Named<'_>],
    ) -> Result<Arc<Bound>, EngineError> {
        let mut buffers = vec![
            Named::new("work", &self.work),
            Named::new("matrix_data", &programs.data),
            Named::new("steps", &programs.steps),
        ];
        buffers.extend(others);
        Ok(Arc::new(self.pull_back.bind(gpu, &buffers)?))
    }
}
