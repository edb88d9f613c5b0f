//! How it was done: a paragraph to paste, every constant, versions and hashes, and how to open the tables.

use super::data::{Constant, ReportData};
use super::text::escape;

/// The end of the page.
pub(super) fn section(data: &ReportData) -> String {
    let methods = &data.methods;
    let mut html = r#"<section id="methods"><h2>Methods</h2>"#.to_owned();
    if !methods.paragraphs.is_empty() {
        let paragraphs: String = methods
            .paragraphs
            .iter()
            .map(|p| format!("<p>{}</p>", escape(p)))
            .collect();
        html += &format!(
            r#"<p class="caption">Generated from the resolved study; ready to paste. <button data-copy="methods-text" hidden>Copy</button></p><div class="paper-text" id="methods-text">{paragraphs}</div>"#
        );
    }
    if !methods.constants.is_empty() {
        html += &format!(
            r#"<h3>Constants</h3><div class="scroll"><table><thead><tr><th>name</th><th>value</th><th>set by</th></tr></thead><tbody>{}</tbody></table></div>"#,
            methods.constants.iter().map(constant).collect::<String>()
        );
    }
    if !methods.provenance.is_empty() {
        let row = |(name, value): &(String, String)| {
            format!(
                r#"<tr><td class="keep">{}</td><td class="wrap">{}</td></tr>"#,
                escape(name),
                escape(value)
            )
        };
        html += &format!(
            r#"<h3>Versions, device, seeds, hashes</h3><div class="scroll"><table><tbody>{}</tbody></table></div>"#,
            methods.provenance.iter().map(row).collect::<String>()
        );
    }
    if !methods.load_tables.is_empty() {
        html += &format!(
            "<h3>Load the tables</h3><pre><code>{}</code></pre>",
            escape(&methods.load_tables)
        );
    }
    html + "</section>"
}

fn constant(constant: &Constant) -> String {
    let set_by = if constant.project_default {
        r#"<span class="default">project default</span>"#
    } else {
        "study file"
    };
    format!(
        "<tr><td>{}</td><td>{}</td><td>{set_by}</td></tr>",
        escape(&constant.name),
        escape(&constant.value)
    )
}
