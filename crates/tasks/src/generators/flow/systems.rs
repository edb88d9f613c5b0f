//! Right-hand sides of known flows with their usual constants, and the Runge-Kutta step that follows them.

use serde::Deserialize;

/// A flow dx/dt = f(x). Constants are those of the literature named; where several are in use, of the collection dysts
/// (Gilpin 2021).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum System {
    /// Lorenz 1963: 10, 28, 8/3.
    Lorenz63,
    /// Lorenz 1996: 20 sites, forcing 8.
    Lorenz96,
    /// Roessler 1976: 0.2, 0.2, 5.7.
    Roessler,
    /// Roessler 1979, four dimensions, two growing directions.
    HyperRoessler,
    /// Chen and Ueta 1999: 35, 3, 28.
    Chen,
    /// Lu and Chen 2002: 36, 3, 20.
    Lu,
    /// Thomas 1999: 0.208186.
    Thomas,
    /// Halvorsen: 1.4 and 4.
    Halvorsen,
    /// Rucklidge 1992: 2, 6.7.
    Rucklidge,
    /// Sprott 1994, case B.
    SprottB,
    /// Sprott 1994, case E.
    SprottE,
    /// Rikitake 1958: 2, 5.
    Rikitake,
    /// Shimizu and Morioka 1980: 0.75, 0.45.
    ShimizuMorioka,
    /// Shaw 1981: 10, 4.272.
    BurkeShaw,
    /// Genesio and Tesi 1992: 0.44, 1.1, 1.
    GenesioTesi,
    /// Chua 1984: 15.6, 28, -8/7, -5/7.
    Chua,
    /// Hindmarsh and Rose 1984, bursting.
    HindmarshRose,
    /// Aizawa: 0.95, 0.7, 0.6, 3.5, 0.25, 0.1.
    Aizawa,
    /// Dadras and Momeni 2009: 3, 2.7, 1.7, 2, 9.
    Dadras,
    /// Van der Pol 1926: 1; a limit cycle, not chaos.
    VanDerPol,
}

const SITES: usize = 20;

impl System {
    /// Dimensions of its state.
    #[must_use]
    pub fn dimensions(self) -> usize {
        match self {
            Self::Lorenz96 => SITES,
            Self::HyperRoessler => 4,
            Self::VanDerPol => 2,
            _ => 3,
        }
    }

    /// A state from which it reaches its attractor.
    pub(super) fn start(self) -> Vec<f64> {
        match self {
            Self::Lorenz96 => (0..SITES).map(|k| 8.0 + 0.01 * k as f64).collect(),
            Self::HyperRoessler => vec![-10.0, -6.0, 0.0, 10.1],
            Self::VanDerPol => vec![1.0, 0.0],
            Self::Halvorsen => vec![-5.0, 0.5, 0.0],
            Self::Chua => vec![0.7, 0.0, 0.0],
            Self::Rucklidge => vec![1.0, 0.0, 4.5],
            Self::Roessler | Self::Dadras => vec![1.0, 1.0, 0.0],
            _ => vec![0.1, 0.2, 0.3],
        }
    }

    /// Longest Runge-Kutta step.
    fn longest(self) -> f64 {
        match self {
            Self::Chen | Self::Lu | Self::BurkeShaw => 0.002,
            Self::Lorenz63 | Self::Halvorsen | Self::Lorenz96 | Self::Dadras | Self::Chua => 0.005,
            _ => 0.02,
        }
    }

    /// Moves `x` on by `time` in equal fourth-order Runge-Kutta steps.
    pub(super) fn advance(self, x: &mut [f64], time: f64) {
        let steps = (time / self.longest()).ceil().max(1.0);
        let h = time / steps;
        let d = x.len();
        let mut slopes = [[0.0; SITES]; 4];
        let mut moved = [0.0; SITES];
        for _ in 0..steps as usize {
            for stage in 0..4 {
                let share = [0.0, 0.5, 0.5, 1.0][stage] * h;
                for k in 0..d {
                    let slope = if stage > 0 { slopes[stage - 1][k] } else { 0.0 };
                    moved[k] = x[k] + share * slope;
                }
                self.slope(&moved[..d], &mut slopes[stage]);
            }
            for k in 0..d {
                x[k] += h / 6.0
                    * (slopes[0][k] + 2.0 * slopes[1][k] + 2.0 * slopes[2][k] + slopes[3][k]);
            }
        }
    }

