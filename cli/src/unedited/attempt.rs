//! One call of the compiler on instrumented sources. What it says is held back until it has made something: if it fails, its user
//! sees the errors of their own sources alone.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

/// How it ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The crate is made, and its messages have been handed on.
    Made(ExitStatus),
    /// It is not. The compiler's messages.
    Failed(Vec<String>),
}

/// An error of the compiler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CompileError {
    /// What it says.
    pub(super) message: String,
    /// Files and lines it names, those of the macros included that led there.
    pub(super) places: Vec<(String, usize)>,
}

/// Runs the compiler.
pub(super) fn attempt(command: &mut Command) -> io::Result<Attempt> {
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut held = Vec::new();
    // The compiler also tells of what its linker could not make, after the error.
    let mut is_failed = false;
    let mut is_made = false;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            if is_made {
                hand_on(&line);
                continue;
            }
            is_failed |= tells_error(&line);
            is_made = !is_failed && tells_artifact(&line);
            held.push(line);
            if is_made {
                // Crates that depend on this one can begin.
                held.drain(..).for_each(|line| hand_on(&line));
            }
        }
    }
    let status = child.wait()?;
    if is_made || status.success() {
        held.iter().for_each(|line| hand_on(line));
        return Ok(Attempt::Made(status));
    }
    Ok(Attempt::Failed(held))
}

/// Writes a line for cargo. If cargo has gone, so has everybody who could be told.
pub(super) fn hand_on(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether a message tells that the crate is there. The note on its sources comes before all errors.
fn tells_artifact(line: &str) -> bool {
    let Ok(message) = serde_json::from_str::<Value>(line) else {
        return false;
    };
    let emit = message.get("emit").and_then(Value::as_str);
    message.get("artifact").is_some() && matches!(emit, Some("metadata" | "link"))
}

fn tells_error(line: &str) -> bool {
    let message = serde_json::from_str::<Value>(line);
    message.is_ok_and(|message| is_error(&message))
}

fn is_error(message: &Value) -> bool {
    let level = message.get("level").and_then(Value::as_str);
    level.is_some_and(|level| level.starts_with("error"))
}

/// The errors among the messages.
pub(super) fn errors(messages: &[String]) -> Vec<CompileError> {
    let messages = messages
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(is_error)
        .map(|message| {
            let mut error = CompileError::default();
            let text = message.get("message").and_then(Value::as_str);
            error.message = text.unwrap_or_default().to_owned();
            places(&message, &mut error.places);
            error
        })
        .filter(|error| !error.message.starts_with("aborting due to"))
        .collect()
}

/// The places that a message and its notes name.
fn places(message: &Value, found: &mut Vec<(String, usize)>) {
    let list = |key: &str| {
        message
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    for span in list("spans") {
        add_place(span, found);
    }
    for child in list("children") {
        places(child, found);
    }
}

fn add_place(span: &Value, found: &mut Vec<(String, usize)>) {
    let file = span.get("file_name").and_then(Value::as_str);
    let line = span.get("line_start").and_then(Value::as_u64);
    if let (Some(file), Some(line)) = (file, line.and_then(|line| usize::try_from(line).ok())) {
        found.push((file.to_owned(), line));
    }
    if let Some(outer) = span
        .get("expansion")
        .and_then(|expansion| expansion.get("span"))
    {
        add_place(outer, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_name_their_places() {
        let span = |file: &str, line: u64| json!({"file_name": file, "line_start": line, "expansion": null});
        let mut from_macro = span("src/m.rs", 1);
        from_macro["expansion"] = json!({"span": span("src/b.rs", 7)});
        let error = json!({
            "$message_type": "diagnostic", "message": "mismatched types", "level": "error",
            "spans": [from_macro], "children": [{"message": "x", "level": "note", "spans": [span("src/c.rs", 9)]}],
        });
        let warning =
            json!({"message": "unused", "level": "warning", "spans": [span("src/d.rs", 1)]});
        let last =
            json!({"message": "aborting due to 1 previous error", "level": "error", "spans": []});
        let messages = [warning, error, last].map(|message| message.to_string());
        let place = |file: &str, line| (file.to_owned(), line);
        assert_eq!(
            errors(&messages),
            [CompileError {
                message: "mismatched types".into(),
                places: vec![
                    place("src/m.rs", 1),
                    place("src/b.rs", 7),
                    place("src/c.rs", 9)
                ],
            }]
        );
    }

    #[test]
    fn what_the_linker_could_not_make_is_not_made() {
        let artifact = r#"{"artifact": "/t/x", "emit": "link"}"#;
        let error = r#"{"message": "linking with `cc` failed", "level": "error"}"#;
        let told = |lines: &[&str], code: &str| {
            let script = format!("printf '%s\\n' \"$@\" >&2; exit {code}");
            let mut command = Command::new("sh");
            command.args(["-c", &script, "sh"]).args(lines);
            attempt(&mut command).unwrap()
        };
        let failed = told(&[error, artifact], "1");
        assert!(matches!(failed, Attempt::Failed(lines) if lines.len() == 2));
        assert!(matches!(told(&[artifact], "0"), Attempt::Made(_)));
    }

    #[test]
    fn only_what_others_can_use_counts_as_made() {
        let tells = |emit: &str| {
            let artifact = json!({"$message_type": "artifact", "artifact": "/t/x", "emit": emit});
            tells_artifact(&artifact.to_string())
        };
        assert!(tells("metadata") && tells("link") && !tells("dep-info"));
        assert!(!tells_artifact("not json"));
    }
}
