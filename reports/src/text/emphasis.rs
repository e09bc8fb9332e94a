//! How much of the time a row has, as a colour and as a bar.

use crate::text::style::Tone;

/// Percent of the function's total from which a line is hot, and from which it is warm.
const HOT: f64 = 20.0;
const WARM: f64 = 5.0;

/// Cells of a bar.
pub(crate) const BAR: usize = 6;

/// The colour of a row with this share.
pub(crate) fn heat(percent: Option<f64>) -> Tone {
    match percent {
        Some(percent) if percent >= HOT => Tone::Hot,
        Some(percent) if percent >= WARM => Tone::Warm,
        _ => Tone::Plain,
    }
}

/// A bar as long as the percentage, to an eighth of a cell.
pub(crate) fn bar(percent: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let longest = (8 * BAR) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the eighths of a bar"
    )]
    let eighths = (percent / 100.0 * longest).round().clamp(0.0, longest) as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}
