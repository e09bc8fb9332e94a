//! Whose blocks were live, in the page: the lists of `hprof peak` and `hprof show --leaks`.

use hprof::model::{Profile, Scope};
use maud::{Markup, html};

use super::options::HtmlOptions;
use super::place::line_of;
use super::plain_table::{Behind, plain_table};
use crate::tables::heap_table;
use crate::text;
use crate::view::{HeapRow, HeapView};

/// What was live at the peak of the heap and at the end, by line; nothing where blocks were not noted.
pub(super) fn section(profile: &Profile, options: &HtmlOptions) -> Markup {
    let Some(view) = HeapView::new(profile, Scope::All) else {
        return html! {};
    };
    let (known, missing) = heap_table::how_known(&view);
    let moments = [
        ("Allocated when the heap was at its peak", &view.at_peak),
        ("Still allocated at the end", &view.at_end),
    ];
    html! {
        section id="memory" {
            h2 { "Live memory" }
            p { (heap_table::totals(&view)) }
            p.legend { (known.unwrap_or_default()) " hprof peak and hprof show --leaks have the calls that led to them." }
            @if let Some(missing) = missing { p.warning { (missing) } }
            @for (title, rows) in moments {
                @if !rows.is_empty() {
                    h3 { (title) }
                    (lines(profile, rows, options))
                }
            }
        }
    }
}

fn lines(profile: &Profile, rows: &[HeapRow], options: &HtmlOptions) -> Markup {
    let places = rows.iter().map(|row| {
        html! {
            @if row.place.is_some() { (line_of(profile, row.place)) "  " (code(profile, row, options)) }
            @else { (heap_table::OUTSIDE) }
        }
    });
    let places = Behind::new("Line", places.collect());
    plain_table(&heap_table::figures(rows), Some(&places))
}

fn code(profile: &Profile, row: &HeapRow, options: &HtmlOptions) -> String {
    let code = row.place.filter(|_| options.source).and_then(|place| {
        let function = profile.functions.get(place.function.0 as usize)?;
        let at = place.line.checked_sub(function.line)?;
        function.source.get(at as usize)
    });
    text::clean(code.map_or("", |code| code.trim())).into_owned()
}
