//! Which function of one profile is which of another: by module and name, then by name alone, then by similar text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use hprof::model::{Function, FunctionId};
use similar::Algorithm;

/// A function in one profile or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    pub(super) older: Option<(FunctionId, &'a Function)>,
    pub(super) newer: Option<(FunctionId, &'a Function)>,
}

/// Texts are the same function if so much of them is the same.
const SIMILAR: f64 = 0.7;
/// Pairs of texts that are compared, and words of each, at most.
const MOST_PAIRS: usize = 20_000;
const MOST_WORDS: usize = 4_000;
/// Time for one pair.
const PATIENCE: Duration = Duration::from_millis(100);

type Entered<'a> = (FunctionId, &'a Function);

/// All functions of both, in the order of the newer; those that are only in the older one last.
pub(super) fn functions<'a>(older: &[Entered<'a>], newer: &[Entered<'a>]) -> Vec<Match<'a>> {
    let mut pairs: BTreeMap<usize, usize> = BTreeMap::new();
    by_key(older, newer, &mut pairs, |function| {
        (function.module.clone(), function.name.clone())
    });
    by_key(older, newer, &mut pairs, |function| {
        (String::new(), function.name.clone())
    });
    by_text(older, newer, &mut pairs);
    let mut taken = vec![false; older.len()];
    let mut all = Vec::new();
    for (at, newer) in newer.iter().enumerate() {
        let found = pairs.get(&at).copied();
        if let Some(found) = found {
            taken[found] = true;
        }
        all.push(Match {
            older: found.map(|found| older[found]),
            newer: Some(*newer),
        });
    }
    let rest = older.iter().zip(&taken).filter(|(_, taken)| !**taken);
    all.extend(rest.map(|(older, _)| Match {
        older: Some(*older),
        newer: None,
    }));
    all
}

/// The positions on one side that are not matched yet.
fn free<'a>(
    functions: &'a [Entered<'a>],
    taken: impl Fn(usize) -> bool + 'a,
) -> impl Iterator<Item = (usize, &'a Function)> {
    let all = functions.iter().enumerate();
    all.filter(move |(at, _)| !taken(*at))
        .map(|(at, (_, function))| (at, *function))
}

/// Matches those with the same key; of several on a side the first with the first, from top to bottom.
fn by_key(
    older: &[Entered<'_>],
    newer: &[Entered<'_>],
    pairs: &mut BTreeMap<usize, usize>,
    key: impl Fn(&Function) -> (String, String),
) {
    let taken: HashSet<usize> = pairs.values().copied().collect();
    let mut known: HashMap<_, Vec<(usize, &Function)>> = HashMap::new();
    for (at, function) in free(older, |at| taken.contains(&at)) {
        known.entry(key(function)).or_default().push((at, function));
    }
    let matched: HashSet<usize> = pairs.keys().copied().collect();
    let mut wanted: HashMap<_, Vec<(usize, &Function)>> = HashMap::new();
    for (at, function) in free(newer, |at| matched.contains(&at)) {
        wanted
            .entry(key(function))
            .or_default()
            .push((at, function));
    }
    for (key, mut wanted) in wanted {
        let Some(mut known) = known.remove(&key) else {
            continue;
        };
        // A name alone stands for a function only where it is the only one of that name.
        if key.0.is_empty() && (known.len() > 1 || wanted.len() > 1) {
            continue;
        }
        let place = |(_, function): &(usize, &Function)| {
            (function.file.clone(), function.line, function.column)
        };
        known.sort_by_key(place);
        wanted.sort_by_key(place);
        for ((new, _), (old, _)) in wanted.iter().zip(&known) {
            pairs.insert(*new, *old);
        }
    }
}

/// Matches those whose text is similar, the most similar first.
fn by_text(older: &[Entered<'_>], newer: &[Entered<'_>], pairs: &mut BTreeMap<usize, usize>) {
    let taken: HashSet<usize> = pairs.values().copied().collect();
    let known: Vec<_> = free(older, |at| taken.contains(&at))
        .map(|(at, function)| (at, words(function)))
        .collect();
    let wanted: Vec<_> = free(newer, |at| pairs.contains_key(&at))
        .map(|(at, function)| (at, words(function)))
        .collect();
    let mut scores = Vec::new();
    let candidates = wanted
        .iter()
        .flat_map(|new| known.iter().map(move |old| (new, old)));
    for ((new, new_words), (old, old_words)) in candidates.take(MOST_PAIRS) {
        if let Some(score) = similarity(old_words, new_words) {
            scores.push((score, *new, *old));
        }
    }
    scores.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut used = HashSet::new();
    for (_, new, old) in scores {
        if !pairs.contains_key(&new) && !used.contains(&old) {
            pairs.insert(new, old);
            used.insert(old);
        }
    }
}

/// Words and signs of the text.
fn words(function: &Function) -> Vec<&str> {
    let lines = function.source.iter();
    let words = lines.flat_map(|line| {
        line.split_inclusive(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .flat_map(|word| {
                let end = word
                    .trim_end_matches(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let (word, sign) = word.split_at(end.len());
                [word, sign.trim()]
            })
    });
    words
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .collect()
}

/// The part of two texts that is the same, 0 to 1, if it is enough.
fn similarity(older: &[&str], newer: &[&str]) -> Option<f64> {
    let all = older.len() + newer.len();
    if all == 0 {
        return None;
    }
    let score = |same: usize| 2.0 * same as f64 / all as f64;
    // No more can be the same than words that both have.
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in older {
        *counts.entry(word).or_default() += 1;
    }
    let common = newer.iter().filter(|word| {
        let left = counts.get_mut(**word).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    });
    if score(common.count()) < SIMILAR {
        return None;
    }
    let deadline = Some(Instant::now() + PATIENCE);
    let operations =
        similar::capture_diff_slices_deadline(Algorithm::Myers, older, newer, deadline);
    let same = operations.iter().map(|operation| match operation {
        similar::DiffOp::Equal { len, .. } => *len,
        _ => 0,
    });
    Some(score(same.sum())).filter(|score| *score >= SIMILAR)
}
