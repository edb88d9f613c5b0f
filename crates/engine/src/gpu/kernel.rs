//! A pipeline whose buffers are bound by name.

use super::buffer::Buffer;
use super::device::Gpu;
use super::link::Linked;
use super::reflect::{Access, Reflection};
use crate::error::EngineError;
use std::num::NonZeroU64;

/// A compiled kernel.
#[derive(Debug)]
pub struct Kernel {
    name: String,
    /// What it binds and takes.
    pub reflection: Reflection,
    pipeline: wgpu::ComputePipeline,
    layouts: Vec<wgpu::BindGroupLayout>,
}

/// A buffer, or a part of one, under the name a kernel knows it by.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    name: &'a str,
    raw: &'a wgpu::Buffer,
    /// Bytes a dispatch sees; a uniform is bound with a dynamic offset.
    bytes: u64,
}

impl<'a> Named<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// A whole storage buffer.
    pub fn new<T: bytemuck::Pod>(name: &'a str, buffer: &'a Buffer<T>) -> Self {
        Self {
            name,
            raw: &buffer.raw,
            bytes: buffer.raw.size(),
        }
    }

    /// One record of a buffer of uniforms; which one is said at the dispatch.
    pub(super) fn uniform(name: &'a str, raw: &'a wgpu::Buffer, bytes: usize) -> Self {
        Self {
            name,
            raw,
            bytes: bytes as u64,
        }
    }
}

/// A kernel with its buffers.
#[derive(Debug)]
pub struct Bound {
    groups: Vec<(wgpu::BindGroup, bool)>,
    bytes_moved: u64,
}

impl Kernel {
    pub(super) fn new(gpu: &Gpu, linked: &Linked) -> Result<Self, EngineError> {
        let reflection = Reflection::read(linked)?;
        reflection.check(&linked.entry, gpu.limits())?;
        let n_groups = reflection
            .slots
            .iter()
            .map(|s| s.group + 1)
            .max()
            .unwrap_or(0);
        let (pipeline, layouts) = gpu.guarded(|device| {
            let layouts: Vec<wgpu::BindGroupLayout> = (0..n_groups)
                .map(|group| {
                    let entries: Vec<wgpu::BindGroupLayoutEntry> = reflection
                        .slots
                        .iter()
                        .filter(|s| s.group == group)
                        .map(|s| entry(s.index, s.access, s.least_bytes))
                        .collect();
                    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                        label: Some(&linked.entry),
                        entries: &entries,
                    })
                })
                .collect();
            let groups: Vec<Option<&wgpu::BindGroupLayout>> = layouts.iter().map(Some).collect();
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(&linked.entry),
                bind_group_layouts: &groups,
                immediate_size: 0,
            });
            let source = wgpu::ShaderSource::Wgsl(linked.text.as_str().into());
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(&linked.entry),
                source,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&linked.entry),
                layout: Some(&layout),
                module: &module,
                entry_point: Some(&linked.entry),
                // Everything shared is written before it is read; zeroing costs seconds of compilation on some drivers.
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            });
            (pipeline, layouts)
        })?;
        Ok(Self {
            name: linked.entry.clone(),
            reflection,
            pipeline,
            layouts,
        })
    }

    /// Binds buffers by name. Unknown or missing names, and buffers smaller than the type, are errors.
    pub fn bind(&self, gpu: &Gpu, buffers: &[Named<'_>]) -> Result<Bound, EngineError> {
        let mut bytes_moved = 0;
        for buffer in buffers {
            let slot = self.reflection.slot(&self.name, buffer.name)?;
            let is_uniform = buffer.raw.usage().contains(wgpu::BufferUsages::UNIFORM);
            if (slot.access == Access::Uniform) != is_uniform {
                return Err(EngineError::Device {
                    message: format!(
                        "kernel `{}` has `{}` as {:?}; the buffer given is not",
                        self.name, buffer.name, slot.access
                    ),
                });
            }
            let ways = if slot.access == Access::ReadWrite {
                2
            } else {
                1
            };
            bytes_moved += ways * buffer.bytes;
        }
        let mut groups = Vec::new();
        for (number, layout) in self.layouts.iter().enumerate() {
            let mut entries = Vec::new();
            let mut has_uniform = false;
            for slot in self
                .reflection
                .slots
                .iter()
                .filter(|s| s.group as usize == number)
            {
                let given = buffers.iter().find(|b| b.name == slot.name);
                let given = given.ok_or_else(|| EngineError::Device {
                    message: format!("kernel `{}` was given no `{}`", self.name, slot.name),
                })?;
                has_uniform |= slot.access == Access::Uniform;
                let binding = wgpu::BufferBinding {
                    buffer: given.raw,
                    offset: 0,
                    size: NonZeroU64::new(given.bytes),
                };
                entries.push(wgpu::BindGroupEntry {
                    binding: slot.index,
                    resource: wgpu::BindingResource::Buffer(binding),
                });
            }
            let descriptor = wgpu::BindGroupDescriptor {
                label: Some(&self.name),
                layout,
                entries: &entries,
            };
            groups.push((
                gpu.guarded(|device| device.create_bind_group(&descriptor))?,
                has_uniform,
            ));
        }
        Ok(Bound {
            groups,
            bytes_moved,
        })
    }

    /// Binds those of the buffers that the kernel has.
    pub fn bind_some(&self, gpu: &Gpu, buffers: &[Named<'_>]) -> Result<Bound, EngineError> {
        let has = |n: &Named<'_>| self.reflection.slots.iter().any(|s| s.name == n.name);
        let wanted: Vec<Named<'_>> = buffers.iter().copied().filter(has).collect();
        self.bind(gpu, &wanted)
    }

    /// Submits one dispatch of a kernel without uniforms, and waits for it.
    pub fn run(&self, gpu: &Gpu, bound: &Bound, groups: [u32; 2]) -> Result<(), EngineError> {
        gpu.submit(|encoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some(&self.name),
                timestamp_writes: None,
            });
            self.dispatch(gpu, &mut pass, bound, 0, groups);
        })?;
        gpu.wait()
    }

    /// Records one dispatch; `uniform` is the byte offset of its record.
    pub fn dispatch(
        &self,
        gpu: &Gpu,
        pass: &mut wgpu::ComputePass<'_>,
        bound: &Bound,
        uniform: u32,
        groups: [u32; 2],
    ) {
        pass.set_pipeline(&self.pipeline);
        for (number, (group, has_uniform)) in bound.groups.iter().enumerate() {
            let offsets: &[u32] = if *has_uniform { &[uniform] } else { &[] };
            pass.set_bind_group(number as u32, group, offsets);
        }
        pass.dispatch_workgroups(groups[0], groups[1], 1);
        gpu.count(bound.bytes_moved);
    }
}

fn entry(binding: u32, access: Access, least_bytes: u32) -> wgpu::BindGroupLayoutEntry {
    let ty = match access {
        Access::Uniform => wgpu::BufferBindingType::Uniform,
        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
        Access::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
    };
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: access == Access::Uniform,
            min_binding_size: NonZeroU64::new(u64::from(least_bytes)),
        },
        count: None,
    }
}
