//! The picture: what compiled and interpreted reach, with native as the measure of all bars.

use crate::{report::Report, rows, subject::Subject};

const ROWS: [&str; 8] =
    ["livez", "get_order", "list_5", "create_one", "bulk_1k", "bulk_100k", "list_1m", "p99_get_order"];
const BAR: f64 = 400.0; // of native
const LEFT: f64 = 340.0;

/// Draws the rows that were measured.
pub fn draw(report: &Report) -> String {
    let mut body = String::new();
    let mut top = 64.0;
    for row in ROWS {
        let figures = report.figures(row);
        let Some(native) = figures.native else { continue };
        body += &text(LEFT - 12.0, top + 15.0, "end", "label", &rows::title(row));
        for (subject, value) in [(Subject::Compiled, figures.compiled), (Subject::Interpreted, figures.interpreted)] {
            let Some(value) = value else { continue };
            // Speed: where less is better, native's figure is divided by the other one.
            let speed = if rows::more_is_better(row) { value / native } else { native / value };
            let width = (speed * BAR).min(BAR * 1.25);
            body += &format!(
                "<rect class=\"{}\" x=\"{LEFT}\" y=\"{top}\" width=\"{width:.0}\" height=\"12\" rx=\"2\"/>\n",
                subject.name()
            );
            body += &text(LEFT + width + 6.0, top + 10.5, "start", "value", &format!("{speed:.2}"));
            top += 14.0;
        }
        top += 12.0;
    }
    let legend =
        [(Subject::Compiled, "WasmEdge, compiled", 0.0), (Subject::Interpreted, "WasmEdge, interpreted", 170.0)];
    let legend: String = legend
        .iter()
        .map(|(subject, name, x)| {
            format!(
                "<rect class=\"{}\" x=\"{}\" y=\"20\" width=\"12\" height=\"12\" rx=\"2\"/>\n",
                subject.name(),
                LEFT + x
            ) + &text(LEFT + x + 18.0, 30.5, "start", "label", name)
        })
        .collect();
    let (width, height, line) = (LEFT + BAR * 1.25 + 50.0, top + 12.0, LEFT + BAR);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>Speed on WasmEdge as a part of the native build's</title>
<style>
  svg {{ background: #fff; font-family: system-ui, sans-serif; font-size: 13px }}
  .label {{ fill: #222 }} .value {{ fill: #555; font-size: 11px; stroke: #fff; stroke-width: 4px; paint-order: stroke }}
  .compiled {{ fill: #3b6fb6 }} .interpreted {{ fill: #c9b458 }} .native {{ stroke: #222; stroke-dasharray: 3 3 }}
</style>
{legend}{}<line class="native" x1="{line}" x2="{line}" y1="56" y2="{}"/>
{body}</svg>
"#,
        text(line, 50.0, "middle", "label", "native = 1"),
        top - 4.0,
    )
}

fn text(x: f64, y: f64, anchor: &str, class: &str, content: &str) -> String {
    let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('`', "");
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{content}</text>\n")
}
