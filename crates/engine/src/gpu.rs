//! The GPU executor: the only place that names wgpu.
//!
//! In data-flow order: `device` opens an adapter, `geometry` turns an architecture into shapes, `pointwise` and
//! `cell_text` write the cell's part of a kernel, `link` and `kernels` concatenate the rest, `reflect` reads back what a kernel
//! binds and refuses what is above the limits, `kernel` and `buffer` hold what is on the device, `plan` and `pace` say how much
//! of a population runs at once, `fleet` is a population on the device, `dimension` measures a batch before it goes backward,
//! `session` trains the population (`anneal` moves its forcing), `execute` does the rest.

mod anneal;
mod buffer;
mod cell_text;
mod descend;
mod device;
mod dimension;
mod execute;
mod fleet;
mod geometry;
mod kernel;
mod kernels;
mod linear_text;
mod link;
mod lyapunov;
mod matrices;
mod pace;
mod plan;
mod pointwise;
mod record;
mod reflect;
mod session;
mod teacher;
mod turns;

pub use buffer::Buffer;
pub use cell_text::cell_text;
pub use descend::{DescendOptions, Descent};
pub use device::{Choice, Fault, Gpu, LimitsChoice, Listed, Stats, list, may_have_real_gpu};
pub use execute::{GpuExecutor, SUBMISSION_SECS};
pub use fleet::NOISE;
pub use geometry::Geometry;
pub use kernel::{Bound, Kernel, Named};
pub use kernels::{Stage, Variant, link, link_plain};
pub use link::{Linked, Piece};
pub use pace::Pacer;
pub use plan::Plan;
pub use reflect::{Access, Reflection, Slot};
pub use session::GpuTraining;
