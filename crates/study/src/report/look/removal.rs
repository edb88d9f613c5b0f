//! Mode removal: the response that is left when only the slowest modes are kept, a line per network.

use super::super::data::{Look, ReportData};
use super::super::palette::Palette;
use super::super::scale::Scale;
use super::super::svg::{Plot, Svg, line_path, text};
use super::super::text::{count, escape};

const SIZE: (f64, f64) = (320.0, 240.0);
/// Drawn share of the full response; a curve beyond runs along the edge.
const SHARE: (f64, f64) = (-0.5, 2.0);
/// Modes drawn at most: what is left after twenty is seldom told apart from 1.
const MODES: usize = 20;

/// A panel per population, all on the same axes.
pub(super) fn block(data: &ReportData, palette: &Palette) -> String {
    let panels: String = data
        .looks
        .iter()
        .filter_map(|look| panel(data, palette, look))
        .map(|svg| svg.inline())
        .collect();
    let Some(horizon) = data
        .looks
        .iter()
        .find_map(|l| Some(l.removal.as_ref()?.horizon))
    else {
        return String::new();
    };
    format!(
        r#"<h3>How many modes integrate: the linear response when only the slowest are kept</h3><p class="caption">One unit of one input for {horizon} steps, read at one output (the pair that responds most), mean over the fixed and slow points where no mode grows tenfold in that time. Thin: a network; thick: their median; dashed: all modes. At 0 modes the direct effect of the last step is left; a complex pair comes as one. Horizon, averaging and choice of networks are defaults of this project.</p><div class="multiples">{panels}</div>"#
    )
}

/// One population, if it has curves.
pub(super) fn panel(data: &ReportData, palette: &Palette, look: &Look) -> Option<Svg> {
    let removal = look.removal.as_ref()?;
    let colour = palette.class(look.population);
    let title = data
        .populations
        .get(look.population)
        .map_or("Modes kept", |p| p.label.as_str());
    let [left, top, right, bottom] = Plot::area(SIZE);
    let longest = removal.curves.iter().map(|c| c.curve.len()).max();
    let last = longest.unwrap_or(1).saturating_sub(1).clamp(1, MODES);
    let x = Scale::linear((0.0, last as f64), (left, right));
    let y = Scale::linear(SHARE, (bottom, top));
    let mut plot = Plot::new(
        SIZE,
        title,
        (x, "modes kept K, slowest first"),
        (y, "response left, share of all modes"),
    );
    if let Some((_, one)) = plot.at(0.0, 1.0) {
        plot.draw(&format!(
            r#"<path class="rule" d="M{left} {one:.1}H{right}"/>"#
        ));
    }
    for of in &removal.curves {
        let places = of.curve.iter().take(last + 1).enumerate();
        let path = line_path(places.map(|(k, share)| plot.at(k as f64, *share)));
        let tip = format!(
            "network {}: input {} on, output {} read, mean of {}",
            of.network,
            of.channel + 1,
            of.output + 1,
            count(of.points, "point")
        );
        plot.draw(&format!(
            r#"<g class="{colour}"><path class="curve" data-tip="{}" d="{path}"/></g>"#,
            escape(&tip)
        ));
    }
    let median = (0..=last).map(|k| {
        let mut all: Vec<f64> = removal
            .curves
            .iter()
            .filter_map(|c| c.curve.get(k).copied())
            .filter(|share| share.is_finite())
            .collect();
        all.sort_by(f64::total_cmp);
        plot.at(k as f64, *all.get(all.len() / 2)?)
    });
    let path = line_path(median);
    plot.draw(&format!(r#"<path class="median" fill="none" d="{path}"/>"#));
    let mut note = if removal.curves.len() == removal.asked {
        count(removal.asked, "network")
    } else {
        format!(
            "{} of {}",
            removal.curves.len(),
            count(removal.asked, "network")
        )
    };
    if longest.is_some_and(|n| n > last + 1) {
        note += &format!(", first {last} of {} modes", longest.unwrap_or(1) - 1);
    }
    plot.draw(&text("note end", right, 15.0, &note));
    Some(plot.finish("Linear response left against the number of modes kept, a line per network"))
}
