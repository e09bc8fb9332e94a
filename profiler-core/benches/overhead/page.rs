//! The page of `docs` that keeps a benchmark's tables.

use std::path::Path;
use std::{fs, io};

/// Writes the tables between the two comments that mark the place of this section in `docs/<name>`, and prints them.
#[expect(clippy::print_stdout, reason = "the tables are the output")]
pub(crate) fn keep_section(name: &str, section: &str, tables: &str) -> io::Result<()> {
    let begin = format!("<!-- {section} -->");
    let end = format!("<!-- end of {section} -->");
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    let text = fs::read_to_string(&page)?;
    let (Some((before, _)), Some((_, after))) = (text.split_once(&begin), text.split_once(&end))
    else {
        let reason = format!("{} has no place for the tables", page.display());
        return Err(io::Error::other(reason));
    };
    fs::write(page, format!("{before}{begin}\n{tables}{end}{after}"))?;
    println!("{tables}");
    Ok(())
}
