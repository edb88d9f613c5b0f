//! The report: one self-contained page, and its main figures as files.
//!
//! Data flows one way: [`ReportData`] (plain numbers, gathered by the run) -> sections -> one page. Nothing
//! here computes a scientific result beyond medians and counts of what it is given, so a report can be drawn
//! again from a saved [`ReportData`] alone. The page needs no network and follows the reader's light or dark
//! setting; every figure is SVG written here, and the same drawing serves page and file.

pub mod data;

mod alike;
mod decisions;
mod found;
mod graphs;
mod header;
mod learned;
mod look;
mod methods;
mod page;
mod palette;
mod robust;
mod scale;
mod shares;
mod strip;
mod summary;
mod svg;
mod text;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use data::ReportData;

/// The whole report as one HTML page that opens offline.
#[must_use]
pub fn render(data: &ReportData) -> String {
    let palette = palette::Palette::of(data);
    // In reading order.
    let sections = [
        header::section(data),
        learned::section(data, &palette),
        found::section(data, &palette),
        look::section(data, &palette),
        alike::section(data, &palette),
        alike::factor_section(data),
        robust::section(data),
        methods::section(data),
    ];
    page::assemble(data, &sections)
}

/// The main figures as stand-alone SVG files: `(file name, content)`, names unique.
#[must_use]
pub fn figures(data: &ReportData) -> Vec<(String, String)> {
    let palette = palette::Palette::of(data);
    let mut figures = vec![
        (
            "learning_curves".to_owned(),
            learned::figure(data, &palette),
        ),
        ("census_strip".to_owned(), strip::figure(data, &palette)),
        ("basin_shares".to_owned(), shares::figure(data, &palette)),
    ];
    figures.extend(decisions::figure(data, &palette).map(|f| ("psychometric".to_owned(), f)));
    figures.extend(graphs::figure(data).map(|f| ("topology_classes".to_owned(), f)));
    figures.extend(look::figures(data, &palette));
    figures.extend(alike::figures(data, &palette));
    figures
        .into_iter()
        .map(|(stem, svg)| (format!("{stem}.svg"), svg.stand_alone()))
        .collect()
}
