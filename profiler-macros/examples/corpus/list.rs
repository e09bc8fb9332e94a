//! The crates: names, versions, and what of each is left out.

/// A published crate with tests.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Features to test with, on top of the default ones.
    pub(crate) features: &'static str,
    /// Development dependencies that no test needs, and test targets that are about something else than the code, such as
    /// the text of compiler messages. Benchmarks are never built.
    pub(crate) without: &'static [&'static str],
    /// Arguments that choose test targets.
    pub(crate) targets: &'static [&'static str],
    /// Its development dependencies are built on the crate itself.
    pub(crate) patched: bool,
    /// Value of the build switch.
    pub(crate) switch: &'static str,
    /// Quick enough for CI.
    pub(crate) small: bool,
}

const fn all(name: &'static str, version: &'static str) -> Entry {
    Entry {
        name,
        version,
        features: "",
        without: &["criterion"],
        targets: &["--lib", "--tests"],
        patched: false,
        switch: "lines",
        small: false,
    }
}

/// Parsers, numerics, async, unsafe containers, text; the versions are fixed so that the table means the same tomorrow.
pub(crate) const CRATES: &[Entry] = &[
    Entry {
        small: true,
        ..all("semver", "1.0.28")
    },
    Entry {
        small: true,
        ..all("itoa", "1.0.19")
    },
    Entry {
        without: &["doc-comment"],
        ..all("aho-corasick", "1.1.5")
    },
    Entry {
        small: true,
        without: &["bencher"],
        ..all("arrayvec", "0.7.8")
    },
    all("smallvec", "1.16.6"),
    all("slotmap", "1.1.1"),
    all("num-bigint", "0.5.1"),
    all("num-rational", "0.4.2"),
    all("async-lock", "3.5.0"),
    all("parking_lot", "0.13.0"),
    // Some of its tests install allocators.
    Entry {
        switch: "lines+noalloc",
        ..all("bytes", "1.12.2")
    },
    all("memchr", "2.8.3"),
    all("regex-syntax", "0.8.12"),
    all("csv", "1.4.0"),
    all("quick-xml", "0.42.0"),
    all("hashbrown", "0.17.1"),
    all("indexmap", "2.14.2"),
    all("itertools", "0.15.0"),
    all("petgraph", "0.8.3"),
    all("bitvec", "1.1.1"),
    all("ndarray", "0.17.2"),
    // Without the tests that take a quarter of an hour, and those that count the bytes of futures: an instrumented one is larger by 32 and more.
    Entry {
        features: "full",
        patched: true,
        without: &["mockall", "futures-concurrency", "async-stream"],
        targets: &[
            "--test",
            "sync_mpsc",
            "--test",
            "sync_mutex",
            "--test",
            "sync_broadcast",
            "--test",
            "task_local_set",
            "--test",
            "time_sleep",
            "--test",
            "io_copy",
        ],
        ..all("tokio", "1.54.1")
    },
];
