//! Renderings of a profile: a model in, bytes out.
//!
//! Each function takes a [`Profile`](hprof::model::Profile), options and a writer. Nothing here reads the environment, a
//! terminal, a file or a clock: what the stream can show is said in [`Style`].

mod footer;
mod grid;
mod highlight;
mod line_table;
mod numbers;
mod source;
mod style;
mod text;
mod view;

#[cfg(test)]
mod fixture;

pub use line_table::{LineTableOptions, write_line_tables};
pub use numbers::Unit;
pub use style::Style;
