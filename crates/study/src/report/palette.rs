//! Which colour class a population has: one palette for every panel of the page.

use super::data::ReportData;

/// Colour classes defined in `figure.css` (`c0` to `c7`), told apart with the common colour blindnesses.
const N_COLOURS: usize = 8;

/// Colour class by population: by cell where the study has several cells, else by population.
pub(super) struct Palette {
    classes: Vec<String>,
}

impl Palette {
    /// The palette of a study.
    pub(super) fn of(data: &ReportData) -> Self {
        let mut cells: Vec<&str> = Vec::new();
        for population in &data.populations {
            if !cells.contains(&population.cell.as_str()) {
                cells.push(&population.cell);
            }
        }
        let colour = |(p, cell): (usize, &str)| {
            let by_cell = cells.iter().position(|c| *c == cell).unwrap_or(p);
            format!("c{}", if cells.len() > 1 { by_cell } else { p } % N_COLOURS)
        };
        Self {
            classes: data
                .populations
                .iter()
                .map(|p| p.cell.as_str())
                .enumerate()
                .map(colour)
                .collect(),
        }
    }

    /// CSS class of a population.
    pub(super) fn class(&self, population: usize) -> &str {
        self.classes.get(population).map_or("c0", String::as_str)
    }
}

/// CSS class of a fixed point by its unstable directions: `u0` to `u4`, the last for four and more.
pub(super) fn unstable_class(unstable: usize) -> String {
    format!("u{}", unstable.min(4))
}

/// "0", "1", "2", "3", "4+".
pub(super) fn unstable_name(unstable: usize) -> &'static str {
    ["0", "1", "2", "3", "4+"][unstable.min(4)]
}
