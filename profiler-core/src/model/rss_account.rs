//! Whether the resident set of a process adds up: what lines, nobody and the time outside of them added, beside what the readings say.

use super::line_cost::LineCost;
use super::profile::Process;
use super::resident::{RssChange, signed};

/// The parts that the change of a process' resident set is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RssAccount {
    /// Charged to lines.
    pub lines: RssChange,
    /// Charged to no line because the time was too short to look.
    pub not_read: RssChange,
    /// Outside of all instrumented functions, and after the last of them.
    pub outside: RssChange,
    /// End less start, by the readings themselves.
    pub difference: i64,
}

impl RssAccount {
    /// What the parts add up to.
    ///
    /// ```
    /// assert_eq!(hprof::model::RssAccount::default().sum(), 0);
    /// ```
    #[must_use]
    pub const fn sum(&self) -> i64 {
        (self.lines.net())
            .saturating_add(self.not_read.net())
            .saturating_add(self.outside.net())
    }
}

/// Where the resident set of a process went; `None` where it was not read.
///
/// The sum of the parts is the difference, unless the recording broke off in the middle of a reading.
#[must_use]
pub fn rss_account(process: &Process) -> Option<RssAccount> {
    let rss = process.rss?;
    let mut account = RssAccount {
        not_read: rss.not_read,
        outside: rss.rest,
        difference: signed(rss.end.bytes()).saturating_sub(signed(rss.start.bytes())),
        ..RssAccount::default()
    };
    let add = |to: &mut RssChange, cost: &LineCost| {
        if let Some(rss) = &cost.rss {
            to.add(&rss.change);
        }
    };
    for thread in &process.threads {
        add(&mut account.outside, &thread.outside);
        for (_, cost) in thread.nodes.iter().flat_map(|node| &node.lines) {
            add(&mut account.lines, &cost);
        }
    }
    Some(account)
}
