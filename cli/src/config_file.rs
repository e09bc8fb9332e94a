//! `hprof.toml` in the folder of the program or above, or the part of a Cargo.toml there that stands for it: what its programs are always profiled with, and
//! what `hprof check` judges.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use hprof::regular_file;
use hprof_reports::{BudgetFigure, Judging, Limit, Per};
use toml::{Table, Value};

use crate::args::{self, ConfigArgs};
use crate::failure;
use crate::unedited::distance;

/// Its name.
const NAME: &str = "hprof.toml";
const MANIFEST: &str = "Cargo.toml";
/// It is not read further.
const LONGEST: u64 = 1 << 20;
/// All keys it may have, and those of its tables.
const KEYS: [&str; 5] = ["functions", "output-folder", "options", "check", "budget"];
const CHECK_KEYS: [&str; 6] = ["hits", "allocs", "bytes", "time", "min-share", "ignore"];
const BUDGET_KEYS: [&str; 12] = [
    "function",
    "line",
    "max-hits",
    "max-calls",
    "max-allocs",
    "max-bytes",
    "max-hits-per-call",
    "max-allocs-per-call",
    "max-bytes-per-call",
    "max-allocs-per-hit",
    "max-bytes-per-hit",
    "max-p99",
];
/// A word is a mistake for another if so many letters are wrong, at most.
const WRONG_LETTERS: usize = 3;

/// What it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ConfigFile {
    /// Patterns of functions for `--all`, as `--functions` takes them.
    pub(crate) functions: Vec<String>,
    /// What `hprof check` judges.
    pub(crate) check: CheckRules,
    /// Options of commands, by the names of both.
    pub(crate) options: BTreeMap<String, Table>,
    /// Where profiles are saved, from the root on.
    pub(crate) output_folder: Option<PathBuf>,
    /// Where all that stands; `None` if there is no file.
    pub(crate) path: Option<PathBuf>,
}

/// The policy of `hprof check`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckRules {
    /// What is done with hits, allocations and bytes.
    pub(crate) figures: [Judging; 3],
    /// With time.
    pub(crate) time: Judging,
    /// Lines with a smaller share of a figure, in percent, are not looked at.
    pub(crate) min_share: f64,
    /// Patterns of functions that are not looked at.
    pub(crate) ignore: Vec<String>,
    pub(crate) budgets: Vec<BudgetRule>,
}

impl Default for CheckRules {
    fn default() -> Self {
        Self {
            figures: [Judging::Judged; 3],
            time: Judging::Listed,
            min_share: 0.5,
            ignore: Vec::new(),
            budgets: Vec::new(),
        }
    }
}

/// A budget as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BudgetRule {
    /// What it is for, as it is written.
    pub(crate) name: String,
    pub(crate) place: RulePlace,
    pub(crate) limits: Vec<Limit>,
}

/// What a budget is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RulePlace {
    /// The functions that match a pattern.
    Function(String),
    /// A line of a file.
    Line { file: String, line: u32 },
}

impl ConfigFile {
    /// Reads the one that is meant: that which is named, none, or the nearest from this folder upwards.
    pub(crate) fn chosen(args: &ConfigArgs, folder: &Path) -> anyhow::Result<Self> {
        if args.no_hprof_config {
            return Ok(Self::default());
        }
        if let Some(path) = &args.hprof_config {
            return Self::read(&std::path::absolute(path)?);
        }
        for folder in folder.ancestors() {
            let path = folder.join(NAME);
            if path.exists() {
                return Self::read(&path);
            }
            let manifest = folder.join(MANIFEST);
            let text = regular_file::read_text(&manifest, LONGEST).unwrap_or_default();
            if let Some(found) = Self::of_manifest(&manifest, &text)? {
                return Ok(found);
            }
        }
        Ok(Self::default())
    }

