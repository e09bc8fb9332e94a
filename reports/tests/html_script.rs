//! The script of the HTML page, tested by node.

use std::io::Write;
use std::process::Command;

#[test]
fn the_script_of_the_page_works_without_a_page() {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/html_script.mjs");
    let Ok(output) = Command::new("node").arg(tests).output() else {
        let note = b"NOT TESTED: the script of the HTML page: no node\n";
        let _ = std::io::stderr().write_all(note);
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("all right"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
