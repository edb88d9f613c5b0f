//! Mode removal: the response that is left when only the slowest modes are kept, a line per network.

use super::super::data::Look;
use super::super::scale::Scale;
use super::super::svg::{Plot, Svg, line_path, text};
use super::super::text::{count, escape};

const SIZE: (f64, f64) = (480.0, 260.0);
/// Drawn share of the full response; a curve beyond runs along the edge.
const SHARE: (f64, f64) = (-0.5, 2.0);
/// Modes drawn at most: what is left after twenty is seldom told apart from 1.
const MODES: usize = 20;

/// One panel, or none.
pub(super) fn panels(look: &Look, colour: &str) -> Vec<Svg> {
    let Some(removal) = &look.removal else {
        return Vec::new();
    };
    let [left, top, right, bottom] = Plot::area(SIZE);
    let longest = removal.curves.iter().map(|c| c.curve.len()).max();
    let last = longest.unwrap_or(1).saturating_sub(1).clamp(1, MODES);
    let x = Scale::linear((0.0, last as f64), (left, right));
    let y = Scale::linear(SHARE, (bottom, top));
    let mut plot = Plot::new(
        SIZE,
        "Modes kept",
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
    if longest.is_some_and(|n| n > last + 1) {
        let all = longest.unwrap_or(1) - 1;
        plot.draw(&text(
            "note end",
            right,
            15.0,
            &format!("first {last} of {all} modes"),
        ));
    }
    vec![plot.finish("Linear response left against the number of modes kept, a line per network")]
}

/// What is drawn, in words.
pub(super) fn caption(look: &Look) -> String {
    look.removal.as_ref().map_or_else(String::new, |removal| {
        format!(
            "One unit of one input for {} steps, read at one output (the pair that responds most), mean over the points where no mode grows tenfold in that time. {} of this population, thin: each; thick: median. 1 is the whole linear system; 0 modes leave the direct effect of the last step. Horizon and averaging are defaults of this project.",
            removal.horizon,
            if removal.curves.len() == removal.asked {
                count(removal.asked, "network")
            } else {
                format!("{} of {}", removal.curves.len(), count(removal.asked, "network"))
            }
        )
    })
}