    /// What stands in a manifest, if anything does.
    fn of_manifest(path: &Path, text: &str) -> anyhow::Result<Option<Self>> {
        // A manifest that cannot be understood is cargo's to complain about.
        let table: Table = text.parse().unwrap_or_default();
        let part = ["workspace", "package"].into_iter().find_map(|part| {
            let metadata = table.get(part)?.get("metadata")?;
            metadata.get("hprof")?.as_table()
        });
        let config = part.map(|part| {
            let config = Self::from_table(part).and_then(|config| config.at(path));
            config.with_context(|| format!("cannot use metadata.hprof of {}", path.display()))
        });
        config.transpose()
    }

    /// Reads a file of any name; of a manifest the part that is hprof's.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = regular_file::read_text(path, LONGEST);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        if path.file_name().is_some_and(|name| name == MANIFEST) {
            return Ok(Self::of_manifest(path, &text)?.unwrap_or_default());
        }
        let config = Self::parse(&text).and_then(|config| config.at(path));
        config.with_context(|| format!("cannot use {}", path.display()))
    }

    /// As it stands there.
    fn at(mut self, path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path)?;
        let folder = path.parent().unwrap_or(&path);
        self.output_folder = self.output_folder.map(|output| folder.join(output));
        self.path = Some(path);
        Ok(self)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        Self::from_table(&text.parse()?)
    }

    fn from_table(table: &Table) -> anyhow::Result<Self> {
        let mut config = Self::default();
        for (key, value) in table {
            match key.as_str() {
                "functions" => config.functions = words(key, value)?,
                "output-folder" => {
                    let folder = value.as_str().filter(|folder| !folder.is_empty());
                    let folder = folder.context("`output-folder` is a string: a folder")?;
                    config.output_folder = Some(folder.into());
                }
                "options" => config.options = options(value)?,
                "check" => config.check.read(value)?,
                "budget" => config.check.budgets = budgets(value)?,
                _ => return Err(unknown(key, &KEYS)),
            }
        }
        Ok(config)
    }
}

impl CheckRules {
    fn read(&mut self, value: &Value) -> anyhow::Result<()> {
        let Some(table) = value.as_table() else {
            bail!("`check` is a table: [check]");
        };
        for (key, value) in table {
            match key.as_str() {
                "hits" => self.figures[0] = judging(key, value)?,
                "allocs" => self.figures[1] = judging(key, value)?,
                "bytes" => self.figures[2] = judging(key, value)?,
                "time" => self.time = judging(key, value)?,
                "min-share" => {
                    let share = value
                        .as_float()
                        .or(value.as_integer().map(|whole| whole as f64));
                    let share = share.filter(|share| (0.0..=100.0).contains(share));
                    self.min_share = share.context("`min-share` is a number from 0 to 100")?;
                }
                "ignore" => self.ignore = words(key, value)?,
                _ => return Err(unknown(key, &CHECK_KEYS)),
            }
        }
        Ok(())
    }
}

fn judging(key: &str, value: &Value) -> anyhow::Result<Judging> {
    match value.as_str() {
        Some("judged") => Ok(Judging::Judged),
        Some("listed") => Ok(Judging::Listed),
        Some("off") => Ok(Judging::Off),
        _ => bail!("`{key}` is \"judged\", \"listed\" or \"off\", not {value}"),
    }
}

fn budgets(value: &Value) -> anyhow::Result<Vec<BudgetRule>> {
    let Some(tables) = value.as_array() else {
        bail!("budgets are written as [[budget]]");
    };
    let numbered = tables.iter().zip(1..);
    numbered
        .map(|(table, number)| budget(table).with_context(|| format!("[[budget]] number {number}")))
        .collect()
}

