//! Memory and CPU over time as an SVG without a script: one curve for each process, the functions that were open as brackets below, and the peak with the lines
//! on which threads stood then.

use std::fmt::{self, Write as _};
use std::io::Write;

use hprof::model::{Nanos, Profile};

use super::flamegraph::program;
use crate::error::ReportError;
use crate::text;
use crate::text::numbers::{counted, general, scaled_bytes, scaled_time};
use crate::view::{PlotView, TimelineView};

/// Size of the picture and of its margins.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 46.0;
/// Heights of the two panels and of a bracket.
const MEMORY: f64 = 260.0;
const CPU: f64 = 110.0;
const GAP: f64 = 44.0;
const BRACKET: f64 = 20.0;
/// Height of a line of the legend.
const ROW: f64 = 18.0;
/// Lines at the peak that are named.
const AT_PEAK: usize = 2;
/// Characters of a name.
const NAME: usize = 46;

/// Colours that people who see few colours can tell apart.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#6a3d9a", "#555555",
];

const STYLE: &str = "text{font:12px sans-serif;fill:#222}.h{font-size:15px;font-weight:600}.s{fill:#555;font-size:11px}.g{stroke:#ddd}.a{stroke:#888}\
.c{fill:none;stroke-width:1.6;stroke-linejoin:round}.l{stroke-dasharray:4 3}\
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#e6e6e6}.s{fill:#aaa}.g{stroke:#333}.a{stroke:#777}}";

/// Draws the plot of profiles with their names, which begin at the same moment.
///
/// # Errors
/// [`ReportError::NotObserved`] if no process was looked at while it ran, and those of the writer.
///
/// ```
/// use hprof_reports::{ReportError, write_plot};
/// let empty = hprof::model::Profile::default();
/// let refused = write_plot(&[("a".into(), &empty)], None, &mut Vec::new());
/// assert!(matches!(refused, Err(ReportError::NotObserved)));
/// ```
pub fn write_plot(
    profiles: &[(String, &Profile)],
    title: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let view = PlotView::new(profiles);
    if view.end() == Nanos::ZERO {
        return Err(ReportError::NotObserved);
    }
    let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
    let title = title.map_or_else(
        || format!("Memory and CPU over time: {}", names.join(", ")),
        str::to_owned,
    );
    let mut svg = String::new();
    draw(&view, &title, &mut svg).map_err(|_| ReportError::NotObserved)?;
    out.write_all(svg.as_bytes())?;
    Ok(())
}

/// The plot of one profile without a style of its own, for a page that has one; `None` if there is nothing to draw.
pub(crate) fn without_style(profile: &Profile) -> Option<String> {
    let name = program(profile);
    let view = PlotView::new(&[(name, profile)]);
    let mut svg = String::new();
    let is_drawn = view.end() > Nanos::ZERO && draw(&view, "", &mut svg).is_ok();
    is_drawn.then_some(svg)
}

/// The axes of a panel.
struct Panel {
    top: f64,
    height: f64,
    end: f64,
    most: f64,
}

impl Panel {
    fn x(&self, at: Nanos) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * at.0 as f64 / self.end
    }

    fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - value / self.most)
    }

    /// Lines and figures of the axes, of which the vertical one has these steps.
    fn draw(&self, title: &str, steps: &[(f64, String)], out: &mut String) -> fmt::Result {
        let bottom = self.top + self.height;
        for (value, label) in steps {
            let y = self.y(*value);
            writeln!(
                out,
                r#"<line class="g" x1="{LEFT}" x2="{:.0}" y1="{y:.1}" y2="{y:.1}"/>"#,
                WIDTH - RIGHT
            )?;
            writeln!(
                out,
                r#"<text x="{:.0}" y="{:.1}" text-anchor="end">{label}</text>"#,
                LEFT - 8.0,
                y + 4.0
            )?;
        }
        writeln!(
            out,
            r#"<line class="a" x1="{LEFT}" x2="{:.0}" y1="{bottom:.1}" y2="{bottom:.1}"/>"#,
            WIDTH - RIGHT
        )?;
        let seconds = steps_of(self.end, 8, false);
        for at in seconds {
            let x = LEFT + (WIDTH - LEFT - RIGHT) * at / self.end;
            writeln!(
                out,
                r#"<line class="a" x1="{x:.1}" x2="{x:.1}" y1="{bottom:.1}" y2="{:.1}"/>"#,
                bottom + 4.0
            )?;
            let label = if at == 0.0 {
                "0".to_owned()
            } else {
                scaled_time(at)
            };
            writeln!(
                out,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                bottom + 17.0
            )?;
        }
        writeln!(
            out,
            r#"<text class="s" x="{LEFT}" y="{:.1}">{title}</text>"#,
            self.top - 6.0
        )
    }
}

