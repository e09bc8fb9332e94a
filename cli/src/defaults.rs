//! What is typed, with the options that `hprof.toml` gives where they are not: a default is an option as if it had been typed first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser};
use toml::{Table, Value};

use crate::args::Cli;
use crate::config_file::{ConfigFile, unknown};
use crate::failure;

/// Commands that have nothing to do with a project.
const WITHOUT: [&str; 4] = ["guide", "doctor", "completions", "man"];
/// The hidden option that carries the folder for profiles.
const OUTPUT_FOLDER: &str = "output-folder";

/// Why nothing is done.
pub(crate) enum Refused {
    /// What is typed is wrong, or asks for help.
    Usage(clap::Error),
    /// The file is.
    Config(anyhow::Error),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self::Config(error)
    }
}

/// Reads a command line, whose first word is the name of the program, and the file that is meant.
pub(crate) fn parse(words: &[OsString]) -> Result<(Cli, ConfigFile), Refused> {
    let mut hprof = Cli::command();
    hprof.build();
    let matches = hprof.clone().try_get_matches_from(words)?;
    let typed = Cli::from_arg_matches(&matches)?;
    let Some((name, given)) = matches.subcommand() else {
        return Ok((typed, ConfigFile::default()));
    };
    if WITHOUT.contains(&name) {
        return Ok((typed, ConfigFile::default()));
    }
    let config = ConfigFile::chosen(&typed.config, &start(given)?)?;
    let known = |other: &String| hprof.find_subcommand(other).is_some();
    if let Some(other) = config.options.keys().find(|other| !known(other)) {
        let names: Vec<&str> = hprof.get_subcommands().map(Command::get_name).collect();
        return Err(of_file(&config, unknown(other, &names)).into());
    }
    let at = words.iter().position(|word| word == name);
    let (Some(at), Some(command)) = (at, hprof.find_subcommand(name)) else {
        return Ok((typed, config));
    };
    let line = Line { words, at };
    let empty = Table::new();
    let options = config.options.get(name).unwrap_or(&empty);
    let mut added = line
        .with(options, command, given)
        .map_err(|error| of_file(&config, error.context(format!("[options.{name}]"))))?;
    if let Some(folder) = &config.output_folder
        && has(command, OUTPUT_FOLDER)
    {
        let mut word = OsString::from(format!("--{OUTPUT_FOLDER}="));
        word.push(folder);
        added.push(word);
    }
    if added.is_empty() {
        return Ok((typed, config));
    }
    Ok((Cli::try_parse_from(line.joined(&added))?, config))
}

/// Where the file is looked for: the folder of the manifest that is named, or the current one.
fn start(given: &ArgMatches) -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("cannot find the current folder")?;
    let manifest = given.try_get_one::<PathBuf>("manifest_path");
    let manifest = manifest.ok().flatten().map(|path| here.join(path));
    let folder = manifest.as_deref().and_then(Path::parent);
    Ok(folder.map_or(here.clone(), Path::to_owned))
}

fn of_file(config: &ConfigFile, error: anyhow::Error) -> anyhow::Error {
    match &config.path {
        Some(path) => error.context(format!("cannot use {}", path.display())),
        None => error,
    }
}

fn has(command: &Command, option: &str) -> bool {
    command
        .get_arguments()
        .any(|argument| argument.get_long() == Some(option))
}

/// A command line, and where the command stands in it.
struct Line<'a> {
    words: &'a [OsString],
    at: usize,
}

impl Line<'_> {
    /// Options that are to stand behind the name of the command.
    fn joined(&self, added: &[OsString]) -> Vec<OsString> {
        let (before, behind) = self.words.split_at(self.at + 1);
        [before, added, behind].concat()
    }

    /// The options of a table that are not typed, and go together with what is.
    fn with(
        &self,
        table: &Table,
        command: &Command,
        given: &ArgMatches,
    ) -> anyhow::Result<Vec<OsString>> {
        let mut left = Vec::new();
        for (key, value) in table {
            let argument = argument(command, key)?;
            let words = words(argument, key, value)?;
            let id = argument.get_id().as_str();
            if given.value_source(id) != Some(ValueSource::CommandLine) && !words.is_empty() {
                left.push((key, words));
            }
        }
        // An option may need another one that comes later.
        let mut added = Vec::new();
        let mut alone = vec![OsString::from("hprof"), command.get_name().into()];
        let mut goes_on = true;
        while std::mem::take(&mut goes_on) {
            for (key, words) in std::mem::take(&mut left) {
                let parsed = Cli::try_parse_from(self.joined(&[&added[..], &words].concat()));
                match parsed.as_ref().map_err(clap::Error::kind) {
                    Ok(_) => {
                        added.extend_from_slice(&words);
                        alone.extend(words);
                        goes_on = true;
                    }
                    Err(ErrorKind::ArgumentConflict | ErrorKind::MissingRequiredArgument) => {
                        let own = Cli::try_parse_from([&alone[..], &words].concat());
                        if own.is_err_and(|error| error.kind() == ErrorKind::ArgumentConflict) {
                            return Err(anyhow!("`{key}` and another key exclude each other"));
                        }
                        left.push((key, words));
                    }
                    Err(_) => return Err(anyhow!("`{key}`: {}", reason(parsed.err()))),
                }
            }
        }
        Ok(added)
    }
}

