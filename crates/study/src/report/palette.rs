//! Which colour class a population has: one palette for every panel of the page.

use super::data::ReportData;

/// Colour classes defined in `figure.css` (`c0` to `c7`), told apart with the common colour blindnesses.
const N_COLOURS: usize = 8;

/// Colour class by population: by cell where the study has several cells, else by population.
pub(super) struct Palette {
    /// By population.
    classes: Vec<String>,
    /// What each colour stands for: `(class, name)`.
    legend: Vec<(String, String)>,
}

impl Palette {
    /// The palette of a study.
    pub(super) fn of(data: &ReportData) -> Self {
        let by_cell = data
            .populations
            .iter()
            .any(|p| p.cell != data.populations[0].cell);
        let (mut classes, mut legend) = (Vec::new(), Vec::<(String, String)>::new());
        for population in &data.populations {
            let name = if by_cell {
                &population.cell
            } else {
                &population.label
            };
            let known = legend.iter().position(|(_, known)| known == name);
            let class = format!("c{}", known.unwrap_or(legend.len()) % N_COLOURS);
            if known.is_none() {
                legend.push((class.clone(), name.clone()));
            }
            classes.push(class);
        }
        Self { classes, legend }
    }

    /// CSS class of a population.
    pub(super) fn class(&self, population: usize) -> &str {
        self.classes.get(population).map_or("c0", String::as_str)
    }

    /// What each colour stands for: `(class, name)`, in the order of the study.
    pub(super) fn legend(&self) -> &[(String, String)] {
        &self.legend
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
