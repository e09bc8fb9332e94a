//! Counts the words of a text by map and reduce, on rayon's threads.
//!
//! A word is what stands between white space, without ASCII punctuation and in lower case; stop words are left out.
//!
//! Hits for a text of `lines` lines and `words` words (empty ones and stop words too), in
//! `chunks = ceil(lines / CHUNK)`: `map` is called `chunks` times, its `for line` header has `lines + chunks` hits,
//! `for word` `words + lines`, the lines below it up to the `if` `words`; `reduce` has `chunks + 1` for its outer
//! header.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

/// Lines that one task maps.
pub const CHUNK: usize = 256;

/// How often each word stands in `text`, without the `stop` words.
///
/// ```
/// let stop = ["the".to_owned()].into();
/// let counts = sample_workloads::word_count::count("The whale, the old\nwhale!", &stop);
/// assert_eq!((counts["whale"], counts["old"], counts.len()), (2, 1, 2));
/// ```
#[hprof::profile]
pub fn count(text: &str, stop: &HashSet<String>) -> HashMap<String, u64> {
    let lines: Vec<&str> = text.lines().collect();
    let parts: Vec<_> = lines
        .par_chunks(CHUNK)
        .map(|chunk| map(chunk, stop))
        .collect();
    reduce(parts)
}

#[hprof::profile]
fn map(lines: &[&str], stop: &HashSet<String>) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for line in lines {
        for word in line.split_whitespace() {
            let word = cleaned(word);
            if !word.is_empty() && !stop.contains(&word) {
                *counts.entry(word).or_default() += 1;
            }
        }
    }
    counts
}

#[hprof::profile]
fn reduce(parts: Vec<HashMap<String, u64>>) -> HashMap<String, u64> {
    let mut total = HashMap::new();
    for part in parts {
        for (word, count) in part {
            *total.entry(word).or_default() += count;
        }
    }
    total
}

/// The `n` most frequent words, most frequent first, equally frequent ones by the alphabet.
#[hprof::profile]
pub fn top(counts: &HashMap<String, u64>, n: usize) -> Vec<(&str, u64)> {
    let mut words: Vec<(&str, u64)> = counts
        .iter()
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    words.truncate(n);
    words
}

/// The words of a stop-word file, one a line, cleaned as the text's words are.
pub fn stop_words(text: &str) -> HashSet<String> {
    text.lines().map(|line| cleaned(line.trim())).collect()
}

fn cleaned(word: &str) -> String {
    word.chars()
        .filter(|c| !c.is_ascii_punctuation())
        .flat_map(char::to_lowercase)
        .collect()
}
