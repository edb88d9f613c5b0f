//! What a kernel binds and how much it takes, read from its own text; what is above the limits is refused here.

use super::link::Linked;
use crate::error::EngineError;

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<uniform>`
    Uniform,
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
}

/// One `@group @binding` variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Name of the variable.
    pub name: String,
    /// Group.
    pub group: u32,
    /// Index within the group.
    pub index: u32,
    /// Access.
    pub access: Access,
    /// Whether the entry point, or what it calls, uses it.
    pub used: bool,
    /// Size of the variable's type in bytes; of an array of unknown length, of one element.
    pub least_bytes: u32,
}

/// A kernel's interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reflection {
    /// By group and index.
    pub slots: Vec<Slot>,
    /// Bytes of `var<workgroup>` that the entry point uses.
    pub workgroup_bytes: u32,
    /// Invocations of a workgroup, per axis.
    pub workgroup_size: [u32; 3],
}

impl Reflection {
    /// Reads the interface of the kernel's entry point.
    pub fn read(linked: &Linked) -> Result<Self, EngineError> {
        let (module, info) = linked.validate()?;
        let refuse = |message: String| EngineError::Device {
            message: format!("kernel `{}`: {message}", linked.entry),
        };
        let entry = module
            .entry_points
            .iter()
            .position(|e| e.name == linked.entry)
            .ok_or_else(|| refuse("no such entry point".into()))?;
        let uses = info.get_entry_point(entry);
        let mut layouter = naga::proc::Layouter::default();
        layouter
            .update(module.to_ctx())
            .map_err(|e| refuse(e.to_string()))?;
        let mut slots = Vec::new();
        let mut workgroup_bytes = 0_u32;
        for (handle, variable) in module.global_variables.iter() {
            let used = !uses[handle].is_empty();
            let layout = layouter[variable.ty];
            if variable.space == naga::AddressSpace::WorkGroup && used {
                workgroup_bytes = layout.alignment.round_up(workgroup_bytes) + layout.size;
            }
            let (Some(binding), Some(name)) = (variable.binding, variable.name.clone()) else {
                continue;
            };
            let access = match variable.space {
                naga::AddressSpace::Uniform => Access::Uniform,
                naga::AddressSpace::Storage { access }
                    if access.contains(naga::StorageAccess::STORE) =>
                {
                    Access::ReadWrite
                }
                naga::AddressSpace::Storage { .. } => Access::Read,
                _ => {
                    return Err(refuse(format!(
                        "`{name}` is neither a uniform nor a storage buffer"
                    )));
                }
            };
            slots.push(Slot {
                name,
                group: binding.group,
                index: binding.binding,
                access,
                used,
                least_bytes: layout.size,
            });
        }
        slots.sort_by_key(|s| (s.group, s.index));
        Ok(Self {
            slots,
            workgroup_bytes,
            workgroup_size: module.entry_points[entry].workgroup_size,
        })
    }

    /// A binding by name; an unknown name is an error that lists the known ones.
    pub fn slot(&self, kernel: &str, name: &str) -> Result<&Slot, EngineError> {
        self.slots.iter().find(|s| s.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.slots.iter().map(|s| s.name.as_str()).collect();
            EngineError::Device {
                message: format!(
                    "kernel `{kernel}` binds no `{name}`; it binds {}",
                    known.join(", ")
                ),
            }
        })
    }

    /// Refuses what is above the limits requested. wgpu checks invocations and buffers but not workgroup memory.
    pub fn check(&self, kernel: &str, limits: &wgpu::Limits) -> Result<(), EngineError> {
        let refuse = |what: String, allowed: String| {
            Err(EngineError::Unsupported {
                executor: "GPU",
                what: format!("kernel `{kernel}` with {what}"),
                allowed,
            })
        };
        if self.workgroup_bytes > limits.max_compute_workgroup_storage_size {
            return refuse(
                format!("{} bytes of workgroup memory", self.workgroup_bytes),
                format!(
                    "the limit requested is {} bytes",
                    limits.max_compute_workgroup_storage_size
                ),
            );
        }
        let [x, y, z] = self.workgroup_size;
        let most = [
            limits.max_compute_workgroup_size_x,
            limits.max_compute_workgroup_size_y,
            limits.max_compute_workgroup_size_z,
        ];
        if x * y * z > limits.max_compute_invocations_per_workgroup
            || x > most[0]
            || y > most[1]
            || z > most[2]
        {
            return refuse(
                format!("workgroups of {x} x {y} x {z} invocations"),
                format!(
                    "the limit requested is {}, {most:?} per axis",
                    limits.max_compute_invocations_per_workgroup
                ),
            );
        }
        let storage = self
            .slots
            .iter()
            .filter(|s| s.access != Access::Uniform)
            .count();
        if storage > limits.max_storage_buffers_per_shader_stage as usize {
            return refuse(
                format!("{storage} storage buffers"),
                format!(
                    "the limit requested is {}",
                    limits.max_storage_buffers_per_shader_stage
                ),
            );
        }
        Ok(())
    }
}
