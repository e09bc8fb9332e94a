//! A table of the terminal in the page.

use maud::{Markup, html};

use crate::text::grid::Grid;

/// The cells of a table as they are in a terminal, and what stands behind each row, with its heading.
pub(super) fn plain_table(grid: &Grid, behind: Option<(&str, &[Markup])>) -> Markup {
    let texts = behind.map_or(&[][..], |(_, texts)| texts);
    html! {
        div.scroll {
            table {
                tr {
                    @for title in grid.titles() { th scope="col" { (title) } }
                    @if let Some((title, _)) = behind { th.text scope="col" { (title) } }
                }
                @for (at, cells) in grid.texts().enumerate() {
                    tr {
                        @for cell in cells { td { (cell) } }
                        @if let Some(text) = texts.get(at) { td.text { (text) } }
                    }
                }
            }
        }
    }
}
