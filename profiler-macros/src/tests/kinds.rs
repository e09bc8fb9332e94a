//! What the macro writes has the names that the library knows: both have the kinds of bodies and lines, and the reasons to leave a function alone.

use hprof::site;

use crate::check::WhyNot;
use crate::emit::{line_kind_name, site_kind_name};
use crate::sites::{LineKind, MAX_LINES, SiteKind};

/// All that `from_raw` knows.
fn all<K>(from_raw: impl Fn(u32) -> Option<K>) -> Vec<K> {
    (0..100).filter_map(from_raw).collect()
}

#[test]
fn kinds_of_bodies_are_those_of_the_library() {
    let of = |kind| match kind {
        site::SiteKind::Function => SiteKind::Function,
        site::SiteKind::Closure => SiteKind::Closure,
        site::SiteKind::AsyncFunction => SiteKind::AsyncFunction,
        site::SiteKind::AsyncBlock => SiteKind::AsyncBlock,
    };
    let kinds = all(site::SiteKind::from_raw);
    assert_eq!(kinds.len(), 4);
    for kind in kinds {
        assert_eq!(site_kind_name(of(kind)), format!("{kind:?}"));
    }
}

#[test]
fn kinds_of_lines_are_those_of_the_library() {
    let of = |kind| match kind {
        site::LineKind::Statement => LineKind::Statement,
        site::LineKind::LoopHeader => LineKind::LoopHeader,
        site::LineKind::GroupHeader => LineKind::GroupHeader,
        site::LineKind::GroupBody => LineKind::GroupBody,
        site::LineKind::Brace => LineKind::Brace,
        site::LineKind::WholeBody => LineKind::WholeBody,
    };
    let kinds = all(site::LineKind::from_raw);
    assert_eq!(kinds.len(), 6);
    for kind in kinds {
        assert_eq!(line_kind_name(of(kind)), format!("{kind:?}"));
    }
}

#[test]
fn reasons_are_those_of_the_library() {
    let of = |why| match why {
        site::WhyNot::Constant => WhyNot::Constant,
        site::WhyNot::Naked => WhyNot::Naked,
        site::WhyNot::Hidden => WhyNot::Hidden,
        site::WhyNot::TooSmall => WhyNot::TooSmall,
    };
    let reasons = all(site::WhyNot::from_raw);
    assert_eq!(reasons.len(), 4);
    for why in reasons {
        assert_eq!(format!("{:?}", of(why)), format!("{why:?}"));
    }
}

#[test]
fn no_table_is_longer_than_a_raw_file_can_hold() {
    assert_eq!(MAX_LINES, hprof::raw::layout::MAX_LINES);
}
