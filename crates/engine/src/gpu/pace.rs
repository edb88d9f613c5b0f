//! Pacing: submissions short enough that no driver takes them for hung. The wave shrinks first, then the number of
//! dispatches per submission; neither decides any result.

use super::device::Gpu;
use super::kernel::{Bound, Kernel};
use crate::error::EngineError;
use std::sync::Arc;
use std::time::Instant;

/// Records of one submission at most.
const RECORDS: usize = 256;
/// Distance of two records: the alignment of uniform offsets.
const STRIDE: usize = 256;
/// Bytes of the records of a submission.
pub(super) const RECORD_BYTES: usize = RECORDS * STRIDE;

/// `Dims` of `shared/dims.wgsl`, field by field.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Dims {
    pub(super) n_steps: u32,
    pub(super) batch: u32,
    pub(super) n_tiles: u32,
    pub(super) first_item: u32,
    pub(super) n_items: u32,
    pub(super) bank_trials: u32,
    pub(super) step: u32,
    pub(super) step_high: u32,
    pub(super) n_networks: u32,
    pub(super) noise_on: u32,
    pub(super) row_width: u32,
    pub(super) flags: u32,
    pub(super) update: [f32; 4],
    pub(super) scales: [f32; 4],
    pub(super) limits: [f32; 4],
}

/// How much work fits into one submission, learned as it goes.
#[derive(Clone, Debug)]
pub struct Pacer {
    budget_secs: f64,
    secs_per_operation: f64,
    /// Waves are cut to this share of what memory allows after a device was lost.
    share: f64,
}

impl Pacer {
    /// A pacer that aims at submissions of this length; 0.15 s suits a GPU that also drives a display.
    pub fn new(budget_secs: f64) -> Self {
        // The first guess, 1 GFLOP/s, is slower than any device: the first submission is a small one.
        Self {
            budget_secs,
            secs_per_operation: 1e-9,
            share: 1.0,
        }
    }

    /// Operations that fit.
    pub fn allowance(&self) -> f64 {
        self.budget_secs / self.secs_per_operation
    }

    /// Items of one wave, given what memory allows and what one item costs.
    pub fn wave(&self, most: usize, operations_per_item: f64) -> usize {
        let by_memory = ((most as f64 * self.share) as usize).max(1);
        ((self.allowance() / operations_per_item) as usize).clamp(1, by_memory)
    }

    /// Learns from a submission.
    pub fn learn(&mut self, operations: f64, secs: f64) {
        if operations > 0.0 {
            let measured = secs / operations;
            // At most fourfold growth at a time, since a short submission is all overhead or all luck.
            self.secs_per_operation = measured.max(self.secs_per_operation / 4.0);
        }
    }

    /// After a loss: half the wave, half the budget.
    pub fn back_off(&mut self) {
        self.share /= 2.0;
        self.budget_secs /= 2.0;
    }
}

struct Pending {
    kernel: Arc<Kernel>,
    bound: Arc<Bound>,
    dims: Dims,
    groups: [u32; 2],
}

/// Dispatches on their way to the device.
pub(super) struct Submission {
    gpu: Gpu,
    pub(super) uniforms: wgpu::Buffer,
    pending: Vec<Pending>,
    operations: f64,
}

impl Submission {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, EngineError> {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let size = RECORD_BYTES as u64;
        gpu.count_allocation(size);
        let uniforms = gpu.guarded(|device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("dims"),
                size,
                usage,
                mapped_at_creation: false,
            })
        })?;
        Ok(Self {
            gpu: gpu.clone(),
            uniforms,
            pending: Vec::new(),
            operations: 0.0,
        })
    }

    /// Adds a dispatch, after submitting what would make the submission too long.
    pub(super) fn push(
        &mut self,
        pacer: &mut Pacer,
        work: (&Arc<Kernel>, &Arc<Bound>),
        mut dims: Dims,
        groups: [u32; 2],
        operations: f64,
    ) -> Result<(), EngineError> {
        if self.pending.len() == RECORDS
            || (self.operations > 0.0 && self.operations + operations > pacer.allowance())
        {
            self.flush(pacer)?;
        }
        dims.row_width = groups[0];
        self.pending.push(Pending {
            kernel: Arc::clone(work.0),
            bound: Arc::clone(work.1),
            dims,
            groups,
        });
        self.operations += operations;
        Ok(())
    }

    /// Submits what is pending and waits for it.
    pub(super) fn flush(&mut self, pacer: &mut Pacer) -> Result<(), EngineError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let operations = std::mem::take(&mut self.operations);
        let mut records = vec![0_u8; pending.len() * STRIDE];
        for (record, one) in records.chunks_mut(STRIDE).zip(&pending) {
            record[..size_of::<Dims>()].copy_from_slice(bytemuck::bytes_of(&one.dims));
        }
        let started = Instant::now();
        self.gpu
            .guarded(|_| self.gpu.queue().write_buffer(&self.uniforms, 0, &records))?;
        self.gpu.submit(|encoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("chiliad"),
                timestamp_writes: None,
            });
            for (i, one) in pending.iter().enumerate() {
                one.kernel.dispatch(
                    &self.gpu,
                    &mut pass,
                    &one.bound,
                    (i * STRIDE) as u32,
                    one.groups,
                );
            }
        })?;
        self.gpu.wait()?;
        pacer.learn(operations, started.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Workgroups for `n` items: one row, or rows of 32,768.
pub(super) fn grid(n: usize) -> [u32; 2] {
    const ROW: usize = 32_768;
    if n <= 65_535 {
        [n as u32, 1]
    } else {
        [ROW as u32, n.div_ceil(ROW) as u32]
    }
}
