//! A table of the terminal in the page.

use maud::{Markup, html};

use crate::text::grid::Grid;

/// What stands behind the figures of each row.
pub(super) struct Behind<'a> {
    title: &'a str,
    texts: Vec<Markup>,
    classes: Vec<&'a str>,
}

impl<'a> Behind<'a> {
    pub(super) const fn new(title: &'a str, texts: Vec<Markup>) -> Self {
        Self {
            title,
            texts,
            classes: Vec::new(),
        }
    }

    /// What the style calls each row.
    pub(super) fn with_classes(self, classes: Vec<&'a str>) -> Self {
        Self { classes, ..self }
    }
}

/// The cells of a table as they are in a terminal, and what stands behind each row.
pub(super) fn plain_table(grid: &Grid, behind: Option<&Behind<'_>>) -> Markup {
    html! {
        div.scroll {
            table {
                tr {
                    @for title in grid.titles() { th scope="col" { (title) } }
                    @if let Some(behind) = behind { th.text scope="col" { (behind.title) } }
                }
                @for (at, cells) in grid.texts().enumerate() {
                    tr class=[behind.and_then(|behind| behind.classes.get(at))] {
                        @for cell in cells { td { (cell) } }
                        @if let Some(text) = behind.and_then(|behind| behind.texts.get(at)) { td.text { (text) } }
                    }
                }
            }
        }
    }
}
