//! The plot of a report: perplexity, and the error of outputs, by bits per weight.

use super::{Report, Row};
use crate::error::ConvertError;
use plotters::coord::Shift;
use plotters::element::ComposedElement;
use plotters::prelude::*;

const SIZE: (u32, u32) = (960, 420);
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);
const POINT: RGBColor = RGBColor(31, 97, 164);
const SOURCE: RGBColor = RGBColor(176, 64, 32);
/// Columns of the plot, in bits per weight, that are kept free for names to the right of the last point.
const ROOM_FOR_NAMES: f64 = 0.9;

type Area<'s> = DrawingArea<SVGBackend<'s>, Shift>;
type Point<'s> = ComposedElement<(f64, f64), SVGBackend<'s>, Circle<(i32, i32), i32>, Text<'static, (i32, i32), String>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl Report {
    /// The report's plot as an SVG: to the left perplexity, with the source's own as a line; to the right the error of
    /// outputs, in powers of ten.
    ///
    /// # Errors
    /// What the drawing says: numbers that are none.
    pub fn svg(&self) -> Result<String, ConvertError> {
        let mut svg = String::new();
        draw(self, SVGBackend::with_string(&mut svg, SIZE)).map_err(|error| ConvertError::Plot { reason: error.to_string() })?;
        Ok(svg)
    }
}

fn draw(report: &Report, backend: SVGBackend<'_>) -> Drawn {
    let root = backend.into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(SIZE.0 / 2);
    let fitted: Vec<&Row> = report.rows.iter().filter(|row| row.errors.is_some()).collect();
    let bits = fitted.iter().map(|row| row.bits_per_weight);
    let (first, last) = bits.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), bits| (low.min(bits), high.max(bits)));
    let bits = if fitted.is_empty() { 0.0..32.0 } else { (first - 0.4).max(0.0)..last + ROOM_FOR_NAMES };
    perplexities(report, &fitted, bits.clone(), &left)?;
    errors(&fitted, bits, &right)?;
    root.present()
}

fn perplexities(report: &Report, fitted: &[&Row], bits: std::ops::Range<f64>, area: &Area<'_>) -> Drawn {
    let source = report.source_perplexity();
    let most = fitted.iter().map(|row| row.evaluation.perplexity()).fold(source, f64::max);
    // A little room above and below, even if all are one.
    let room = (most - source).max(source * 0.05) * 0.12;
    let mut chart = ChartBuilder::on(area)
        .caption("Perplexity of a held-out text", (FONT, 16).into_font().color(&INK))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(56)
        .build_cartesian_2d(bits.clone(), source - room..most + room)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("bits per weight").y_desc("perplexity per token").axis_style(INK).bold_line_style(GRID).light_line_style(TRANSPARENT);
    mesh.label_style((FONT, 13).into_font().color(&INK)).x_labels(8).y_labels(8).draw()?;
    chart.draw_series(DashedLineSeries::new([(bits.start, source), (bits.end, source)], 6, 4, SOURCE.stroke_width(1)))?;
    let style = (FONT, 13).into_font().color(&SOURCE);
    chart.draw_series([EmptyElement::at((bits.start, source)) + Text::new(format!("the source's: {source:.2}"), (6, -16), style)])?;
    chart.draw_series(fitted.iter().map(|row| {
        let perplexity = row.evaluation.perplexity();
        point(row.bits_per_weight, perplexity, format!("{} {perplexity:.2}", row.name))
    }))?;
    Ok(())
}

fn errors(fitted: &[&Row], bits: std::ops::Range<f64>, area: &Area<'_>) -> Drawn {
    let outputs = |row: &Row| row.errors.as_ref().map_or(0.0, |errors| errors.outputs).max(1e-9);
    let least = fitted.iter().map(|row| outputs(row)).fold(0.1, f64::min);
    let most = fitted.iter().map(|row| outputs(row)).fold(least, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("Relative error of what layers give", (FONT, 16).into_font().color(&INK))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(56)
        .build_cartesian_2d(bits, (least / 2.0..most * 2.0).log_scale())?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("bits per weight").y_desc("root of the mean square").axis_style(INK).bold_line_style(GRID).light_line_style(TRANSPARENT);
    mesh.label_style((FONT, 13).into_font().color(&INK))
        .x_labels(8)
        .y_labels(8)
        .y_label_formatter(&|value| format!("{value:.3}"))
        .draw()?;
    chart.draw_series(fitted.iter().map(|row| point(row.bits_per_weight, outputs(row), format!("{} {:.4}", row.name, outputs(row)))))?;
    Ok(())
}

/// A point and what it is called.
fn point<'s>(x: f64, y: f64, name: String) -> Point<'s> {
    let style = (FONT, 13).into_font().color(&INK);
    EmptyElement::at((x, y)) + Circle::new((0, 0), 4, POINT.filled()) + Text::new(name, (8, -6), style)
}

#[cfg(test)]
mod tests {
    use crate::report::text::tests::sample;

    #[test]
    fn every_form_stands_in_both_halves_of_the_plot_and_the_source_is_a_line() {
        let svg = sample().svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["k2 19.70", "k3 16.22", "the source&apos;s: 16.00", "k2 0.0900", "k3 0.0200", "bits per weight"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
        let mut alone = sample();
        alone.rows.truncate(1);
        assert!(alone.svg().unwrap().contains("16.00"));
    }
}
