//! Weights and arrays of all parts in the order of the whole.

use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::tables::Table;
use chiliad_engine::files::own;
use chiliad_engine::population::Population;
use chiliad_tasks::{NpzArray, read_npz};

/// Networks of all parts in the order of the population.
pub(super) fn join(parts: &[&StudyFolder], networks: &[Table], path: &str) -> Result<Population> {
    let mut joined: Option<Population> = None;
    let mut order = Vec::new();
    for (part, table) in parts.iter().zip(networks) {
        part.read(path)?;
        // A part may hold no network of a small population.
        if table.integer("network").is_empty() {
            continue;
        }
        let population = own::load(&part.root.join(path))?;
        order.extend(table.integer("network").iter().copied());
        match &mut joined {
            None => joined = Some(population),
            Some(joined) => {
                joined.n_networks += population.n_networks;
                joined.params.extend(population.params);
                joined.constants.extend(population.constants);
                joined.seeds.extend(population.seeds);
            }
        }
    }
    let mut by_index: Vec<usize> = (0..order.len()).collect();
    by_index.sort_by_key(|&i| order[i]);
    joined
        .map(|j| j.select(&by_index))
        .ok_or_else(|| StudyError::Input("nothing to merge".into()))
}

/// Rows of the arrays in the order of the merged table.
pub(super) fn join_arrays(
    parts: &[StudyFolder],
    rows: &[Table],
    path: &str,
) -> Result<Vec<(&'static str, NpzArray)>> {
    let mut order = Vec::new();
    let mut arrays = Vec::new();
    for (t, (part, table)) in parts.iter().zip(rows).enumerate() {
        part.read(path)?;
        arrays.push(read_npz(part.root.join(path))?);
        order.extend(
            table
                .integer("network")
                .iter()
                .enumerate()
                .map(|(row, network)| (*network, t, row)),
        );
    }
    order.sort_unstable();
    let one = |name: &'static str| {
        let mut shape = arrays
            .iter()
            .find_map(|a| a.get(name))
            .map_or_else(Vec::new, |a| a.shape.clone());
        let width: usize = shape.iter().skip(1).product();
        let values: Vec<Vec<f64>> = arrays
            .iter()
            .map(|a| a.get(name).map_or_else(Vec::new, NpzArray::to_f64))
            .collect();
        let data = order
            .iter()
            .flat_map(|&(_, t, row)| values[t].get(row * width..(row + 1) * width).unwrap_or(&[]))
            .copied()
            .collect();
        if let Some(rows) = shape.first_mut() {
            *rows = order.len();
        }
        (name, NpzArray::f64(&shape, data))
    };
    Ok(vec![one("state"), one("eigenvalues"), one("seed")])
}
