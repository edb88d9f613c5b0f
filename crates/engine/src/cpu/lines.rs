//! Numbers that begin on a cache line: a 64-byte register that straddles two lines costs two reads.

use super::product::LANES;
use std::ops::{Deref, DerefMut};

/// One cache line.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// A slice of f32 that begins on a cache line; the length is rounded up to whole lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Vec<Line>);

impl Lines {
    /// At least `len` values.
    pub(crate) fn filled(value: f32, len: usize) -> Self {
        Self(vec![Line([value; LANES]); len.div_ceil(LANES)])
    }

    /// At least `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self::filled(0.0, len)
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}
