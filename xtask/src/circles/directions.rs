//! The rooms of each crate, and which of them may not know which.

use std::path::Path;

/// Some files of a crate, and those that they must not import. Both are paths below `src`, of folders or of files.
struct Rule {
    folder: &'static str,
    of: &'static [&'static str],
    never: &'static [&'static str],
}

const RULES: [Rule; 9] = [
    // What runs in the user's program knows nothing of those who read its file, and they nothing of it.
    Rule {
        folder: "profiler-core",
        of: &["recorder", "memory", "spans", "private.rs"],
        never: &["model", "pprof_file", "raw/reader", "raw/reader.rs"],
    },
    Rule {
        folder: "profiler-core",
        of: &["model", "pprof_file", "raw"],
        never: &["recorder", "memory", "spans", "private.rs"],
    },
    Rule {
        folder: "profiler-core",
        of: &["model"],
        never: &["pprof_file", "raw/reader", "raw/reader.rs", "raw/layout.rs"],
    },
    Rule {
        folder: "profiler-core",
        of: &["raw"],
        never: &["pprof_file"],
    },
    Rule {
        folder: "profiler-core",
        of: &["pprof_file"],
        never: &["raw/reader", "raw/reader.rs", "raw/layout.rs"],
    },
    // The view decides, others write, and text knows no profile.
    Rule {
        folder: "reports",
        of: &["text"],
        never: &[
            "view", "tables", "pictures", "export", "diff", "diff.rs", "check.rs", "html",
            "html.rs",
        ],
    },
    Rule {
        folder: "reports",
        of: &["view"],
        never: &[
            "tables", "pictures", "export", "diff", "diff.rs", "check.rs", "html", "html.rs",
        ],
    },
    // What is saved does not depend on how it came about.
    Rule {
        folder: "cli",
        of: &["store"],
        never: &["launch", "unedited", "fit", "fit.rs", "commands"],
    },
    Rule {
        folder: "cli",
        of: &["launch", "unedited", "fit", "fit.rs"],
        never: &["commands"],
    },
];

/// A room of the rules that the crate does not have any more: it has another name, and nothing holds there.
pub(super) fn missing(folder: &str, src: &Path) -> Option<&'static str> {
    let rules = RULES.iter().filter(|rule| rule.folder == folder);
    let mut rooms = rules.flat_map(|rule| rule.of.iter().chain(rule.never));
    rooms.find(|room| !src.join(room).exists()).copied()
}

/// Whether a rule of the crate forbids that one file imports the other.
pub(super) fn is_forbidden(folder: &str, from: &Path, to: &Path) -> bool {
    let is_in = |file: &Path, rooms: &[&str]| rooms.iter().any(|room| file.starts_with(room));
    RULES
        .iter()
        .any(|rule| rule.folder == folder && is_in(from, rule.of) && is_in(to, rule.never))
}
