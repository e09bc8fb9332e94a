//! `hprof check`: the verdict on a profile, by the policy of its owner.

use std::io::Write;

use hprof::model::{Function, Profile};
use hprof_reports::{
    Budget, BudgetPlace, Check, CheckFormat, DiffOptions, Policy, Side, write_check,
};

use super::show;
use super::sides::{load, refused};
use crate::args::{CheckArgs, CheckForm};
use crate::config_file::{BudgetRule, ConfigFile, RulePlace};
use crate::in_turn::{self, Ended, InTurn};
use crate::output;
use crate::report::Report;
use crate::tables;
use crate::unedited::Patterns;

/// Exit code of a profile that does not pass.
const FAILED: u8 = 1;

/// `hprof check`.
pub(crate) fn check(args: &CheckArgs, config: &ConfigFile) -> anyhow::Result<u8> {
    tables::check_budget(args.budget, args.format == CheckForm::Md)?;
    let rules = &config.check;
    if args.validate {
        output::say(format_args!(
            "the policy is right: {}",
            hprof_reports::counted(rules.budgets.len() as u64, "budget", "budgets")
        ));
        return Ok(0);
    }
    let (older, newer) = match sides(args, config)? {
        Ok(sides) => sides,
        Err(code) => return Ok(code),
    };
    let mut policy = Policy::default();
    policy.figures = rules.figures;
    policy.time = rules.time;
    policy.min_share = rules.min_share;
    let before = older.iter().flat_map(|(_, runs)| runs.first());
    let profiles: Vec<&Profile> = newer.1.first().into_iter().chain(before).collect();
    policy.ignored = chosen(&profiles, &rules.ignore).collect();
    let budgets: Vec<Budget> = rules
        .budgets
        .iter()
        .map(|rule| budget(rule, &newer.1))
        .collect();
    let format = match args.format {
        CheckForm::Text => CheckFormat::Text,
        CheckForm::Md => CheckFormat::Markdown,
        CheckForm::Json => CheckFormat::Json,
        CheckForm::Github => CheckFormat::Github,
    };
    let passed = std::cell::Cell::new(true);
    let report = Report::file_or_stdout(&args.output)?;
    report.write(false, |style, out: &mut dyn Write| {
        let mut options = DiffOptions::default();
        options.policy = policy.clone();
        options.budget = args.budget;
        options.style = style;
        options.in_turn = args.base.base.is_some();
        let host = crate::system::host();
        let check = Check {
            profile: side(&newer),
            baseline: older.as_ref().map(side),
            budgets: &budgets,
            host: host.as_deref(),
            options,
        };
        passed.set(write_check(&check, format, out).map_err(refused)?);
        Ok(())
    })?;
    Ok(if passed.get() { 0 } else { FAILED })
}

/// A side: what it is called, and its runs.
type Named = (String, Vec<Profile>);

fn side((name, runs): &Named) -> Side<'_> {
    Side { name, runs }
}

/// What is judged, behind what it is compared with; or the exit code of a run that failed and has said why.
fn sides(
    args: &CheckArgs,
    config: &ConfigFile,
) -> anyhow::Result<Result<(Option<Named>, Named), u8>> {
    if let Some(revision) = &args.base.base {
        if !args.profile.files.is_empty() {
            return Err(in_turn::refuse("a profile"));
        }
        if args.baseline.is_some() {
            return Err(in_turn::refuse("--baseline"));
        }
        return Ok(
            match in_turn::record(revision, &args.base, &args.profile.folder, config)? {
                Ended::Done(InTurn {
                    names: [older, newer],
                    runs: [before, now],
                }) => Ok((Some((older, before)), (newer, now))),
                Ended::Early(code) => Err(code),
            },
        );
    }
    let profile = show::load(&args.profile)?.profile;
    let file = args.profile.files.first();
    let name = file.map_or("the newest profile".into(), |file| file.to_string_lossy());
    let baseline = match &args.baseline {
        Some(path) => Some((
            path.to_string_lossy().into_owned(),
            vec![load(path)?.profile],
        )),
        None => None,
    };
    Ok(Ok((baseline, (name.into_owned(), vec![profile]))))
}

fn path(function: &Function) -> String {
    format!("{}::{}", function.module, function.name)
}

/// Module path and name of the functions that match a pattern.
fn chosen<'a>(
    profiles: &[&'a Profile],
    patterns: &'a [String],
) -> impl Iterator<Item = String> + use<'a> {
    let patterns =
        (!patterns.is_empty()).then(|| Patterns::new(patterns.iter().map(String::as_str)));
    let functions: Vec<String> = profiles
        .iter()
        .flat_map(|profile| &profile.functions)
        .map(path)
        .collect();
    functions.into_iter().filter(move |path| {
        patterns
            .as_ref()
            .is_some_and(|patterns| patterns.choose(path))
    })
}

fn budget(rule: &BudgetRule, runs: &[Profile]) -> Budget {
    let place = match &rule.place {
        RulePlace::Function(pattern) => {
            let profiles: Vec<&Profile> = runs.iter().take(1).collect();
            BudgetPlace::Functions(chosen(&profiles, std::slice::from_ref(pattern)).collect())
        }
        RulePlace::Line { file, line } => BudgetPlace::Line {
            file: file.clone(),
            line: *line,
        },
    };
    Budget {
        name: rule.name.clone(),
        place,
        limits: rule.limits.clone(),
    }
}
