//! A text of a limited length: what matters most of its parts, in the order in which they are read, and a sentence on what was left out.

use super::numbers::counted;

/// Bytes that a token is counted as.
const TOKEN: usize = 4;
/// The sentence on what was left out takes no more than this share of the room; else the short one is taken.
const SHARE_OF_REST: usize = 4;

/// The smallest budget of tokens, counted as four bytes each, that a text in Markdown can be held to: what was left out is still named.
pub const LEAST_BUDGET: usize = 50;

/// What parts of one kind are called where some of them are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
}

#[derive(Debug)]
struct Part {
    text: String,
    kind: Kind,
    /// 0 is what must be there before all else.
    rank: u8,
}

/// A text of parts.
#[derive(Debug)]
pub(crate) struct Page {
    room: usize,
    parts: Vec<Part>,
    /// The sentence stands before this part.
    rest_before: Option<usize>,
    /// Parts that were never made, for it was clear that they would be left out.
    unmade: Vec<(Kind, usize)>,
}

impl Page {
    /// Of no more than so many tokens; of any length without a number.
    pub(crate) fn new(budget: Option<usize>) -> Self {
        Self {
            room: budget.map_or(usize::MAX, |tokens| tokens.saturating_mul(TOKEN)),
            parts: Vec::new(),
            rest_before: None,
            unmade: Vec::new(),
        }
    }

    /// Adds a part. Parts of a smaller rank get room first. Of one kind none is left out before one that is there: they come in their order.
    pub(crate) fn add(&mut self, rank: u8, kind: Kind, text: String) {
        self.parts.push(Part { text, kind, rank });
    }

    /// So many more parts of a kind, which are left out.
    pub(crate) fn leave_out(&mut self, kind: Kind, count: usize) {
        self.unmade.push((kind, count));
    }

    /// The sentence on what was left out is to stand here, and not at the end.
    pub(crate) fn rest_here(&mut self) {
        self.rest_before = Some(self.parts.len());
    }

    /// The text. `command` shows what was left out; `otherwise` is what to say if that is too long.
    pub(crate) fn finish(self, command: &str, otherwise: &str) -> String {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|at| self.parts[*at].rank);
        let mut is_in = vec![false; self.parts.len()];
        let mut rest = Rest::of(&self.parts, &self.unmade, command);
        if rest.sentence().len() > self.room / SHARE_OF_REST {
            rest.command = otherwise;
        }
        let mut used = 0;
        let mut ended: Vec<Kind> = Vec::new();
        for at in order {
            let part = &self.parts[at];
            if ended.contains(&part.kind) {
                continue;
            }
            rest.change(part.kind, |count| count.saturating_sub(1));
            if used + part.text.len() + rest.sentence().len() <= self.room {
                used += part.text.len();
                is_in[at] = true;
            } else {
                rest.change(part.kind, |count| count + 1);
                ended.push(part.kind);
            }
        }
        self.joined(&is_in, &rest.sentence())
    }

    fn joined(&self, is_in: &[bool], rest: &str) -> String {
        let mut text = String::new();
        let place = self.rest_before.unwrap_or(self.parts.len());
        for (at, part) in self.parts.iter().enumerate() {
            if at == place {
                text.push_str(rest);
            }
            if is_in[at] {
                text.push_str(&part.text);
            }
        }
        if place == self.parts.len() {
            text.push_str(rest);
        }
        text.trim_start_matches('\n').to_owned()
    }
}

/// What is left out, of each kind in the order of the parts.
struct Rest<'a> {
    counts: Vec<(Kind, usize)>,
    command: &'a str,
}

impl<'a> Rest<'a> {
    fn of(parts: &[Part], unmade: &[(Kind, usize)], command: &'a str) -> Self {
        let mut rest = Self {
            counts: Vec::new(),
            command,
        };
        for part in parts {
            rest.change(part.kind, |count| count + 1);
        }
        for (kind, more) in unmade {
            rest.change(*kind, |count| count + more);
        }
        rest
    }

    fn change(&mut self, kind: Kind, change: impl FnOnce(usize) -> usize) {
        match self.counts.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, count)) => *count = change(*count),
            None => self.counts.push((kind, change(0))),
        }
    }

    fn sentence(&self) -> String {
        let counts = self.counts.iter().filter(|(_, count)| *count > 0);
        let parts: Vec<String> = counts
            .map(|(kind, count)| counted(*count as u64, kind.one, kind.many))
            .collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(
                "\nLeft out: {}; {} shows all.\n",
                parts.join(", "),
                self.command
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROW: Kind = Kind {
        one: "row",
        many: "rows",
    };
    const NOTE: Kind = Kind {
        one: "note",
        many: "notes",
    };

    fn page(budget: Option<usize>, rows: &[usize], note: usize) -> String {
        let mut page = Page::new(budget);
        page.add(2, NOTE, "n".repeat(note) + "\n");
        for row in rows {
            page.add(1, ROW, "r".repeat(*row) + "\n");
        }
        page.finish("`show`", "it")
    }

    #[test]
    fn what_matters_more_has_room_first_and_the_rest_is_named() {
        assert_eq!(page(None, &[1, 2], 3), "nnn\nr\nrr\n");
        let cut = page(Some(50), &[100, 20, 1], 120);
        assert!(cut.starts_with("rrr") && cut.contains("\nr\n"), "{cut}");
        assert!(
            cut.ends_with("\nLeft out: 1 note; `show` shows all.\n"),
            "{cut}"
        );
        // The third row would fit, but what is there would then have a gap.
        let cut = page(Some(50), &[100, 120, 1], 10);
        assert!(cut.starts_with("nnn"), "{cut}");
        assert!(
            cut.ends_with("\nLeft out: 2 rows; `show` shows all.\n"),
            "{cut}"
        );
    }

    #[test]
    fn parts_that_were_not_made_are_counted() {
        let mut page = Page::new(None);
        page.add(0, ROW, "r\n".into());
        page.leave_out(ROW, 1999);
        assert_eq!(
            page.finish("`show`", ""),
            "r\n\nLeft out: 1,999 rows; `show` shows all.\n"
        );
    }

    proptest! {
        #[test]
        fn the_room_is_never_exceeded(
            budget in LEAST_BUDGET..500,
            rows in proptest::collection::vec(0_usize..300, 0..2000),
            note in 0_usize..900,
        ) {
            let text = page(Some(budget), &rows, note);
            prop_assert!(text.len() <= budget * TOKEN, "{} bytes", text.len());
            let shown = text.lines().filter(|line| !line.contains('L')).count();
            let all = rows.len() + 1;
            prop_assert!(text.contains("Left out: ") || shown >= all);
        }
    }
}
