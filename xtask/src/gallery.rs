//! `cargo run -p xtask -- gallery HPROF`: what hprof says of the workloads, as pages, pictures and text under `docs/gallery`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// No file of the gallery is larger, in bytes.
const MOST: u64 = 100_000;
/// Size of the window, and of a screenshot against it.
const WINDOW: &str = "1160,560";
const SCALE: &str = "0.72";

/// A program of the gallery.
struct Exhibit {
    name: &'static str,
    /// What its reader can learn from it.
    about: &'static str,
    /// What stands behind `hprof run`.
    run: &'static [&'static str],
}

const EXHIBITS: [Exhibit; 8] = [
    Exhibit {
        name: "diffusion",
        about: "Two nested loops over a grid: nearly all of the time is in one line of the inner loop, which only counts.",
        run: &[
            "-p",
            "sample-workloads",
            "--bin",
            "diffusion",
            "--",
            "--variant",
            "flat",
        ],
    },
    Exhibit {
        name: "list_alloc",
        about: "A list of 32 MiB is made, printed and dropped: the resident set by line, and over time.",
        run: &["--memory", "-p", "sample-workloads", "--bin", "list_alloc"],
    },
    Exhibit {
        name: "summer",
        about: "Ten sums in ten threads on few processors: every thread has its row, and most of them wait for a processor.",
        run: &[
            "-p",
            "sample-workloads",
            "--bin",
            "summer",
            "--",
            "--mode",
            "threads",
        ],
    },
    Exhibit {
        name: "shared_counter",
        about: "Ten processes that take turns at a counter: time without CPU time, by process and by cause.",
        run: &[
            "-p",
            "sample-workloads",
            "--bin",
            "shared_counter",
            "--",
            "--mode",
            "locked",
        ],
    },
    Exhibit {
        name: "auc",
        about: "The area under a curve by several threads.",
        run: &[
            "-p",
            "sample-workloads",
            "--bin",
            "auc",
            "--",
            "--mode",
            "threads",
            "4000000",
        ],
    },
    Exhibit {
        name: "expr",
        about: "One expression over a million numbers, with temporaries and without: what the temporaries cost.",
        run: &["--alloc", "-p", "sample-workloads", "--bin", "expr"],
    },
    Exhibit {
        name: "task_farm",
        about: "Uneven tasks handed out in advance: some threads wait while others work.",
        run: &[
            "-p",
            "sample-workloads",
            "--bin",
            "task_farm",
            "--",
            "--view",
            "direct",
        ],
    },
    Exhibit {
        name: "xtask",
        about: "A larger program that knows nothing of hprof: the one that looks for circles between the files of this workspace.",
        run: &[
            "--functions",
            "xtask::circles::names::*,xtask::circles::run",
            "-p",
            "xtask",
            "--bin",
            "xtask",
            "--",
            "circles",
        ],
    },
];

/// Makes all of it with this `hprof`. `true` if nothing is missing or too large.
pub(crate) fn run(workspace: &Path, hprof: &Path) -> Result<bool, String> {
    let folder = workspace.join("docs/gallery");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let hprof = hprof
        .canonicalize()
        .map_err(|error| format!("cannot find {}: {error}", hprof.display()))?;
    let mut page = String::from(
        "# Gallery\n\nWhat hprof says of the programs in `sample-workloads`: `make gallery` makes these files anew. The pages open in a browser from disk, without network.\n",
    );
    for exhibit in &EXHIBITS {
        let made = Maker {
            workspace,
            folder: &folder,
            hprof: &hprof,
            exhibit,
        };
        made.make()?;
        // Writing to a string does not fail.
        let _ = write!(page, "{}", made.section());
    }
    let index = folder.join("README.md");
    fs::write(&index, page)
        .map_err(|error| format!("cannot write {}: {error}", index.display()))?;
    too_large(&folder)
}

/// Whether all files are small enough; names those that are not.
#[expect(clippy::print_stderr, reason = "a program for the terminal")]
fn too_large(folder: &Path) -> Result<bool, String> {
    let mut fits = true;
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let bytes = entry.metadata().map_or(0, |facts| facts.len());
        if bytes > MOST {
            eprintln!(
                "{} has {bytes} bytes: more than {MOST}",
                entry.path().display()
            );
            fits = false;
        }
    }
    Ok(fits)
}

struct Maker<'a> {
    workspace: &'a Path,
    folder: &'a Path,
    hprof: &'a Path,
    exhibit: &'a Exhibit,
}

impl Maker<'_> {
    /// Runs the program and shows it in all ways.
    fn make(&self) -> Result<(), String> {
        let words = ["run", "--report", "none"].into_iter();
        let words: Vec<&str> = words.chain(self.exhibit.run.iter().copied()).collect();
        let run = self.hprof(&words)?;
        let said = String::from_utf8_lossy(&run.stderr);
        let (_, saved) = said
            .rsplit_once("hprof show ")
            .ok_or_else(|| format!("{}: nothing was saved: {said}", self.exhibit.name))?;
        let saved = saved.trim();
        self.hprof(&["html", "-o", &self.file("html"), saved])?;
        self.hprof(&["flamegraph", "--lines", "-o", &self.file("svg"), saved])?;
        self.hprof(&[
            "plot",
            "--title",
            self.exhibit.name,
            "-o",
            &self.file("plot.svg"),
            saved,
        ])?;
        let table = self.hprof(&["show", saved])?;
        let text = self.file("txt");
        fs::write(&text, table.stdout).map_err(|error| format!("cannot write {text}: {error}"))?;
        self.photograph()
    }

    fn file(&self, kind: &str) -> String {
        let file = self.folder.join(format!("{}.{kind}", self.exhibit.name));
        file.to_string_lossy().into_owned()
    }

    fn hprof(&self, words: &[&str]) -> Result<Output, String> {
        let mut command = Command::new(self.hprof);
        let output = command.args(words).current_dir(self.workspace).output();
        let output =
            output.map_err(|error| format!("cannot start {}: {error}", self.hprof.display()))?;
        if output.status.success() {
            Ok(output)
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("hprof {}: {said}", words.join(" ")))
        }
    }

    /// A picture of the page as a browser shows it.
    fn photograph(&self) -> Result<(), String> {
        let mut command = Command::new("chromium");
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ]);
        command.arg(format!("--window-size={WINDOW}"));
        command.arg(format!("--force-device-scale-factor={SCALE}"));
        command.arg(format!("--screenshot={}", self.file("png")));
        command.arg(format!("file://{}", self.file("html")));
        let output = command.output().map_err(|error| {
            format!("cannot start chromium, which takes the screenshots: {error}")
        })?;
        let is_made = Path::new(&self.file("png")).exists();
        if output.status.success() && is_made {
            Ok(())
        } else {
            Err(format!(
                "chromium: {}",
                String::from_utf8_lossy(&output.stderr)
            ))
        }
    }

    /// What the index says of it.
    fn section(&self) -> String {
        let Exhibit { name, about, run } = self.exhibit;
        format!(
            "\n## {name}\n\n{about}\n\n`hprof run {}`: [page]({name}.html), [tables]({name}.txt), [flamegraph]({name}.svg), [memory and CPU over time]({name}.plot.svg)\n\n![{name}]({name}.png)\n",
            run.join(" ")
        )
    }
}