/// The option of a command that has this name.
fn argument<'a>(command: &'a Command, key: &str) -> anyhow::Result<&'a Arg> {
    let is_meant = |argument: &&Arg| {
        let name = argument.get_long();
        !argument.is_hide_set()
            && !argument.is_global_set()
            && !matches!(argument.get_action(), ArgAction::Help | ArgAction::Version)
            && name.is_some()
    };
    let options: Vec<&Arg> = command.get_arguments().filter(is_meant).collect();
    let found = options.iter().find(|option| option.get_long() == Some(key));
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = options.iter().filter_map(|one| one.get_long()).collect();
        unknown(key, &names)
    })
}

/// An option as it would be typed.
fn words(argument: &Arg, key: &str, value: &Value) -> anyhow::Result<Vec<OsString>> {
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::Count);
    let optional = argument
        .get_num_args()
        .is_some_and(|range| range.min_values() == 0);
    let word = |text: String| vec![OsString::from(format!("--{key}={text}"))];
    match value {
        Value::Boolean(false) if is_flag || optional => Ok(Vec::new()),
        Value::Boolean(true) if is_flag || optional => Ok(vec![format!("--{key}").into()]),
        _ if is_flag => Err(anyhow!("`{key}` is true or false, not {value}")),
        Value::String(text) => Ok(word(text.clone())),
        Value::Integer(number) => Ok(word(number.to_string())),
        Value::Float(number) => Ok(word(number.to_string())),
        Value::Array(values) if matches!(argument.get_action(), ArgAction::Append) => {
            let each = values.iter().map(|value| words(argument, key, value));
            Ok(each.collect::<anyhow::Result<Vec<_>>>()?.concat())
        }
        _ => Err(failure::with_hint(
            anyhow!("`{key}` cannot be {value}"),
            "it is written as it would be typed: a text or a number",
        )),
    }
}

/// What clap says in its first line.
fn reason(error: Option<clap::Error>) -> String {
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    first.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::args::Command as Typed;

    /// What becomes of a command line with this file in the folder of the manifest.
    fn with(config: &str, words: &[&str]) -> Result<Cli, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hprof.toml"), config).unwrap();
        let manifest = folder.path().join("Cargo.toml");
        let mut line: Vec<OsString> = vec!["hprof".into(), words[0].into()];
        line.push("--manifest-path".into());
        line.push(manifest.into());
        line.extend(words[1..].iter().map(OsString::from));
        match parse(&line) {
            Ok((cli, _)) => Ok(cli),
            Err(Refused::Config(error)) => Err(format!(
                "{error:#}; {}",
                failure::hint_of(&error).unwrap_or_default()
            )),
            Err(Refused::Usage(error)) => panic!("{error}"),
        }
    }

    fn show(config: &str, words: &[&str]) -> crate::args::ShowArgs {
        match with(config, &[&["show"], words].concat()).unwrap().command {
            Typed::Show(args) => args,
            other => panic!("{other:?}"),
        }
    }

    const SHOW: &str = "[options.show]\nunit = 'ms'\nsort = true\nskip-zero = false\ntop = 3\n";

    #[test]
    fn options_of_the_file_stand_where_none_is_typed() {
        let table = show(SHOW, &[]).table;
        assert!(table.sort && !table.skip_zero && table.unit == Some(1e-3));
        assert_eq!(table.top.and_then(crate::args::Top::limit), Some(3));
        let table = show(SHOW, &["-u", "s", "-z"]).table;
        assert!(table.sort && table.skip_zero && table.unit == Some(1.0));
        // Of another command.
        assert!(!show("[options.run]\nsort = true", &[]).table.sort);
    }

    #[test]
    fn what_does_not_go_with_what_is_typed_gives_way() {
        let config = "[options.show]\nby-function = true\norder = 'name'";
        let table = show(config, &[]).table;
        assert!(table.by_function && table.order.is_some());
        let table = show(config, &["--threads"]).table;
        assert!(table.threads && !table.by_function);
    }

    #[test]
    fn mistakes_are_told() {
        let told = |config: &str| with(config, &["show"]).unwrap_err();
        for (config, part) in [
            (
                "[options.show]\nunits = 's'",
                "there is no key `units`; is `unit` meant?",
            ),
            (
                "[options.shwo]\nunit = 's'",
                "there is no key `shwo`; is `show` meant?",
            ),
            ("[options.show]\nhelp = true", "there is no key `help`"),
            ("[options.show]\nunit = 'x'", "`unit`: invalid value 'x'"),
            ("[options.show]\nsort = 'x'", "`sort` is true or false"),
            ("[options.show]\nunit = ['s']", "`unit` cannot be"),
            (
                "[options.show]\nthreads = true\nby-function = true",
                "exclude each other",
            ),
            ("options = 3", "`options` is made of tables"),
            ("output-folder = 3", "`output-folder` is a string"),
            ("outputfolder = 'x'", "is `output-folder` meant?"),
        ] {
            let told = told(config);
            assert!(told.contains(part) && told.contains("hprof.toml"), "{told}");
        }
    }

    #[test]
    fn lists_are_options_given_several_times() {
        let config = "[options.run]\nfeatures = ['a', 'b']\nfit = true\nnative = 50";
        let Typed::Run(args) = with(config, &["run"]).unwrap().command else {
            panic!("not run")
        };
        assert_eq!(args.cargo.features, ["a", "b"]);
        assert_eq!((args.fit.fit, args.record.native), (Some(10.0), Some(50)));
    }
}
