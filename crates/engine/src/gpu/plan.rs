//! The memory plan: from shapes alone, before anything is allocated.

use super::geometry::Geometry;
use super::pace::RECORD_BYTES;
use crate::error::EngineError;

/// Bytes of a network's status: whether it is active, whether and when it diverged.
const STATUS_BYTES: usize = 16;

/// What a stage will hold on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Networks of the population.
    pub n_networks: usize,
    /// Tiles of trials per network.
    pub tiles: usize,
    /// Networks whose parameters share one binding.
    pub chunk: usize,
    /// Most (network, tile) pairs in flight: each owns a slot of history, reused wave after wave.
    pub slots: usize,
    /// Bytes of parameters, moments, weights, partial gradients, matrix programs, record and status per network.
    pub bytes_per_network: usize,
    /// Bytes of history per slot.
    pub bytes_per_slot: usize,
    /// Bytes in all, without the bank of trials.
    pub bytes: usize,
}

impl Plan {
    /// The plan of a stage over batches of `batch` trials of `n_steps` steps, under the limits of the device.
    pub fn new(
        geometry: &Geometry,
        n_networks: usize,
        batch: usize,
        n_steps: usize,
        limits: &wgpu::Limits,
    ) -> Result<Self, EngineError> {
        let binding = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size) as usize;
        let tiles = geometry.tiles(batch);
        let weights = geometry.weights * 16;
        let moments = geometry.params * 8;
        let partials = tiles * (geometry.params + 2) * 4;
        let bytes_per_slot = geometry.history(n_steps) * 16;
        let largest = weights
            .max(moments)
            .max(partials)
            .max(geometry.matrices.0 * 4)
            .max(geometry.forcing() * 4)
            .max(tiles * geometry.moments().0 * 4)
            .max(geometry.moments().1 * 4);
        let refuse = |what: String| EngineError::Unsupported {
            executor: "GPU",
            what,
            allowed: format!("a binding holds at most {binding} bytes on this device"),
        };
        if largest > binding {
            return Err(refuse(format!(
                "a network with {} parameters in {tiles} tiles of trials needs a binding of {largest} bytes",
                geometry.params
            )));
        }
        if bytes_per_slot > binding {
            return Err(refuse(format!(
                "{n_steps} time steps of {} units need {bytes_per_slot} bytes of history per tile of {} trials",
                geometry.units,
                geometry.tile()
            )));
        }
        // A dispatch has at most 65,535 rows.
        let chunk = (binding / largest).clamp(1, 65_535).min(n_networks.max(1));
        let slots = (binding / bytes_per_slot).min(chunk * tiles);
        let record = geometry.record_words * 4 + STATUS_BYTES;
        let held = geometry.params * 4 + moments + record;
        let measured = tiles * geometry.moments().0 + geometry.moments().1;
        let words = geometry.matrices.1 + 2 * geometry.forcing() + measured;
        let worked = weights + partials + words * 4;
        let bytes_per_network = held + worked;
        let bytes = RECORD_BYTES
            + geometry.sources.len() * 4
            + n_networks * held
            + chunk * worked
            + slots * bytes_per_slot;
        Ok(Self {
            n_networks,
            tiles,
            chunk,
            slots,
            bytes_per_network,
            bytes_per_slot,
            bytes,
        })
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "{} networks x {} tiles: {:.1} KiB per network, {:.1} KiB per slot, {} slots, {} networks per binding, {:.1} MiB in all",
            self.n_networks,
            self.tiles,
            1024.0 * mib(self.bytes_per_network),
            1024.0 * mib(self.bytes_per_slot),
            self.slots,
            self.chunk,
            mib(self.bytes)
        )
    }
}