/// Round steps from 0 to a number, at most so many.
fn steps_of(most: f64, count: u32, binary: bool) -> Vec<f64> {
    let mut step = 1.0;
    let factors: &[f64] = if binary { &[2.0] } else { &[2.0, 2.5, 2.0] };
    let mut factor = factors.iter().cycle();
    while most / step > f64::from(count) {
        step *= factor.next().copied().unwrap_or(2.0);
    }
    let mut steps = Vec::new();
    let mut at = 0.0;
    while at <= most {
        steps.push(at);
        at += step;
    }
    steps
}

fn draw(view: &PlotView<'_>, title: &str, out: &mut String) -> fmt::Result {
    let end = view.end().0 as f64;
    // With room above the highest curve.
    let memory = Panel {
        top: if title.is_empty() { 20.0 } else { TOP + 20.0 },
        height: MEMORY,
        end,
        most: (view.most_bytes() as f64 * 1.08).max(1.0),
    };
    let cpu = Panel {
        top: memory.top + MEMORY + GAP,
        height: CPU,
        end,
        most: (view.most_cpu() * 1.1).max(1.0),
    };
    let brackets: usize = view.processes.iter().map(|one| one.functions.len()).sum();
    let below = cpu.top + CPU + GAP;
    let legend = below + BRACKET * brackets as f64 + 16.0;
    let lines = view.processes.len() + usize::from(view.left_out > 0);
    let height = legend + ROW * lines as f64 + 14.0;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" width="{WIDTH}" height="{height:.0}" role="img">"#
    )?;
    let (heading, title) = (escaped(&shortened(title, 110)), escaped(title));
    // A page has its own heading and style.
    if !title.is_empty() {
        writeln!(out, "<title>{title}</title><style>{STYLE}</style>")?;
        writeln!(out, r#"<text class="h" x="{LEFT}" y="24">{heading}</text>"#)?;
    }
    draw_axes(&memory, &cpu, out)?;
    let mut row = below;
    for (process, colour) in view.processes.iter().zip(COLOURS) {
        curves(process, colour, &memory, &cpu, out)?;
        for (function, first, last) in &process.functions {
            let ends = (cpu.x(process.start + *first), cpu.x(process.start + *last));
            let name = escaped(&shortened(&text::clean(&function.name), NAME));
            let lasted = scaled_time(last.0.saturating_sub(first.0) as f64);
            bracket(ends, row, colour, &format!("{name} {lasted}"), out)?;
            row += BRACKET;
        }
    }
    draw_legend(view, legend, out)?;
    writeln!(out, "</svg>")
}

fn draw_axes(memory: &Panel, cpu: &Panel, out: &mut String) -> fmt::Result {
    let steps = steps_of(memory.most, 6, true).into_iter().map(|bytes| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a step between 0 and the largest number of bytes"
        )]
        let label = scaled_bytes(bytes as u64);
        (bytes, label)
    });
    let title = "resident set; dashed: bytes allocated and not freed";
    memory.draw(title, &steps.collect::<Vec<_>>(), out)?;
    let steps = steps_of(cpu.most * 100.0, 5, false).into_iter();
    let steps = steps.map(|percent| (percent / 100.0, format!("{} %", general(percent, 4))));
    cpu.draw("CPU, of one processor", &steps.collect::<Vec<_>>(), out)
}

/// A bracket from one end to the other, with its words where there is room for them: behind it, before it, or above.
fn bracket(
    (from, to): (f64, f64),
    row: f64,
    colour: &str,
    words: &str,
    out: &mut String,
) -> fmt::Result {
    let to = to.max(from + 1.0);
    let (top, middle, bottom) = (row + 3.0, row + 8.0, row + 13.0);
    let (left, right) = (from + 4.0, to - 4.0);
    writeln!(
        out,
        r#"<path class="c" stroke="{colour}" d="M{left:.1} {top:.1}H{from:.1}V{bottom:.1}H{left:.1}M{right:.1} {top:.1}H{to:.1}V{bottom:.1}H{right:.1}M{from:.1} {middle:.1}H{to:.1}"/>"#
    )?;
    let (x, y, anchor) = if to < WIDTH * 0.62 {
        (to + 8.0, row + 12.0, "start")
    } else if from > WIDTH * 0.38 {
        (from - 8.0, row + 12.0, "end")
    } else {
        (from + 10.0, row + 5.0, "start")
    };
    writeln!(
        out,
        r#"<text class="s" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{words}</text>"#
    )
}

