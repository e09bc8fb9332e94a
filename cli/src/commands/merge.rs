//! `hprof merge`: one profile of many, such as those of the ranks of a job. What cannot be read is named and left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, anyhow};
use hprof::model::{Function, Process, Profile, merge as merge_all};

use crate::args::MergeArgs;
use crate::failure;
use crate::output::{self, Progress};
use crate::ranks;
use crate::store::{self, Destination};

/// Exit code where a profile was made, but something was left out.
const LEFT_OUT: u8 = 3;

/// `hprof merge`.
pub(crate) fn merge(args: &MergeArgs) -> anyhow::Result<u8> {
    let destination = Destination::new(Some(&args.output), Path::new("."))?;
    let (files, mut left_out) = files(&args.profiles, &args.output)?;
    let seen = Mutex::new(Seen::default());
    let (parts, unread) = read_all(&files, &seen);
    let count = parts.count;
    left_out.extend(unread);
    for error in &left_out {
        output::say(format_args!("left out: {error:#}"));
    }
    if count == 0 {
        return Err(anyhow!("none of the {} files could be read", files.len()));
    }
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !args.mixed {
        seen.check(&files)?;
    }
    let mut profile = parts.finish();
    let again = once_each(&mut profile);
    for process in &again {
        output::say(format_args!(
            "left out: process {} on {}, which another file has too",
            process.pid, process.host
        ));
    }
    let left_out_ranks = again.iter().filter_map(|process| process.rank).collect();
    if let Some(sentence) = seen.ranks_in_several(&files, &left_out_ranks) {
        output::say(sentence);
    }
    ranks::tell(&profile, &[]);
    let program = program(&profile).unwrap_or("merged").to_owned();
    let placed = store::save(&profile, &program, &destination)
        .context("the merged profile could not be saved")?;
    output::say(format_args!(
        "merged {count} {} into {}",
        if count == 1 { "profile" } else { "profiles" },
        placed.path.display()
    ));
    let complete = left_out.is_empty() && again.is_empty();
    Ok(if complete { 0 } else { LEFT_OUT })
}

/// The files to read, folders replaced by what is in them. What an earlier merge has left there is no part of the next one.
fn files(paths: &[PathBuf], output: &Path) -> anyhow::Result<(Vec<PathBuf>, Vec<anyhow::Error>)> {
    let output = std::fs::canonicalize(output).ok();
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match store::profiles_in(path).with_context(|| format!("cannot read {}", path.display())) {
            Ok(found) if found.is_empty() => {
                left_out.push(anyhow!("{}, which has no profile", path.display()));
            }
            Ok(found) => files.extend(found),
            Err(error) => left_out.push(error),
        }
    }
    if output.is_some() {
        files.retain(|file| std::fs::canonicalize(file).ok() != output);
    }
    if files.is_empty() {
        let named: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(failure::with_hint(
            anyhow!("no profile in {}", named.join(", ")),
            "name saved profiles, raw files or folders of them",
        ));
    }
    Ok((files, left_out))
}

