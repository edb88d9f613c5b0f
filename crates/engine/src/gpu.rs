//! The GPU executor: the only place that names wgpu.
//!
//! In data-flow order: `device` opens an adapter, `geometry` turns an architecture into shapes, `pointwise` and
//! `cell_text` write the cell's part of a kernel, `link` and `kernels` concatenate the rest, `reflect` reads back what a kernel
//! binds and refuses what is above the limits, `kernel` and `buffer` hold what is on the device.

mod buffer;
mod cell_text;
mod device;
mod geometry;
mod kernel;
mod kernels;
mod link;
mod pointwise;
mod reflect;

pub use buffer::Buffer;
pub use cell_text::cell_text;
pub use device::{Choice, Fault, Gpu, LimitsChoice, Listed, Stats, list};
pub use geometry::Geometry;
pub use kernel::{Bound, Kernel, Named};
pub use kernels::{Stage, link, link_plain};
pub use link::{Linked, Piece};
pub use reflect::{Access, Reflection, Slot};
