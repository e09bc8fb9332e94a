//! Gaps are given out to the last tick.

use super::*;

#[test]
fn parts_are_as_near_to_their_share_as_whole_numbers_allow() {
    assert_eq!(apportion(10, &[1, 1, 1]), [4, 3, 3]);
    assert_eq!(apportion(10, &[1, 0, 2]), [3, 0, 7]);
    assert_eq!(apportion(0, &[5]), [0]);
}
