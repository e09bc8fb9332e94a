//! The kept files of this layout of the saved profile and of older ones.

use std::path::Path;

use hprof::model::{Profile, Scope, function_costs};

use crate::{example, saved};

/// The newest layout.
const LAYOUT: u32 = 2;

/// What an older file has, too.
fn facts(profile: &Profile) -> Vec<(String, u64, u64)> {
    let costs = function_costs(profile, Scope::All);
    let facts = costs.iter().map(|cost| {
        let name = profile.functions[cost.function.0 as usize].name.clone();
        (name, cost.calls, cost.total.0)
    });
    facts.collect()
}

/// A new layout has a new file here, and those of older layouts stay: `HPROF_KEEP_TESTDATA=1 cargo test -p hprof-core` writes the one that is missing.
#[test]
fn kept_profiles_of_all_layouts_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let kept = |layout: u32| folder.join(format!("layout-{layout}.pb.gz"));
    if std::env::var_os("HPROF_KEEP_TESTDATA").is_some() && !kept(LAYOUT).exists() {
        std::fs::write(kept(LAYOUT), saved(&example::diffusion())).unwrap();
    }
    for layout in 2..=LAYOUT {
        let profile = hprof::pprof_file::read(&kept(layout)).unwrap();
        assert_eq!(facts(&profile), facts(&example::diffusion()), "{layout}");
        assert_eq!(profile.run.newer_layout, None);
    }
    // This page speaks of the newest.
    let newer = format!("layout {}", LAYOUT + 1);
    let page = include_str!("../../../docs/saved-profile.md");
    assert!(!page.contains(&newer), "a layout without a kept file");
}
