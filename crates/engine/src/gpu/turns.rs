//! How often an invocation turns its loops: Mesa's software adapter ends them, without a word, once all of them together have
//! turned 65,535 times (`LP_MAX_TGSI_LOOP_ITERATIONS` in its source).

use super::geometry::Geometry;

/// Turns that a software adapter makes.
pub(super) const MOST_TURNS: usize = 65_535;

impl Geometry {
    /// Turns of all loops in an invocation of the forward pass, and of the backward pass where there is one, over trials of
    /// `n_steps` steps; a little too many rather than too few.
    pub(super) fn turns(&self, n_steps: usize) -> usize {
        let (units, outputs) = (self.units, self.outputs);
        // Every recurrent product goes along all units.
        let pass = n_steps * (self.products * units + outputs + 8);
        if !self.backward {
            return pass;
        }
        let lanes = self.unit_quads * self.trial_quads;
        let along = n_steps * (1 + self.trial_quads) + 20;
        let rounds = |items: usize| items.div_ceil(lanes) * along;
        let recurrent = self.products * rounds(self.unit_quads * self.unit_quads);
        let input = self.products.max(1) * rounds(self.unit_quads * (self.inputs + 1));
        2 * pass + recurrent + input + rounds(outputs * (self.unit_quads + 1))
    }
}
