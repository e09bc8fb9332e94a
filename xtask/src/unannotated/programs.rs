//! The programs: packages, what is added to their manifests, and how each is built and called.

/// A published program that does not know of hprof.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Why it is here.
    pub(crate) has: &'static str,
    pub(crate) version: &'static str,
    /// Packages of the same authors that become members of its workspace: names and versions.
    pub(crate) members: &'static [(&'static str, &'static str)],
    /// What its manifest gets.
    pub(crate) manifest: &'static str,
    /// Options of cargo that choose what is built.
    pub(crate) build: &'static [&'static str],
    pub(crate) binary: &'static str,
    /// `TEXT` stands for a large file of text, `SOURCES` for a folder of source files, `SCRIPT` for a script.
    pub(crate) args: &'static [&'static str],
    /// Whether the lines it prints come in any order.
    pub(crate) is_unordered: bool,
    /// Whether its package holds its tests.
    pub(crate) has_tests: bool,
}

/// What most of them are.
const SIMPLE: Program = Program {
    name: "",
    has: "",
    version: "",
    members: &[],
    manifest: "",
    build: &[],
    binary: "",
    args: &[],
    is_unordered: false,
    has_tests: false,
};

/// The versions are fixed, so that the table means the same tomorrow.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "ripgrep",
        has: "a workspace, a build script, its own tests",
        version: "15.2.0",
        members: &[
            ("globset", "0.4.22"),
            ("grep", "0.4.1"),
            ("grep-cli", "0.1.12"),
            ("grep-matcher", "0.1.9"),
            ("grep-printer", "0.3.1"),
            ("grep-regex", "0.1.14"),
            ("grep-searcher", "0.1.17"),
            ("ignore", "0.4.35"),
        ],
        binary: "rg",
        args: &["-n", "[a-z]+_[a-z]+\\(\\w+\\)", "TEXT"],
        has_tests: true,
        ..SIMPLE
    },
    Program {
        name: "hexyl",
        has: "fat LTO",
        version: "0.17.0",
        binary: "hexyl",
        args: &["--length", "1MB", "TEXT"],
        ..SIMPLE
    },
    Program {
        name: "tokei",
        has: "rayon, a build script, thin LTO, `panic = \"abort\"`",
        version: "15.0.0",
        binary: "tokei",
        args: &["--sort", "lines", "SOURCES"],
        ..SIMPLE
    },
    Program {
        name: "fd-find",
        has: "fat LTO, threads, edition 2024",
        version: "10.5.0",
        build: &["--no-default-features"],
        binary: "fd",
        args: &["--extension", "rs", ".", "SOURCES"],
        is_unordered: true,
        ..SIMPLE
    },
    Program {
        name: "jaq",
        has: "a workspace, an allocator, fat LTO with `panic = \"abort\"`",
        version: "3.1.2",
        members: &[
            ("jaq-all", "0.4.0"),
            ("jaq-core", "3.1.2"),
            ("jaq-fmts", "0.1.1"),
            ("jaq-json", "2.0.3"),
            ("jaq-std", "3.0.4"),
        ],
        manifest: "[profile.release]\nlto = \"fat\"\npanic = \"abort\"\n",
        binary: "jaq",
        args: &["-n", "-c", "[range(100000) | . * 2 | tostring] | length"],
        ..SIMPLE
    },
    Program {
        name: "rhai",
        has: "macros of its own, fat LTO",
        version: "1.27.0",
        members: &[("rhai_codegen", "3.3.0")],
        build: &["--bin", "rhai-run"],
        binary: "rhai-run",
        args: &["SCRIPT"],
        ..SIMPLE
    },
];
