//! The device: which adapter, which limits, and what happens when it is lost.

use super::geometry::Geometry;
use super::kernel::Kernel;
use super::link::Linked;
use super::turns::MOST_TURNS;
use crate::error::EngineError;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest wait for one submission. A display GPU resets after 2 s.
const PATIENCE: Duration = Duration::from_secs(120);
/// The same for a software adapter, which is slow on a busy machine; some hang for ever.
const SOFTWARE_PATIENCE: Duration = Duration::from_secs(900);

/// Which adapter to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The fastest kind of real GPU there is; never a software adapter.
    Auto,
    /// The first adapter whose name or driver contains this text, whatever its case, software adapters included.
    Named(String),
    /// A software adapter: for tests.
    Software,
}

/// Which limits to request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsChoice {
    /// Exactly WebGPU's defaults.
    WebGpuDefault,
    /// The defaults, with the sizes of buffers and bindings raised to the adapter's (at most 1 GiB).
    Adapter,
}

/// An adapter, for people and manifests.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Name as the driver gives it.
    pub name: String,
    /// Vulkan, Metal, DX12 or GL.
    pub backend: String,
    /// Discrete, integrated, virtual, CPU (software) or other.
    pub kind: String,
    /// Driver and version.
    pub driver: String,
    /// Whether it is a software adapter.
    pub software: bool,
    /// What it can do, as far as the kernels care.
    pub limits: wgpu::Limits,
}

/// Decides in tests when a device is lost; real devices need none.
pub trait Fault: Send + Sync {
    /// Asked before submission number `submission` (0-based, counted over all devices that share the fault).
    fn loses_device(&self, submission: u64) -> bool;
}

/// What was asked of the device so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Dispatches recorded.
    pub dispatches: u64,
    /// Submissions made.
    pub submissions: u64,
    /// Bytes that the dispatches move at least, by their bindings: what is bound is read once, and written once more where
    /// a kernel may write. To be held against [`super::Geometry::floor_bytes`].
    pub bytes_moved: u64,
    /// Bytes of all buffers ever made for populations, trials and history.
    pub bytes_allocated: u64,
}

/// An open device. Clones share everything.
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: wgpu::AdapterInfo,
    limits: wgpu::Limits,
    reopen: Option<(Choice, LimitsChoice)>,
    lost: Arc<Mutex<Option<String>>>,
    is_lost: Arc<AtomicBool>,
    poison: AtomicBool,
    fault: Mutex<Option<Arc<dyn Fault>>>,
    kernels: Mutex<HashMap<String, Arc<Kernel>>>,
    dispatches: AtomicU64,
    submissions: AtomicU64,
    bytes_moved: AtomicU64,
    bytes_allocated: AtomicU64,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu")
            .field("adapter", &self.inner.info.name)
            .finish_non_exhaustive()
    }
}

fn adapters() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        // Vulkan, Metal and DX12: OpenGL would add nothing but a second face of the same device. On a machine without a
        // display Mesa's device-select layer writes "XDG_RUNTIME_DIR is invalid" to standard error at every enumeration:
        // wgpu asks for the surface extensions whatever the descriptor says, so the remedy is to look no more than needed.
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY))
}

