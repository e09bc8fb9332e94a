//! The page of `docs` that keeps a benchmark's tables.

use std::path::Path;
use std::{fs, io};

/// Writes the tables between the two comments that mark their place in `docs/<name>`, and prints them.
#[expect(clippy::print_stdout, reason = "the tables are the output")]
pub(crate) fn keep(name: &str, tables: &str) -> io::Result<()> {
    const BEGIN: &str = "<!-- measured -->";
    const END: &str = "<!-- end of measured -->";
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    let text = fs::read_to_string(&page)?;
    let (Some((before, _)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END))
    else {
        let reason = format!("{} has no place for the tables", page.display());
        return Err(io::Error::other(reason));
    };
    fs::write(page, format!("{before}{BEGIN}\n{tables}{END}{after}"))?;
    println!("{tables}");
    Ok(())
}
