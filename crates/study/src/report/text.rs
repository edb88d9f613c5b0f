//! Text that is safe in a page, and numbers as a reader wants them.

use serde::Serialize;

/// Escapes text for HTML and SVG, both between tags and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML forbids most control characters even escaped; a stand-alone SVG would not open.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// JSON that may stand inside a `<script>` block: no character in it can end the block or open a comment.
pub(super) fn script_json<T: Serialize>(value: &T) -> String {
    // Only maps with keys that are no strings can fail, and the page's data has none.
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// Three significant digits; a dash for what is not a number.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    if x.is_nan() {
        "–".to_owned()
    } else if x.is_infinite() {
        if x > 0.0 { "∞" } else { "−∞" }.to_owned()
    } else if size < 1e-12 {
        "0".to_owned()
    } else if !(1e-4..1e5).contains(&size) {
        let text = format!("{x:.1e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{} × 10{}", digits.replace('-', "−"), superscript(exponent))
    } else if size >= 100.0 {
        format!("{x:.0}").replace('-', "−")
    } else {
        let before_point = size.log10().floor();
        let decimals = (2.0 - before_point).clamp(0.0, 6.0) as usize;
        let text = format!("{x:.decimals$}");
        text.trim_end_matches('0')
            .trim_end_matches('.')
            .replace('-', "−")
    }
}

/// An integer exponent in raised digits.
pub(super) fn superscript(exponent: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    exponent
        .chars()
        .filter_map(|c| {
            if c == '-' {
                Some('⁻')
            } else {
                RAISED.get(c.to_digit(10)? as usize).copied()
            }
        })
        .collect()
}

/// A share as a percentage.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.0} %", share * 100.0)
    } else {
        "–".to_owned()
    }
}

/// "1 network", "3 networks".
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}