fn kind_rank(kind: wgpu::DeviceType) -> usize {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// Device files of which a real GPU has at least one on Linux.
const DEVICE_FILES: [&str; 5] = [
    "/dev/dri",
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/dev/kfd",
    "/dev/dxg",
];

/// Whether this machine may have a real GPU: without a device file there is none, and no driver need be asked (drivers
/// take a while, and some write to standard error where there is no desktop session).
pub fn may_have_real_gpu() -> bool {
    !cfg!(target_os = "linux")
        || DEVICE_FILES
            .iter()
            .any(|file| std::path::Path::new(file).exists())
}

/// All adapters of this machine, best kind first.
pub fn list() -> Vec<Listed> {
    let mut found = adapters();
    found.sort_by_key(|a| kind_rank(a.get_info().device_type));
    found
        .iter()
        .map(|a| listed(&a.get_info(), a.limits()))
        .collect()
}

fn listed(info: &wgpu::AdapterInfo, limits: wgpu::Limits) -> Listed {
    Listed {
        name: info.name.clone(),
        backend: format!("{:?}", info.backend),
        kind: format!("{:?}", info.device_type),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_string(),
        software: info.device_type == wgpu::DeviceType::Cpu,
        limits,
    }
}

impl Gpu {
    /// Opens an adapter.
    pub fn open(choice: &Choice, limits: LimitsChoice) -> Result<Self, EngineError> {
        let mut found = adapters();
        found.sort_by_key(|a| kind_rank(a.get_info().device_type));
        let fits = |a: &wgpu::Adapter| {
            let info = a.get_info();
            let software = info.device_type == wgpu::DeviceType::Cpu;
            match choice {
                Choice::Auto => !software && info.device_type != wgpu::DeviceType::Other,
                Choice::Software => software,
                Choice::Named(part) => {
                    format!("{} {} {}", info.name, info.driver, info.driver_info)
                        .to_lowercase()
                        .contains(&part.to_lowercase())
                }
            }
        };
        let names: Vec<String> = found.iter().map(|a| a.get_info().name).collect();
        let adapter = found
            .into_iter()
            .find(fits)
            .ok_or_else(|| EngineError::Device {
                message: format!(
                    "no adapter for {choice:?}; there are: {}",
                    if names.is_empty() {
                        "none".into()
                    } else {
                        names.join(", ")
                    }
                ),
            })?;
        let mut required = wgpu::Limits::default();
        if limits == LimitsChoice::Adapter {
            let can = adapter.limits();
            // Beyond 1 GiB, word offsets and drivers become unreliable; nothing needs it.
            required.max_storage_buffer_binding_size =
                can.max_storage_buffer_binding_size.clamp(1 << 27, 1 << 30);
            required.max_buffer_size = can.max_buffer_size.clamp(1 << 28, 1 << 30);
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("chiliad"),
            required_limits: required,
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|e| EngineError::Device {
            message: format!("{}: {e}", adapter.get_info().name),
        })?;
        Ok(Self::wrap(
            device,
            queue,
            adapter.get_info(),
            Some((choice.clone(), limits)),
        ))
    }

    /// A device that the embedding program owns. It cannot be opened again here: when lost, it stays lost.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue, info: wgpu::AdapterInfo) -> Self {
        Self::wrap(device, queue, info, None)
    }

    fn wrap(
        device: wgpu::Device,
        queue: wgpu::Queue,
        info: wgpu::AdapterInfo,
        reopen: Option<(Choice, LimitsChoice)>,
    ) -> Self {
        let (lost, is_lost) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let (note, flag) = (Arc::clone(&lost), Arc::clone(&is_lost));
        device.set_device_lost_callback(move |reason, message| {
            *note.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(format!("{reason:?} {message}"));
            flag.store(true, Ordering::SeqCst);
        });
        let limits = device.limits();
        let inner = Inner {
            device,
            queue,
            info,
            limits,
            reopen,
            lost,
            is_lost,
            poison: AtomicBool::new(false),
            fault: Mutex::new(None),
            kernels: Mutex::new(HashMap::new()),
            dispatches: AtomicU64::new(0),
            submissions: AtomicU64::new(0),
            bytes_moved: AtomicU64::new(0),
            bytes_allocated: AtomicU64::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A fresh device on the same adapter, after a loss. The fault and the count of submissions move on with it.
    pub fn reopen(&self) -> Result<Self, EngineError> {
        let Some((choice, limits)) = &self.inner.reopen else {
            return Err(EngineError::DeviceLost {
                message: "the device belongs to the embedding program, which must make a new one"
                    .into(),
            });
        };
        let fresh = Self::open(choice, *limits)?;
        *fresh
            .inner
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = self
            .inner
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        fresh.inner.poison.store(self.poisons(), Ordering::SeqCst);
        for (new, old) in [
            (&fresh.inner.dispatches, &self.inner.dispatches),
            (&fresh.inner.submissions, &self.inner.submissions),
            (&fresh.inner.bytes_moved, &self.inner.bytes_moved),
            (&fresh.inner.bytes_allocated, &self.inner.bytes_allocated),
        ] {
            new.store(old.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        Ok(fresh)
    }

    /// For tests: asks this before every submission whether the device is lost now.
    pub fn inject(&self, fault: Arc<dyn Fault>) {
        *self
            .inner
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// For tests: fills every new buffer with the bits of a NaN, so that nothing can rely on zeros.
    pub fn poison_new_buffers(&self) {
        self.inner.poison.store(true, Ordering::SeqCst);
    }

    pub(super) fn poisons(&self) -> bool {
        self.inner.poison.load(Ordering::SeqCst)
    }

    /// The adapter and the limits in force.
    pub fn adapter(&self) -> Listed {
        listed(&self.inner.info, self.inner.limits.clone())
    }

    /// The limits requested.
    pub fn limits(&self) -> &wgpu::Limits {
        &self.inner.limits
    }

    /// Whether it is a software adapter.
    pub fn is_software(&self) -> bool {
        self.inner.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Refuses what a software adapter would cut short without a word, see [`turns`](super::turns).
    pub(super) fn turns_within(
        &self,
        geometry: &Geometry,
        n_steps: usize,
    ) -> Result<(), EngineError> {
        let turns = geometry.turns(n_steps);
        if !self.is_software() || turns <= MOST_TURNS {
            return Ok(());
        }
        Err(EngineError::Unsupported {
            executor: "GPU",
            what: format!(
                "{n_steps} time steps of {} units: an invocation turns its loops about {turns} times",
                geometry.units
            ),
            allowed: format!(
                "{MOST_TURNS} on a software adapter, which ends them there without a word; shorter trials, fewer units, or --device cpu"
            ),
        })
    }

    /// Whether the device is known to be lost.
    pub fn is_lost(&self) -> bool {
        self.inner.is_lost.load(Ordering::SeqCst)
    }

    /// What was asked of the device so far.
    pub fn stats(&self) -> Stats {
        Stats {
            dispatches: self.inner.dispatches.load(Ordering::SeqCst),
            submissions: self.inner.submissions.load(Ordering::SeqCst),
            bytes_moved: self.inner.bytes_moved.load(Ordering::SeqCst),
            bytes_allocated: self.inner.bytes_allocated.load(Ordering::SeqCst),
        }
    }

    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    pub(super) fn count_allocation(&self, bytes: u64) {
        self.inner
            .bytes_allocated
            .fetch_add(bytes, Ordering::SeqCst);
    }

    pub(super) fn count(&self, bytes_moved: u64) {
        self.inner.dispatches.fetch_add(1, Ordering::SeqCst);
        self.inner
            .bytes_moved
            .fetch_add(bytes_moved, Ordering::SeqCst);
    }

    /// The pipeline of a linked kernel, made once per text.
    pub fn kernel(&self, linked: &Linked) -> Result<Arc<Kernel>, EngineError> {
        let mut kernels = self
            .inner
            .kernels
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kernels.get(&linked.text) {
            return Ok(Arc::clone(known));
        }
        let kernel = Arc::new(Kernel::new(self, linked)?);
        kernels.insert(linked.text.clone(), Arc::clone(&kernel));
        Ok(kernel)
    }

    /// Runs device calls inside error scopes; what they raise becomes an error.
    pub(super) fn guarded<R>(
        &self,
        work: impl FnOnce(&wgpu::Device) -> R,
    ) -> Result<R, EngineError> {
        let device = &self.inner.device;
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let result = work(device);
        let raised = [
            pollster::block_on(validation.pop()),
            pollster::block_on(internal.pop()),
            pollster::block_on(memory.pop()),
        ];
        match raised.into_iter().flatten().next() {
            Some(error) => Err(self.failure(error.to_string())),
            None if self.inner.is_lost.load(Ordering::SeqCst) => {
                Err(self.failure("a call after the loss".into()))
            }
            None => Ok(result),
        }
    }

    /// Submits one command buffer.
    pub(super) fn submit(
        &self,
        record: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<(), EngineError> {
        let number = self.inner.submissions.fetch_add(1, Ordering::SeqCst);
        let fault = self
            .inner
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if fault.is_some_and(|f| f.loses_device(number)) {
            self.inner.device.destroy();
            // The callback is only run by a poll.
            let _ = self.inner.device.poll(wgpu::PollType::Poll);
            self.inner.is_lost.store(true, Ordering::SeqCst);
        }
        self.guarded(|device| {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
                label: Some("chiliad"),
            });
            record(&mut encoder);
            self.inner.queue.submit([encoder.finish()]);
        })
    }

    /// Waits for everything submitted, not for ever.
    pub(super) fn wait(&self) -> Result<(), EngineError> {
        let patience = if self.inner.info.device_type == wgpu::DeviceType::Cpu {
            SOFTWARE_PATIENCE
        } else {
            PATIENCE
        };
        let waited = self.inner.device.poll(wgpu::PollType::Wait {
            submission_index: None,
            timeout: Some(patience),
        });
        match waited {
            Ok(_) if !self.inner.is_lost.load(Ordering::SeqCst) => Ok(()),
            Ok(_) => Err(self.failure("lost while waiting".into())),
            Err(wgpu::PollError::Timeout) => Err(EngineError::DeviceLost {
                message: format!(
                    "{} did not answer within {} s",
                    self.inner.info.name,
                    patience.as_secs()
                ),
            }),
            Err(e) => Err(self.failure(e.to_string())),
        }
    }

    /// An error of this device: a loss if it is lost, else what happened.
    pub(super) fn failure(&self, message: String) -> EngineError {
        let reason = self
            .inner
            .lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if self.inner.is_lost.load(Ordering::SeqCst) {
            EngineError::DeviceLost {
                message: format!(
                    "{}: {} ({message})",
                    self.inner.info.name,
                    reason.unwrap_or_default().trim()
                ),
            }
        } else {
            EngineError::Device {
                message: format!("{}: {message}", self.inner.info.name),
            }
        }
    }
}
