//! Values by line number, in little room: most functions have few lines, and those mostly come in order.

use std::collections::BTreeMap;

/// From so many lines on, one that comes out of order is not put among them by moving the others.
const FEW: usize = 32;

/// A map from line numbers.
#[derive(Clone, Debug)]
pub(super) enum LineMap<T> {
    /// Ascending.
    Row(Vec<(u32, T)>),
    /// Many, out of order.
    Tree(BTreeMap<u32, T>),
}

impl<T> Default for LineMap<T> {
    fn default() -> Self {
        Self::Row(Vec::new())
    }
}

impl<T: Default> LineMap<T> {
    /// The value of a line, a new one if there was none.
    pub(super) fn entry(&mut self, line: u32) -> &mut T {
        if let Self::Row(row) = self
            && row.len() >= FEW
            && row.last().is_some_and(|(last, _)| *last > line)
            && row.binary_search_by_key(&line, |(line, _)| *line).is_err()
        {
            *self = Self::Tree(std::mem::take(row).into_iter().collect());
        }
        match self {
            Self::Tree(tree) => tree.entry(line).or_default(),
            Self::Row(row) => {
                let at = match row.last() {
                    Some((last, _)) if *last >= line => {
                        row.binary_search_by_key(&line, |(line, _)| *line)
                    }
                    _ => Err(row.len()),
                };
                let at = at.unwrap_or_else(|at| {
                    if row.len() == row.capacity() {
                        row.reserve_exact(row.len().max(1));
                    }
                    row.insert(at, (line, T::default()));
                    at
                });
                &mut row[at].1
            }
        }
    }

    /// All values, ascending by line.
    pub(super) fn into_values<R>(self, of: impl Fn(u32, T) -> R) -> Vec<R> {
        match self {
            Self::Row(row) => row
                .into_iter()
                .map(|(line, value)| of(line, value))
                .collect(),
            Self::Tree(tree) => tree
                .into_iter()
                .map(|(line, value)| of(line, value))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_order_whatever_order_they_came_in() {
        for numbers in [
            (0..100).collect::<Vec<u32>>(),
            (0..100).rev().collect(),
            (0..100).map(|number| number * 37 % 100).collect(),
            vec![3, 1, 2],
        ] {
            let mut map = LineMap::default();
            for number in numbers.iter().chain(&numbers) {
                *map.entry(*number) += 1;
            }
            let mut expected: Vec<_> = numbers.iter().map(|number| (*number, 2)).collect();
            expected.sort_unstable();
            assert_eq!(map.into_values(|line, value| (line, value)), expected);
        }
    }
}
