//! Calls of one small function from several lines in turn, and beside each the same lines calling its plain twin.

use super::kernels::{calls, plain};

/// A function that is called from 2, 20 and 5,200 lines in turn, where a line counts once for each path that leads to it.
macro_rules! callers {
    ($name:ident, $leaf:path) => {
        #[hprof::profile(always, lines)]
        pub(crate) mod $name {
            use super::*;
            use $leaf as leaf;

            #[inline(never)]
            pub(crate) fn two(mut x: u64) -> u64 {
                x = leaf(x);
                x = leaf(x);
                x
            }

            #[inline(never)]
            pub(crate) fn twenty(mut x: u64) -> u64 {
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x = leaf(x);
                x
            }

            #[inline(never)]
            pub(crate) fn middle(mut x: u64) -> u64 {
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x = twenty(x);
                x
            }

            #[inline(never)]
            pub(crate) fn many(mut x: u64) -> u64 {
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x = middle(x);
                x
            }
        }
    };
}

/// Depth of the recursion, and so how often a turn of it calls the function.
const DEPTH: u64 = 104;

/// A function that calls itself.
macro_rules! recursion {
    ($(#[$attribute:meta])? $name:ident) => {
        $(#[$attribute])?
        pub(crate) mod $name {
            #[inline(never)]
            pub(crate) fn down(depth: u64) -> u64 {
                if depth > 1 { down(depth - 1) ^ depth } else { depth }
            }
        }
    };
}

recursion!(plain_recursion);
recursion!(
    #[hprof::profile(always, calls)]
    profiled_recursion
);

callers!(to_profiled, calls::leaf);
callers!(to_plain, plain::leaf);

/// What takes one turn, and how often it calls the small function.
type Kernel = (fn(u64) -> u64, u64);

/// A kernel of this file; `None` if there is no kernel of that name.
pub(crate) fn kernel(name: &str) -> Option<Kernel> {
    Some(match name {
        "two callers" => (to_profiled::two, 2),
        "plain two callers" => (to_plain::two, 2),
        "twenty callers" => (to_profiled::twenty, 20),
        "plain twenty callers" => (to_plain::twenty, 20),
        "many callers" => (to_profiled::many, 5_200),
        "plain many callers" => (to_plain::many, 5_200),
        "recursion" => (|x| x ^ profiled_recursion::down(DEPTH), DEPTH),
        "plain recursion" => (|x| x ^ plain_recursion::down(DEPTH), DEPTH),
        _ => return None,
    })
}
