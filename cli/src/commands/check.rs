//! `hprof check`: the verdict on a profile, by the policy of its owner.

use std::io::Write;

use anyhow::Context;
use hprof::model::{Function, Profile};
use hprof_reports::{
    Budget, BudgetPlace, Check, CheckFormat, DiffOptions, Policy, Side, write_check,
};

use super::diff::{load, refused};
use super::show;
use crate::args::{CheckArgs, CheckForm};
use crate::config_file::{BudgetRule, CheckRules, ConfigFile, RulePlace};
use crate::launch::{self, Lookup};
use crate::output;
use crate::report::Report;
use crate::settings::PackageQuery;
use crate::unedited::Patterns;

/// Exit code of a profile that does not pass.
const FAILED: u8 = 1;

/// `hprof check`.
pub(crate) fn check(args: &CheckArgs) -> anyhow::Result<u8> {
    let rules = rules(args)?;
    if args.validate {
        output::say(format_args!(
            "the policy is right: {}",
            hprof_reports::counted(rules.budgets.len() as u64, "budget", "budgets")
        ));
        return Ok(0);
    }
    let profile = show::load(&args.profile)?.profile;
    let baseline = match &args.baseline {
        Some(path) => Some(load(path)?.profile),
        None => None,
    };
    let name = args
        .profile
        .files
        .first()
        .map(|file| file.to_string_lossy());
    let name = name.unwrap_or_else(|| "the newest profile".into());
    let baseline_name = args.baseline.as_ref().map(|path| path.to_string_lossy());
    let mut policy = Policy::default();
    policy.figures = rules.figures;
    policy.min_share = rules.min_share;
    let profiles: Vec<&Profile> = std::iter::once(&profile).chain(&baseline).collect();
    policy.ignored = chosen(&profiles, &rules.ignore).collect();
    let budgets: Vec<Budget> = rules
        .budgets
        .iter()
        .map(|rule| budget(rule, &profile))
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
        options.style = style;
        let check = Check {
            profile: Side {
                name: &name,
                profile: &profile,
            },
            baseline: (baseline.as_ref().zip(baseline_name.as_deref()))
                .map(|(profile, name)| Side { name, profile }),
            budgets: &budgets,
            options,
        };
        passed.set(write_check(&check, format, out).map_err(refused)?);
        Ok(())
    })?;
    Ok(if passed.get() { 0 } else { FAILED })
}

/// The policy: that of the named file, or of the package or workspace.
fn rules(args: &CheckArgs) -> anyhow::Result<CheckRules> {
    if args.no_hprof_config {
        return Ok(CheckRules::default());
    }
    if let Some(path) = &args.hprof_config {
        return Ok(ConfigFile::read(path)?.check);
    }
    let root = match launch::find_package(&PackageQuery::from(&args.profile.folder)) {
        Ok(Lookup::Found(package)) => package.root,
        // A machine that only judges needs no cargo.
        Ok(Lookup::Refused { .. }) | Err(_) => {
            std::env::current_dir().context("cannot find the current folder")?
        }
    };
    Ok(ConfigFile::of(&root)?.check)
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

fn budget(rule: &BudgetRule, profile: &Profile) -> Budget {
    let place = match &rule.place {
        RulePlace::Function(pattern) => {
            BudgetPlace::Functions(chosen(&[profile], std::slice::from_ref(pattern)).collect())
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