fn draw_legend(view: &PlotView<'_>, mut y: f64, out: &mut String) -> fmt::Result {
    for (process, colour) in view.processes.iter().zip(COLOURS) {
        let (middle, end, words) = (y - 4.0, LEFT + 24.0, LEFT + 32.0);
        writeln!(
            out,
            r#"<line class="c" stroke="{colour}" x1="{LEFT}" x2="{end}" y1="{middle:.1}" y2="{middle:.1}"/>"#
        )?;
        let about = escaped(&about(process));
        writeln!(out, r#"<text x="{words}" y="{y:.1}">{about}</text>"#)?;
        y += ROW;
    }
    if view.left_out > 0 {
        let processes = counted(view.left_out as u64, "process", "processes");
        writeln!(
            out,
            r#"<text class="s" x="{LEFT}" y="{y:.1}">{processes} with a smaller peak left out</text>"#
        )?;
    }
    Ok(())
}

fn curves(
    process: &TimelineView<'_>,
    colour: &str,
    memory: &Panel,
    cpu: &Panel,
    out: &mut String,
) -> fmt::Result {
    let readings = &process.observed.readings;
    let at = |time: Nanos| process.start + time;
    let rss = readings
        .iter()
        .map(|reading| (memory.x(at(reading.at)), memory.y(reading.rss_bytes as f64)));
    path(rss, "c", colour, out)?;
    let live = readings.iter().filter_map(|reading| {
        Some((
            memory.x(at(reading.at)),
            memory.y(reading.live_bytes? as f64),
        ))
    });
    path(live, "c l", colour, out)?;
    let share = process
        .cpu
        .iter()
        .map(|(time, share)| (cpu.x(at(*time)), cpu.y(*share)));
    path(share, "c", colour, out)?;
    if let Some(peak) = &process.peak {
        let (x, y) = (
            memory.x(at(peak.reading.at)),
            memory.y(peak.reading.rss_bytes as f64),
        );
        writeln!(
            out,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#
        )?;
    }
    Ok(())
}

/// A curve through points; several in one column of the picture become one line from the lowest to the highest.
fn path(
    points: impl Iterator<Item = (f64, f64)>,
    class: &str,
    colour: &str,
    out: &mut String,
) -> fmt::Result {
    let mut d = String::new();
    for (x, y) in points {
        let command = if d.is_empty() { 'M' } else { 'L' };
        write!(d, "{command}{x:.1} {y:.1}")?;
    }
    if d.is_empty() {
        return Ok(());
    }
    writeln!(out, r#"<path class="{class}" stroke="{colour}" d="{d}"/>"#)
}

/// The name of a process, and its peak.
fn about(process: &TimelineView<'_>) -> String {
    let name = text::clean(&process.name);
    let Some(peak) = &process.peak else {
        return name.into_owned();
    };
    let places: Vec<String> = peak
        .places
        .iter()
        .take(AT_PEAK)
        .map(|(function, line)| format!("{}:{line}", text::tail(&text::clean(&function.file), 28)))
        .collect();
    let more = peak.places.len().saturating_sub(AT_PEAK);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let on = if places.is_empty() {
        String::new()
    } else {
        format!(", on {}{more}", places.join(", "))
    };
    let readings = process.observed.readings.iter();
    let threads = readings.map(|reading| u64::from(reading.threads)).max();
    format!(
        "{name}: peak {} at {}{on}; {} at most",
        scaled_bytes(peak.reading.rss_bytes),
        scaled_time(peak.reading.at.0 as f64),
        counted(threads.unwrap_or(0), "thread", "threads")
    )
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text::clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use hprof::model::{FunctionId, Observed, OpenFunction, Place, Reading};

    use super::*;
    use crate::fixture;

    /// ```text
    /// s      0    1    2    3
    /// MiB   10   50   50   20
    /// ```
    fn profile() -> Profile {
        let mut profile = fixture::diffusion();
        let reading = |s: u64, mib: u64| Reading {
            at: Nanos(s * 1_000_000_000),
            rss_bytes: mib << 20,
            cpu: Nanos(s * 900_000_000),
            threads: 2,
            live_bytes: Some(mib << 19),
        };
        profile.processes[0].observed = Some(Observed {
            looks: 4,
            readings: vec![
                reading(0, 10),
                reading(1, 50),
                reading(2, 50),
                reading(3, 20),
            ],
            functions: vec![OpenFunction {
                function: FunctionId(1),
                first: Nanos(500_000_000),
                last: Nanos(2_500_000_000),
            }],
            at_peak: vec![Place {
                function: FunctionId(1),
                line: 23,
            }],
            ..Observed::default()
        });
        profile
    }

    #[test]
    fn a_plot_has_axes_with_units_brackets_and_the_peak() {
        let profile = profile();
        let mut out = Vec::new();
        write_plot(&[("a <b>".into(), &profile)], None, &mut out).unwrap();
        let svg = String::from_utf8(out).unwrap();
        for part in [
            "a &lt;b&gt;: peak 50.0 MiB at 1.00 s, on src/solver.rs:23; 2 threads at most",
            "Field::advance 2.00 s",
            ">32.0 MiB<",
            ">100 %<",
            ">2.00 s<",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(!svg.contains("<script") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(
            steps_of(100.0, 6, false),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!(steps_of(7.0, 6, true), [0.0, 2.0, 4.0, 6.0]);
        assert!(steps_of(1e19, 8, false).len() <= 9);
    }
}
