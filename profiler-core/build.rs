//! Tells the crate whether it is being built for an instrumented program, and how that program is optimised.

use std::env;

fn main() {
    println!("cargo::rerun-if-env-changed=HPROF");
    println!("cargo::rustc-check-cfg=cfg(hprof_alloc)");
    println!("cargo::rustc-check-cfg=cfg(hprof_other_alloc)");
    println!("cargo::rustc-check-cfg=cfg(hprof_recorder)");
    let runtime = env::var_os("CARGO_FEATURE_RUNTIME").is_some();
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // The words of the raw file are addresses of 64 bits.
    let wide = env::var("CARGO_CFG_TARGET_POINTER_WIDTH").is_ok_and(|width| width == "64");
    let supported = wide && matches!(os.as_str(), "linux" | "macos");
    if runtime && supported {
        println!("cargo::rustc-cfg=hprof_recorder");
        let switch = env::var("HPROF").unwrap_or_default();
        if switch.split('+').any(|part| part == "noalloc") {
            println!("cargo::rustc-cfg=hprof_other_alloc");
        } else if !switch.is_empty() {
            println!("cargo::rustc-cfg=hprof_alloc");
        }
    }
    let opt_level = env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=HPROF_OPT_LEVEL={opt_level}");
}