    fn slope(self, state: &[f64], out: &mut [f64; SITES]) {
        if self == Self::Lorenz96 {
            for k in 0..SITES {
                let at = |shift: usize| state[(k + SITES + shift - 2) % SITES];
                out[k] = (at(3) - at(0)) * at(1) - state[k] + 8.0;
            }
            return;
        }
        let at = |k: usize| state.get(k).copied().unwrap_or(0.0);
        let (x, y, z, w) = (at(0), at(1), at(2), at(3));
        let slope = match self {
            Self::Lorenz96 => [0.0; 4],
            Self::Lorenz63 => [
                10.0 * (y - x),
                x * (28.0 - z) - y,
                x * y - 8.0 / 3.0 * z,
                0.0,
            ],
            Self::Roessler => [-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7), 0.0],
            Self::HyperRoessler => [-y - z, x + 0.25 * y + w, 3.0 + x * z, -0.5 * z + 0.05 * w],
            Self::Chen => [
                35.0 * (y - x),
                (28.0 - 35.0) * x - x * z + 28.0 * y,
                x * y - 3.0 * z,
                0.0,
            ],
            Self::Lu => [36.0 * (y - x), -x * z + 20.0 * y, x * y - 3.0 * z, 0.0],
            Self::Thomas => {
                let b = 0.208_186;
                [y.sin() - b * x, z.sin() - b * y, x.sin() - b * z, 0.0]
            }
            Self::Halvorsen => {
                let turn = |a: f64, b: f64, c: f64| -1.4 * a - 4.0 * b - 4.0 * c - b * b;
                [turn(x, y, z), turn(y, z, x), turn(z, x, y), 0.0]
            }
            Self::Rucklidge => [-2.0 * x + 6.7 * y - y * z, x, -z + y * y, 0.0],
            Self::SprottB => [y * z, x - y, 1.0 - x * y, 0.0],
            Self::SprottE => [y * z, x * x - y, 1.0 - 4.0 * x, 0.0],
            Self::Rikitake => [-2.0 * x + z * y, -2.0 * y + x * (z - 5.0), 1.0 - x * y, 0.0],
            Self::ShimizuMorioka => [y, x - 0.75 * y - x * z, -0.45 * z + x * x, 0.0],
            Self::BurkeShaw => [
                -10.0 * (x + y),
                -y - 10.0 * x * z,
                10.0 * x * y + 4.272,
                0.0,
            ],
            Self::GenesioTesi => [y, z, -x - 1.1 * y - 0.44 * z + x * x, 0.0],
            Self::Chua => {
                let (inner, outer) = (-8.0 / 7.0, -5.0 / 7.0);
                let diode = outer * x + 0.5 * (inner - outer) * ((x + 1.0).abs() - (x - 1.0).abs());
                [15.6 * (y - x - diode), x - y + z, -28.0 * y, 0.0]
            }
            Self::HindmarshRose => [
                y - x * x * x + 3.0 * x * x - z + 3.2,
                1.0 - 5.0 * x * x - y,
                0.006 * (4.0 * (x + 1.6) - z),
                0.0,
            ],
            Self::Aizawa => [
                (z - 0.7) * x - 3.5 * y,
                3.5 * x + (z - 0.7) * y,
                0.6 + 0.95 * z - z * z * z / 3.0 - (x * x + y * y) * (1.0 + 0.25 * z)
                    + 0.1 * z * x * x * x,
                0.0,
            ],
            Self::Dadras => [
                y - 3.0 * x + 2.7 * y * z,
                1.7 * y - x * z + z,
                2.0 * x * y - 9.0 * z,
                0.0,
            ],
            Self::VanDerPol => [y, (1.0 - x * x) * y - x, 0.0, 0.0],
        };
        out[..4].copy_from_slice(&slope);
    }
}
