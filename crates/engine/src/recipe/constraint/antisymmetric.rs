//! Antisymmetric recurrent weights: `W = A - A^T`, every entry of A a parameter (Chang et al. 2019).

use std::ops::Range;

/// Which networks have them, and where a network's recurrent matrices lie.
#[derive(Clone, Debug)]
pub(super) struct Antisymmetric {
    networks: Vec<bool>,
    units: usize,
    matrices: Vec<Range<usize>>,
}

impl Antisymmetric {
    pub(super) fn new(networks: &[bool], units: usize, matrices: Vec<Range<usize>>) -> Self {
        Self {
            networks: networks.to_vec(),
            units,
            matrices,
        }
    }

    pub(super) fn has(&self, network: usize) -> bool {
        self.networks[network]
    }

    /// W to A = W / 2: the weights begin as the antisymmetric matrix nearest to W, which W is if it is antisymmetric.
    pub(super) fn halve(&self, network: usize, params: &mut [f32]) {
        for matrix in self.of(network) {
            params[matrix].iter_mut().for_each(|w| *w *= 0.5);
        }
    }

    /// A to A - A^T; applied to dL/dW it gives dL/dA, for the map is its own adjoint.
    pub(super) fn minus_transpose(&self, network: usize, params: &mut [f32]) {
        let n = self.units;
        for matrix in self.of(network) {
            let values = &mut params[matrix];
            for i in 0..n {
                values[i * n + i] = 0.0;
                for j in 0..i {
                    let difference = values[i * n + j] - values[j * n + i];
                    values[i * n + j] = difference;
                    values[j * n + i] = -difference;
                }
            }
        }
    }

    fn of(&self, network: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let wanted = self.networks[network];
        self.matrices.iter().filter(move |_| wanted).cloned()
    }
}
