//! Fixed points read back from the files of a search, for commands that start from them.

use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::points::CensusFile;
use crate::study::PopulationPlan;
use crate::tables::Table;
use chiliad_engine::fixed_points::FixedPoints;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use chiliad_tasks::{NpzArray, read_npz};
use std::path::Path;

/// One fixed or slow point.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownPoint {
    /// Index among the points of its network and condition.
    pub point: usize,
    /// `fixed` or `slow`.
    pub kind: String,
    /// Largest modulus of an eigenvalue.
    pub radius: f64,
    /// `[field, unit]`
    pub state: Vec<f64>,
}

/// The points of one network at one constant input.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownPoints {
    /// Place of the network in the population.
    pub network: usize,
    /// Index of the condition.
    pub condition: usize,
    /// `[channel]`
    pub input: Vec<f32>,
    /// In the order of the file.
    pub points: Vec<KnownPoint>,
}

impl KnownPoints {
    /// What a search just found, network by network.
    #[must_use]
    pub fn of(found: &[Vec<FixedPoints>]) -> Vec<Self> {
        let one = |(network, (condition, f)): (usize, (usize, &FixedPoints))| {
            let fixed = f
                .points
                .iter()
                .map(|p| ("fixed", p.spectrum.radius, &p.state));
            let slow = f.slow.iter().map(|p| ("slow", p.spectrum.radius, &p.state));
            Self {
                network,
                condition,
                input: f.input.clone(),
                points: fixed
                    .chain(slow)
                    .enumerate()
                    .map(|(point, (kind, radius, state))| KnownPoint {
                        point,
                        kind: kind.into(),
                        radius,
                        state: state.clone(),
                    })
                    .collect(),
            }
        };
        found
            .iter()
            .enumerate()
            .flat_map(|(n, conditions)| conditions.iter().enumerate().map(move |c| (n, c)))
            .map(one)
            .collect()
    }

    /// The points of a population of a study, verified; none where the study did not look for them.
    ///
    /// # Errors
    ///
    /// Those of [`KnownPoints::read`], and [`StudyError::Damaged`] where a file has changed.
    pub fn of_study(
        folder: &StudyFolder,
        plan: &PopulationPlan,
        population: &Population,
    ) -> Result<Vec<Self>> {
        let own = format!("populations/{}", plan.label);
        let files = ["fixed_points.npz", "fixed_points.parquet", "census.json"]
            .map(|file| format!("{own}/{file}"));
        if files.iter().any(|f| !folder.manifest.files.contains_key(f)) {
            return Ok(Vec::new());
        }
        for file in &files {
            folder.read(file)?;
        }
        Self::read(&folder.root.join(own), population)
    }

    /// As [`KnownPoints::read`], points of another population refused.
    ///
    /// # Errors
    ///
    /// Those of [`KnownPoints::read`], and [`StudyError::Input`] where a fixed point does not rest in this population.
    pub fn load(folder: &Path, population: &Population) -> Result<Vec<Self>> {
        let all = Self::read(folder, population)?;
        for known in &all {
            known.check(population, folder)?;
        }
        Ok(all)
    }

    /// The points in a folder that `chiliad fixed-points` or a study wrote (`fixed_points.parquet`, `fixed_points.npz`,
    /// `census.json`), in the order of network and condition.
    ///
    /// # Errors
    ///
    /// [`StudyError::Read`], [`StudyError::Damaged`], and [`StudyError::Input`] where the states are of another size.
    pub fn read(folder: &Path, population: &Population) -> Result<Vec<Self>> {
        let [parquet, npz, census] =
            ["fixed_points.parquet", "fixed_points.npz", "census.json"].map(|f| folder.join(f));
        let table = Table::from_bytes(crate::folder::read(&parquet)?, &parquet)?;
        let file: CensusFile =
            serde_json::from_slice(&crate::folder::read(&census)?).map_err(|e| {
                StudyError::Damaged {
                    file: census.clone(),
                    message: e.to_string(),
                }
            })?;
        let state = read_npz(&npz)?.remove("state");
        let rows = state.as_ref().map_or(0, |s| s.shape[0]);
        let n_state = population.architecture.cell.states.len() * population.architecture.units;
        let damaged = |message: String| StudyError::Damaged {
            file: npz.clone(),
            message,
        };
        let columns = [
            table.integer("network"),
            table.integer("condition"),
            table.integer("point"),
        ];
        let (kinds, radii) = (table.words("kind"), table.number("spectral_radius"));
        if columns.iter().any(|c| c.len() != rows) || kinds.len() != rows || radii.len() != rows {
            return Err(damaged(format!(
                "array `state` has {rows} rows, {} has {} with network, condition, point, kind and spectral_radius",
                parquet.display(),
                table.n_rows()
            )));
        }
        if rows > 0
            && state
                .as_ref()
                .is_some_and(|s| s.shape[..] != [rows, n_state])
        {
            return Err(StudyError::Input(format!(
                "{}: array `state` has shape {:?}, expected [point, {n_state}] for networks of this population",
                npz.display(),
                state.map_or_else(Vec::new, |s| s.shape)
            )));
        }
        let values = state.as_ref().map_or_else(Vec::new, NpzArray::to_f64);
        let mut all: Vec<Self> = file
            .networks
            .into_iter()
            .flat_map(|n| {
                let network = n.network;
                n.conditions.into_iter().map(move |c| Self {
                    network,
                    condition: c.condition,
                    input: c.input,
                    points: Vec::new(),
                })
            })
            .collect();
        for row in 0..rows {
            let [network, condition, point] = columns.map(|c| usize::try_from(c[row]).ok());
            let of = all
                .iter_mut()
                .find(|k| (Some(k.network), Some(k.condition)) == (network, condition))
                .ok_or_else(|| {
                    damaged(format!(
                        "row {row} is of a network or condition that census.json lacks"
                    ))
                })?;
            of.points.push(KnownPoint {
                point: point.unwrap_or(row),
                kind: kinds[row].clone(),
                radius: radii[row],
                state: values[row * n_state..][..n_state].to_vec(),
            });
        }
        Ok(all)
    }

    /// That the network is there, and that its fixed points rest.
    fn check(&self, population: &Population, folder: &Path) -> Result<()> {
        let foreign = |what: String| {
            StudyError::Input(format!(
                "{}: {what}: the points are of another population",
                folder.display()
            ))
        };
        if self.network >= population.n_networks {
            return Err(foreign(format!(
                "network {} of {}",
                self.network, population.n_networks
            )));
        }
        if self.input.len() != population.architecture.inputs {
            return Err(foreign(format!("{} input channels", self.input.len())));
        }
        let map = Map::new(population, self.network, &self.input)?;
        let mut scratch = map.scratch();
        let mut moved = vec![0.0; map.n_state()];
        for point in self.points.iter().filter(|p| p.kind == "fixed") {
            map.residual(&mut scratch, &point.state, &mut moved);
            let size = |x: &[f64]| x.iter().map(|a| a * a).sum::<f64>().sqrt();
            let speed = size(&moved);
            if speed.is_nan() || speed > RESTS * (1.0 + size(&point.state)) {
                return Err(foreign(format!(
                    "point {} of network {} moves by {speed:.2e} in a step",
                    point.point, self.network
                )));
            }
        }
        Ok(())
    }
}

/// Largest speed of a fixed point, beside the size of its state: far above what a search leaves, far below what a state of
/// another network shows.
const RESTS: f64 = 1e-6;
