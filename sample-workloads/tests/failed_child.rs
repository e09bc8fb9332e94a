//! A child process that panics. Alone in its program: a panic takes locks that no other test may hold at the fork.

use std::sync::atomic::Ordering::Relaxed;

use sample_workloads::processes::{SharedWords, in_children};

#[test]
fn a_failed_child_is_reported_after_all_have_ended() {
    let words = SharedWords::zeroed(4).unwrap();
    let error = in_children(4, |index| {
        assert!(index != 1, "meant to fail");
        words[index].store(1, Relaxed);
    })
    .unwrap_err();
    assert!(error.to_string().contains("101"), "{error}");
    assert_eq!(
        words
            .iter()
            .map(|word| word.load(Relaxed))
            .collect::<Vec<_>>(),
        [1, 0, 1, 1]
    );
}