fn budget(value: &Value) -> anyhow::Result<BudgetRule> {
    let Some(table) = value.as_table() else {
        bail!("budgets are written as [[budget]]");
    };
    let mut place = None;
    let mut limits = Vec::new();
    for (key, value) in table {
        match key.as_str() {
            "function" | "line" => {
                let Some(text) = value.as_str() else {
                    bail!("`{key}` is a string");
                };
                let found = if key == "function" {
                    RulePlace::Function(text.to_owned())
                } else {
                    line(text)?
                };
                if place.replace((text.to_owned(), found)).is_some() {
                    bail!("a budget has a `function` or a `line`, not both");
                }
            }
            _ => limits.push(limit(key, value)?),
        }
    }
    let Some((name, place)) = place else {
        bail!("a budget needs a `function` or a `line`");
    };
    if limits.is_empty() {
        bail!("a budget needs a limit, such as max-allocs-per-call = 0");
    }
    Ok(BudgetRule {
        name,
        place,
        limits,
    })
}

fn line(text: &str) -> anyhow::Result<RulePlace> {
    let parts = text.rsplit_once(':');
    let parts = parts.and_then(|(file, line)| Some((file, line.parse().ok()?)));
    let Some((file, line)) = parts.filter(|(file, _)| !file.is_empty()) else {
        bail!("`line` is a file and a number, such as \"src/parse.rs:88\", not \"{text}\"");
    };
    Ok(RulePlace::Line {
        file: file.to_owned(),
        line,
    })
}

/// `max-hits = 5`, `max-hits = "2 * calls"`, `max-allocs-per-call = 0`.
fn limit(key: &str, value: &Value) -> anyhow::Result<Limit> {
    if !BUDGET_KEYS.contains(&key) {
        return Err(unknown(key, &BUDGET_KEYS));
    }
    let name = key.strip_prefix("max-").unwrap_or_default();
    let (name, per) = match name.rsplit_once("-per-") {
        Some((name, "call")) => (name, Some(Per::Call)),
        Some((name, "hit")) => (name, Some(Per::Hit)),
        Some(_) => ("", None),
        None => (name, None),
    };
    let figure = match name {
        "hits" => BudgetFigure::Hits,
        "calls" => BudgetFigure::Calls,
        "allocs" => BudgetFigure::Allocs,
        "bytes" => BudgetFigure::Bytes,
        "p99" => return p99(key, value),
        _ => return Err(unknown(key, &BUDGET_KEYS)),
    };
    let wrong = || {
        anyhow!(
            "`{key}` is a number that is not negative, or a text such as \"2 * calls\" or \"2 * hits\", not {value}"
        )
    };
    let whole = value.as_integer().map(|number| u64::try_from(number).ok());
    if let Some(most) = whole {
        let most = most.ok_or_else(wrong)?;
        return Ok(Limit { figure, most, per });
    }
    let text = value.as_str().filter(|_| per.is_none()).ok_or_else(wrong)?;
    let (number, unit) = text.split_once('*').ok_or_else(wrong)?;
    let per = match unit.trim() {
        "calls" => Per::Call,
        "hits" => Per::Hit,
        _ => return Err(wrong()),
    };
    Ok(Limit {
        figure,
        most: number.trim().parse().map_err(|_| wrong())?,
        per: Some(per),
    })
}

/// `max-p99 = "5 ms"`.
fn p99(key: &str, value: &Value) -> anyhow::Result<Limit> {
    let time = value.as_str().map(args::duration);
    match time {
        Some(Ok(time)) => Ok(Limit {
            figure: BudgetFigure::P99,
            most: time.0,
            per: None,
        }),
        _ => bail!("`{key}` is a time such as \"5 ms\", not {value}"),
    }
}

/// `[options.run]`: a table for each command.
fn options(value: &Value) -> anyhow::Result<BTreeMap<String, Table>> {
    let tables = value.as_table().into_iter().flatten();
    let tables = tables.map(|(command, table)| Some((command.clone(), table.as_table()?.clone())));
    let tables = tables.collect::<Option<BTreeMap<_, _>>>();
    tables
        .filter(|_| value.is_table())
        .context("`options` is made of tables, one for each command: [options.run]")
}

fn words(key: &str, value: &Value) -> anyhow::Result<Vec<String>> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let words = match value {
        Value::Array(values) => values.iter().map(word).collect(),
        single => word(single).map(|word| vec![word]),
    };
    match words {
        Some(words) => Ok(words),
        None => bail!("`{key}` is a string, or a list of strings"),
    }
}

