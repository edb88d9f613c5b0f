//! Which SIMD instructions the native executor uses: detected at run time, or forced by a test.

use pulp::{Arch, Simd, WithSimd};

/// A SIMD level of this processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Level {
    /// The widest that is there.
    #[default]
    Detected,
    /// AVX2 and FMA on x86-64, whatever else is there; detected elsewhere.
    Narrow,
    /// No SIMD.
    Scalar,
}

struct Name;

impl WithSimd for Name {
    type Output = String;

    fn with_simd<S: Simd>(self, _: S) -> String {
        let name = std::any::type_name::<S>()
            .rsplit("::")
            .next()
            .unwrap_or_default();
        let name = match name {
            "V4" => "AVX-512",
            "V3" => "AVX2 + FMA",
            other => other,
        };
        format!("{name}, {} lanes of f32", S::F32_LANES)
    }
}

impl Level {
    /// For people: the instruction set and its width.
    pub fn describe(self) -> String {
        self.dispatch(Name)
    }

    /// Runs an operation with this level's instructions.
    #[inline(always)]
    pub fn dispatch<Op: WithSimd>(self, operation: Op) -> Op::Output {
        match self {
            Self::Detected => Arch::new().dispatch(operation),
            Self::Narrow => narrow(operation),
            Self::Scalar => operation.with_simd(pulp::Scalar::new()),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn narrow<Op: WithSimd>(operation: Op) -> Op::Output {
    match pulp::x86::V3::try_new() {
        Some(simd) => Simd::vectorize(simd, operation),
        None => Arch::new().dispatch(operation),
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn narrow<Op: WithSimd>(operation: Op) -> Op::Output {
    Arch::new().dispatch(operation)
}
