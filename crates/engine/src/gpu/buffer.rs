//! Typed, labelled device memory.

use super::device::Gpu;
use crate::error::EngineError;
use std::marker::PhantomData;

/// `len` elements of `T` in device memory.
#[derive(Debug)]
pub struct Buffer<T> {
    pub(super) raw: wgpu::Buffer,
    label: String,
    len: usize,
    element: PhantomData<T>,
}

impl<T: bytemuck::Pod> Buffer<T> {
    /// Uninitialised as far as kernels are concerned: nothing may rely on its being zero.
    pub fn new(gpu: &Gpu, label: &str, len: usize) -> Result<Self, EngineError> {
        let size = (len.max(1) * size_of::<T>()) as u64;
        let most = gpu
            .limits()
            .max_storage_buffer_binding_size
            .min(gpu.limits().max_buffer_size);
        if size > most {
            return Err(EngineError::Unsupported {
                executor: "GPU",
                what: format!("buffer `{label}` of {size} bytes"),
                allowed: format!("the largest binding of this device is {most} bytes"),
            });
        }
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC;
        let size = size.next_multiple_of(16);
        let raw = gpu.guarded(|device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation: false,
            })
        })?;
        gpu.count_allocation(size);
        let buffer = Self {
            raw,
            label: label.into(),
            len,
            element: PhantomData,
        };
        if gpu.poisons() {
            buffer.poison(gpu)?;
        }
        Ok(buffer)
    }

    /// A buffer holding these values.
    pub fn with(gpu: &Gpu, label: &str, values: &[T]) -> Result<Self, EngineError> {
        let buffer = Self::new(gpu, label, values.len())?;
        buffer.write(gpu, 0, values)?;
        Ok(buffer)
    }

    /// Uploads values from element `at` on.
    pub fn write(&self, gpu: &Gpu, at: usize, values: &[T]) -> Result<(), EngineError> {
        if at + values.len() > self.len {
            return Err(EngineError::Shape {
                operation: "upload",
                what: format!("buffer `{}`", self.label),
                found: format!("{} elements from {at}", values.len()),
                expected: format!("at most {}", self.len),
            });
        }
        gpu.guarded(|_| {
            gpu.queue().write_buffer(
                &self.raw,
                (at * size_of::<T>()) as u64,
                bytemuck::cast_slice(values),
            );
        })
    }

    /// Fills the buffer with the bits of a NaN: a value that is read before it is written spoils the result visibly.
    pub fn poison(&self, gpu: &Gpu) -> Result<(), EngineError> {
        let bytes = self.raw.size() as usize;
        gpu.guarded(|_| {
            gpu.queue()
                .write_buffer(&self.raw, 0, &vec![0xff_u8; bytes]);
        })
    }

    /// Reads `len` elements from element `at` on; waits for all work submitted before.
    pub fn read(&self, gpu: &Gpu, at: usize, len: usize) -> Result<Vec<T>, EngineError> {
        if len == 0 {
            return Ok(Vec::new());
        }
        // Copies move whole words, and the host copy may start anywhere.
        let bytes = ((len * size_of::<T>()) as u64).next_multiple_of(4);
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let staging = gpu.guarded(|device| {
            let staging = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("readback"),
                size: bytes,
                usage,
                mapped_at_creation: false,
            });
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
                label: Some("readback"),
            });
            encoder.copy_buffer_to_buffer(
                &self.raw,
                (at * size_of::<T>()) as u64,
                &staging,
                0,
                bytes,
            );
            gpu.queue().submit([encoder.finish()]);
            staging
        })?;
        let (send, receive) = std::sync::mpsc::channel();
        gpu.guarded(|_| {
            staging
                .slice(..)
                .map_async(wgpu::MapMode::Read, move |result| {
                    // The receiver is gone only if the wait below gave up.
                    let _ = send.send(result);
                });
        })?;
        gpu.wait()?;
        match receive.try_recv() {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(gpu.failure(format!("reading `{}`: {e}", self.label))),
            Err(e) => return Err(gpu.failure(format!("reading `{}`: {e}", self.label))),
        }
        let view = staging
            .slice(..)
            .get_mapped_range()
            .map_err(|e| gpu.failure(format!("reading `{}`: {e}", self.label)))?;
        let mut values = vec![T::zeroed(); len];
        bytemuck::cast_slice_mut::<T, u8>(&mut values)
            .copy_from_slice(&view[..len * size_of::<T>()]);
        drop(view);
        staging.unmap();
        Ok(values)
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