/// A key that does not exist, with the one that may be meant.
pub(crate) fn unknown(key: &str, known: &[&str]) -> anyhow::Error {
    let error = anyhow!("there is no key `{key}`");
    let nearest = known.iter().min_by_key(|known| distance(key, known));
    match nearest.filter(|known| distance(key, known) <= WRONG_LETTERS) {
        Some(known) => failure::with_hint(error, format!("is `{known}` meant?")),
        None => failure::with_hint(error, format!("its keys are: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_one_word_or_several() {
        let functions = |text: &str| ConfigFile::parse(text).unwrap().functions;
        assert_eq!(functions("functions = 'a::*'"), ["a::*"]);
        assert_eq!(functions("functions = ['a::*', '-b']"), ["a::*", "-b"]);
        assert!(functions("").is_empty());
    }

    fn told(text: &str) -> (String, String) {
        let error = ConfigFile::parse(text).unwrap_err();
        let hint = failure::hint_of(&error).map(str::to_owned);
        (format!("{error:#}"), hint.unwrap_or_default())
    }

    #[test]
    fn mistakes_are_told_with_what_may_be_meant() {
        assert_eq!(
            told("function = 'a'"),
            (
                "there is no key `function`".into(),
                "is `functions` meant?".into()
            )
        );
        assert_eq!(
            told("colour = 1").1,
            "its keys are: functions, output-folder, options, check, budget"
        );
        assert_eq!(
            told("functions = 3").0,
            "`functions` is a string, or a list of strings"
        );
        assert_eq!(told("[check]\nhit = 'off'").1, "is `hits` meant?");
        assert_eq!(
            told("[check]\nhits = 'loud'").0,
            "`hits` is \"judged\", \"listed\" or \"off\", not \"loud\""
        );
        assert!(told("[check]\nmin-share = 101").0.contains("from 0 to 100"));
    }

    #[test]
    fn budgets_are_read_in_all_their_forms() {
        let text = "
            [[budget]]
            function = 'solver::step'
            max-allocs-per-call = 0
            max-hits = 5
            [[budget]]
            line = 'src/parse.rs:88'
            max-hits = '2 * calls'
            max-p99 = '1.5 ms'
        ";
        let budgets = ConfigFile::parse(text).unwrap().check.budgets;
        let limit = |figure, most, per| Limit { figure, most, per };
        assert_eq!(
            budgets[0].limits,
            [
                limit(BudgetFigure::Allocs, 0, Some(Per::Call)),
                limit(BudgetFigure::Hits, 5, None)
            ]
        );
        assert_eq!(
            budgets[1].place,
            RulePlace::Line {
                file: "src/parse.rs".into(),
                line: 88
            }
        );
        assert_eq!(
            budgets[1].limits,
            [
                limit(BudgetFigure::Hits, 2, Some(Per::Call)),
                limit(BudgetFigure::P99, 1_500_000, None)
            ]
        );
    }

    #[test]
    fn budgets_that_say_nothing_are_refused() {
        let told = |text: &str| told(&format!("[[budget]]\n{text}"));
        assert!(
            told("max-hits = 1")
                .0
                .contains("needs a `function` or a `line`")
        );
        assert!(told("function = 'a'").0.contains("needs a limit"));
        assert!(
            told("function = 'a'\nmax-p99 = 5")
                .0
                .contains("a time such as")
        );
        assert!(
            told("function = 'a'\nline = 'b:1'\nmax-hits = 1")
                .0
                .contains("not both")
        );
        assert!(
            told("line = 'b'\nmax-hits = 1")
                .0
                .contains("src/parse.rs:88")
        );
        assert!(
            told("function = 'a'\nmax-hits = -1")
                .0
                .contains("not negative")
        );
        assert_eq!(
            told("function = 'a'\nmax-alocs = 1").1,
            "is `max-allocs` meant?"
        );
    }
}