/// Reads all files on all cores; what could not be read comes in the order of the files.
fn read_all(files: &[PathBuf], seen: &Mutex<Seen>) -> (Parts, Vec<anyhow::Error>) {
    let progress = Progress::start("reading", files.len());
    let next = AtomicUsize::new(0);
    let read_some = || {
        let mut parts = Parts::default();
        let mut errors = Vec::new();
        loop {
            let number = next.fetch_add(1, Relaxed);
            let Some(file) = files.get(number) else {
                return (parts, errors);
            };
            match store::read(file) {
                Ok(profile) => {
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .note(number, &profile);
                    parts.add(profile);
                }
                Err(error) => errors.push((number, error)),
            }
            progress.step();
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let done: Vec<_> = thread::scope(|scope| {
        let readers: Vec<_> = (0..cores.min(files.len()))
            .map(|_| scope.spawn(read_some))
            .collect();
        let done = readers.into_iter().map(|reader| reader.join());
        done.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let (mut all, mut errors) = (Parts::default(), Vec::new());
    for (parts, unread) in done {
        all.join(parts);
        errors.extend(unread);
    }
    errors.sort_by_key(|(number, _)| *number);
    (all, errors.into_iter().map(|(_, error)| error).collect())
}

/// Profiles that are merged while others are still read: as many at a time as were merged into each before, so that no function is
/// looked at more often than there are doublings.
#[derive(Default)]
struct Parts {
    /// Each of more files than the next.
    merged: Vec<(usize, Profile)>,
    count: usize,
}

impl Parts {
    fn add(&mut self, profile: Profile) {
        self.push(1, profile);
    }

    fn join(&mut self, other: Self) {
        for (files, profile) in other.merged {
            self.push(files, profile);
        }
    }

    fn push(&mut self, files: usize, profile: Profile) {
        self.count += files;
        let (mut files, mut profile) = (files, profile);
        while let Some((before, _)) = self.merged.last()
            && *before <= files
            && let Some((before, last)) = self.merged.pop()
        {
            files += before;
            profile = merge_all(vec![last, profile]);
        }
        self.merged.push((files, profile));
    }

    fn finish(self) -> Profile {
        merge_all(
            self.merged
                .into_iter()
                .map(|(_, profile)| profile)
                .collect(),
        )
    }
}

/// What tells programs and builds apart, with the first file that has it.
#[derive(Debug, Default)]
struct Seen {
    programs: BTreeMap<String, usize>,
    /// For each function its builds.
    builds: HashMap<u64, BTreeMap<u64, (usize, String)>>,
    /// The files that have processes of a rank.
    ranks: BTreeMap<u32, BTreeSet<usize>>,
}

impl Seen {
    fn note(&mut self, number: usize, profile: &Profile) {
        if let Some(program) = program(profile) {
            let first = self.programs.entry(program.to_owned()).or_insert(number);
            *first = number.min(*first);
        }
        for rank in profile.processes.iter().filter_map(|process| process.rank) {
            self.ranks.entry(rank).or_default().insert(number);
        }
        // Without their text nobody knows whether two are the same.
        for function in profile
            .functions
            .iter()
            .filter(|function| !function.source.is_empty())
        {
            let builds = self.builds.entry(identity(function)).or_default();
            let first = builds
                .entry(build(function))
                .or_insert_with(|| (number, function.name.clone()));
            first.0 = number.min(first.0);
        }
    }

    /// What is said of ranks that several files have, other than those of which a process was left out.
    fn ranks_in_several(&self, files: &[PathBuf], left_out: &BTreeSet<u32>) -> Option<String> {
        let ranks = self.ranks.iter();
        let several = ranks.filter(|(rank, files)| files.len() > 1 && !left_out.contains(rank));
        let several: Vec<_> = several.collect();
        let (_, of_first) = several.first()?;
        let mut named = of_first.iter().filter_map(|number| files.get(*number));
        let (one, other) = (named.next()?, named.next()?);
        let numbers = several.iter().map(|(rank, _)| **rank);
        let (subject, is) = ranks::named(numbers, several.len());
        Some(format!(
            "{subject} {is} in several files, such as {} and {}: their figures are added, so give the files of one run if they are of several",
            one.display(),
            other.display()
        ))
    }

    /// Refuses profiles of several programs, or of several builds of one.
    fn check(&self, files: &[PathBuf]) -> anyhow::Result<()> {
        let file = |number: usize| files.get(number).map(|file| file.display().to_string());
        let named = |number| file(number).unwrap_or_default();
        let hint = "--mixed merges them all the same";
        let mut programs = self.programs.iter();
        if let (Some((one, first)), Some((other, second))) = (programs.next(), programs.next()) {
            let (first, second) = (named(*first), named(*second));
            let error = anyhow!("{first} is of the program {one}, {second} of {other}");
            return Err(failure::with_hint(error, hint));
        }
        let different = self.builds.values().filter(|builds| builds.len() > 1);
        let firsts = different.map(|builds| {
            let mut files: Vec<_> = builds.values().collect();
            files.sort();
            (files[0], files[1])
        });
        if let Some(((first, function), (second, _))) = firsts.min() {
            let (first, second) = (named(*first), named(*second));
            let error =
                anyhow!("{first} and {second} are of two builds, which differ in {function}");
            return Err(failure::with_hint(error, hint));
        }
        Ok(())
    }
}

/// The file name of the program that a profile is of.
fn program(profile: &Profile) -> Option<&str> {
    let exe = profile
        .processes
        .first()
        .map(|process| process.exe.as_str());
    let command = profile.run.command.first().map(String::as_str);
    let path = exe.filter(|exe| !exe.is_empty()).or(command)?;
    path.rsplit('/').next()
}

/// What makes it the same function in two profiles.
fn identity(function: &Function) -> u64 {
    let mut hasher = DefaultHasher::new();
    let place = (&function.file, function.line, function.column);
    (place, &function.module, &function.name, &function.package).hash(&mut hasher);
    hasher.finish()
}

/// What makes it another one in another build.
fn build(function: &Function) -> u64 {
    let mut hasher = DefaultHasher::new();
    function.source.hash(&mut hasher);
    hasher.finish()
}

/// Leaves out processes that are there already, and returns them: of two the one that lasted longer stays.
fn once_each(profile: &mut Profile) -> Vec<Process> {
    let mut last: HashMap<(String, u32, u64), usize> = HashMap::new();
    let mut again = BTreeSet::new();
    for (index, process) in profile.processes.iter().enumerate() {
        let key = (process.host.clone(), process.pid, process.start_unix_ns);
        if let Some(other) = last.get_mut(&key) {
            let stays = process.wall > profile.processes[*other].wall;
            again.insert(if stays {
                std::mem::replace(other, index)
            } else {
                index
            });
        } else {
            last.insert(key, index);
        }
    }
    let (mut index, mut left_out) = (0, Vec::new());
    profile.processes.retain(|process| {
        let stays = !again.contains(&index);
        index += 1;
        if !stays {
            left_out.push(process.clone());
        }
        stays
    });
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_merged_by_doublings_and_none_is_lost() {
        for count in [1, 2, 7, 64, 100] {
            let mut parts = Parts::default();
            for number in 0..count {
                let mut profile = Profile::default();
                profile.run.start_unix_ns = Some(number);
                parts.add(profile);
                assert!(parts.merged.len() <= 8, "{}", parts.merged.len());
            }
            assert_eq!(parts.count as u64, count);
            assert_eq!(parts.finish().run.start_unix_ns, Some(0));
        }
    }
}
