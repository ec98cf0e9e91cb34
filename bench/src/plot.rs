//! A report as a picture: bars, nothing else.

use std::fmt::Write;

use crate::report::Report;
use crate::roof::Level;

/// Width of the picture in pixels.
const WIDTH: f64 = 900.0;
/// Where bars begin: left of it stand names.
const LEFT: f64 = 260.0;
/// Room to the right of the longest bar, for its number.
const RIGHT: f64 = 90.0;
/// Height of a bar with the gap below it.
const STEP: f64 = 18.0;
/// Height above the first bar.
const TOP: f64 = 64.0;

/// A bar.
struct Bar {
    name: String,
    value: f64,
    label: String,
    colour: &'static str,
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::L2 => "#9bb8d3",
        Level::L3 => "#3b6ea5",
        Level::Dram => "#1d3557",
    }
}

/// Text as it may stand in a document.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Bars with a title, a line below it, and a dashed line at `mark`.
fn bars(title: &str, subtitle: &str, bars: &[Bar], mark: Option<f64>) -> String {
    let most = bars.iter().map(|b| b.value).chain(mark).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let height = TOP + STEP * bars.len() as f64 + 16.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"16\" font-weight=\"bold\">{}</text>\n<text x=\"16\" y=\"44\" fill=\"#555\">{}</text>\n",
        escaped(title),
        escaped(subtitle)
    );
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + STEP * index as f64;
        let width = (bar.value * scale).max(1.0);
        // Writing into a string cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" \
             fill=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            LEFT - 8.0,
            y + 11.0,
            escaped(&bar.name),
            STEP - 5.0,
            bar.colour,
            LEFT + width + 6.0,
            y + 11.0,
            escaped(&bar.label)
        );
    }
    if let Some(mark) = mark {
        let x = LEFT + mark * scale;
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"#c0392b\" stroke-dasharray=\"4 3\"/>",
            TOP - 6.0,
            height - 12.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Every kernel's bytes a second as a share of what the level can be read with, one thread.
pub fn shares(report: &Report) -> String {
    let own = report.kernels.iter().filter(|m| m.threads == 1 && m.case.variant.is_some());
    let all: Vec<Bar> = own
        .filter_map(|m| {
            let share = report.share(m)?;
            let name = format!("{}, {}", m.case.name(), m.level.name());
            Some(Bar { name, value: share, label: format!("{:.0} %", 100.0 * share), colour: colour(m.level) })
        })
        .collect();
    let subtitle = format!("{}, commit {}; one thread; the dashed line is the roof", report.machine.cpu, report.machine.commit);
    bars("Weight bytes a second, as a share of the read roof (measured)", &subtitle, &all, Some(1.0))
}

/// Every kernel's products a second on a 4096 x 4096 matrix in L3, with the articles' loop and peers, one thread.
pub fn rates(report: &Report) -> String {
    let own = report.kernels.iter().filter(|m| m.threads == 1 && m.level == Level::L3);
    let mut all: Vec<Bar> = own
        .map(|m| {
            let colour = if m.case.variant.is_none() { "#c0392b" } else { colour(Level::L3) };
            Bar { name: m.case.name(), value: m.gmac_per_s, label: format!("{:.1}", m.gmac_per_s), colour }
        })
        .collect();
    let peers = report.peers.iter().filter(|p| p.threads == 1 && p.level == Level::L3.name());
    all.extend(peers.map(|p| Bar { name: p.name.clone(), value: p.gmac_per_s, label: format!("{:.1}", p.gmac_per_s), colour: "#8a8a8a" }));
    all.sort_by(|a, b| b.value.total_cmp(&a.value));
    let subtitle = format!("{}, commit {}; 4096 x 4096 weights in L3, one thread", report.machine.cpu, report.machine.commit);
    bars("10^9 multiplications with additions a second (measured)", &subtitle, &all, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_every_bar_is_drawn() {
        let two = [("a < b & c", 0.5), ("d", 2.0)].map(|(name, value)| Bar { name: name.into(), value, label: "x".into(), colour: "red" });
        let svg = bars("t", "s", &two, Some(1.0));
        assert!(svg.contains("a &lt; b &amp; c") && svg.matches("fill=\"red\"").count() == 2 && svg.contains("stroke-dasharray"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }
}
