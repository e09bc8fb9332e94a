//! What of stacks a picture can show: frames too narrow to be drawn are part of what called them, and so are wider ones while the text
//! of all stacks is too long.
//!
//! The library that draws wants each stack as text, which repeats the names of all its callers: a chain of calls as long as a file can
//! hold would fill the memory.

use std::collections::BTreeMap;

use crate::error::ReportError;
use crate::view::stacks::Stacks;

/// Bytes that all stacks of a picture may take together, as text and as numbers.
const MOST_TEXT: usize = 4 << 20;

/// Parts of the whole, one in so many, below which a frame is not drawn: the library's own limit first.
const NARROWEST: u64 = 10_000;
const WIDEST: u64 = 50;

/// A frame below the one that called it.
struct Frame {
    above: Option<usize>,
    value: u64,
    /// Frames from the outermost to this one, and the bytes that they take as a stack.
    depth: usize,
    bytes: usize,
}

/// Cuts the stacks, which are in order, none empty, and whose sum fits into 64 bits. Also says below how many percent frames are not seen, if
/// those are more than no picture could show.
///
/// # Errors
/// [`ReportError::TooDeep`].
pub(crate) fn visible(stacks: Stacks) -> Result<(Stacks, Option<f64>), ReportError> {
    let (frames, ends) = frames(&stacks);
    let roots = frames.iter().filter(|frame| frame.above.is_none());
    let whole: u64 = roots.map(|root| root.value).sum();
    let mut parts = NARROWEST;
    while parts >= WIDEST {
        let cut = |end: &usize| {
            let mut at = *end;
            while let Some(above) = frames[at].above
                && u128::from(frames[at].value) * u128::from(parts) < u128::from(whole)
            {
                at = above;
            }
            at
        };
        let cuts: Vec<usize> = ends.iter().map(cut).collect();
        let mut kept = cuts.clone();
        kept.sort_unstable();
        kept.dedup();
        let bytes = kept.iter().map(|end| frames[*end].bytes);
        if bytes.fold(0, usize::saturating_add) <= MOST_TEXT {
            let mut sums: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
            for ((mut stack, value), end) in stacks.all.into_iter().zip(cuts) {
                stack.truncate(frames[end].depth);
                *sums.entry(stack).or_default() += value;
            }
            let unseen = (parts < NARROWEST).then_some(100.0 / parts as f64);
            let all = sums.into_iter().collect();
            return Ok((Stacks { all, ..stacks }, unseen));
        }
        parts /= 2;
    }
    Err(ReportError::TooDeep { limit: MOST_TEXT })
}

/// The frames of all stacks with the value of all that they called, callers first, and the last frame of each stack.
fn frames(stacks: &Stacks) -> (Vec<Frame>, Vec<usize>) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut ends = Vec::new();
    let mut path: Vec<usize> = Vec::new();
    let mut before: &[u32] = &[];
    for (stack, value) in &stacks.all {
        let pairs = stack.iter().zip(before);
        path.truncate(pairs.take_while(|(here, before)| here == before).count());
        for name in &stack[path.len()..] {
            let name = stacks.names.get(*name as usize).map_or(0, String::len);
            let above = path.last().copied();
            let bytes = above.map_or(0, |above| frames[above].bytes);
            path.push(frames.len());
            frames.push(Frame {
                above,
                value: 0,
                depth: path.len(),
                bytes: bytes.saturating_add(name + 1 + size_of::<u32>()),
            });
        }
        if let Some(end) = path.last() {
            frames[*end].value += value;
            ends.push(*end);
        }
        before = stack;
    }
    for at in (0..frames.len()).rev() {
        if let Some(above) = frames[at].above {
            frames[above].value += frames[at].value;
        }
    }
    (frames, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stacks of frames with these names, each with a value.
    fn stacks(names: Vec<String>, all: &[(&[u32], u64)]) -> Stacks {
        let all = all.iter().map(|(stack, value)| (stack.to_vec(), *value));
        Stacks {
            names,
            all: all.collect(),
        }
    }

    fn total(stacks: &Stacks) -> u64 {
        stacks.all.iter().map(|(_, value)| value).sum()
    }

    #[test]
    fn what_can_be_drawn_stays_and_narrower_frames_go_to_their_callers() {
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let all = [
            (&[0][..], 9_000),
            (&[0, 1], 1),
            (&[0, 1, 2], 1),
            (&[0, 2], 998),
            (&[2], 1),
        ];
        let (seen, unseen) = visible(stacks(names.clone(), &all)).unwrap();
        // Of 10,001 two and less can be seen, one by itself not.
        let expected = [(&[0][..], 9_000), (&[0, 1], 2), (&[0, 2], 998), (&[2], 1)];
        assert_eq!((seen, unseen), (stacks(names, &expected), None));
    }

    #[test]
    fn text_that_is_too_long_loses_its_narrowest_frames() {
        let long = "n".repeat(1000);
        let names = (0..3001).map(|number| format!("{number}{long}")).collect();
        let mut all = vec![(vec![0], 1_000_000)];
        all.extend((1..=3000).map(|number| (vec![0, number], 300)));
        let crowd = Stacks { names, all };
        let whole = total(&crowd);
        let (seen, unseen) = visible(crowd).unwrap();
        assert_eq!((seen.all.len(), total(&seen)), (1, whole));
        assert_eq!(unseen, Some(0.02));
    }

    #[test]
    fn a_chain_that_is_wide_to_its_end_is_refused() {
        let names = ["a", "b"].map(|name| name.repeat(300)).to_vec();
        let stack = |depth: u32| (0..depth).map(|at| at % 2).collect();
        let all = (1..=2000).map(|depth| (stack(depth), 1)).collect();
        let refused = visible(Stacks { names, all });
        assert!(matches!(refused, Err(ReportError::TooDeep { .. })));
    }
}
