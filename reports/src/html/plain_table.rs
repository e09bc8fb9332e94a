//! A table of the terminal in the page.

use maud::{Markup, html};

use crate::text::grid::Grid;

/// The cells of a table as they are in a terminal, and a text behind each row.
pub(super) fn plain_table(grid: &Grid, behind: &[String]) -> Markup {
    html! {
        div.scroll {
            table {
                tr {
                    @for title in grid.titles() { th scope="col" { (title) } }
                    @if !behind.is_empty() { th.text scope="col" { "Line" } }
                }
                @for (at, cells) in grid.texts().enumerate() {
                    tr {
                        @for cell in cells { td { (cell) } }
                        @if let Some(text) = behind.get(at) { td.text { (text) } }
                    }
                }
            }
        }
    }
}
