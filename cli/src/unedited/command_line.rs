//! The arguments that cargo gives the compiler, as far as they matter here.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// No file of arguments is longer.
const LONGEST: u64 = 64 << 20;

/// One call of the compiler.
#[derive(Clone, Debug)]
pub(super) struct CommandLine {
    /// The compiler.
    pub(super) rustc: OsString,
    /// Everything behind it.
    pub(super) args: Vec<OsString>,
}

impl CommandLine {
    /// What stands behind the stand-in's own name. Cargo puts arguments into a file where they are too many for the system.
    pub(super) fn new(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<Self> {
        let rustc = args.next().context("cargo names no compiler")?;
        let mut all = Vec::new();
        for arg in args {
            match arg.as_bytes().strip_prefix(b"@") {
                Some(path) => {
                    let path = Path::new(OsStr::from_bytes(path));
                    let text = hprof::regular_file::read_text(path, LONGEST)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    all.extend(text.lines().map(OsString::from));
                }
                None => all.push(arg),
            }
        }
        Ok(Self { rustc, args: all })
    }

    /// All values of an option, written behind it or after `=`.
    fn values<'a>(&'a self, option: &'a str) -> impl Iterator<Item = &'a OsStr> {
        self.args.iter().enumerate().filter_map(move |(at, arg)| {
            let rest = arg.as_bytes().strip_prefix(option.as_bytes())?;
            match rest.strip_prefix(b"=") {
                Some(value) => Some(OsStr::from_bytes(value)),
                None if rest.is_empty() => self.args.get(at + 1).map(OsString::as_os_str),
                None => None,
            }
        })
    }

    fn text(&self, option: &'static str) -> Option<&str> {
        self.values(option).next()?.to_str()
    }

    pub(super) fn crate_name(&self) -> Option<&str> {
        self.text("--crate-name")
    }

    /// Whether it is the year 2015, which is also that of a command line without any.
    pub(super) fn is_first_edition(&self) -> bool {
        matches!(self.text("--edition"), None | Some("2015"))
    }

    /// Whether it makes a library of Rust that programs load when they start, and none that they could be linked to.
    pub(super) fn is_only_dylib(&self) -> bool {
        let kinds: Vec<&OsStr> = self.values("--crate-type").collect();
        let has = |wanted: &str| kinds.iter().any(|kind| *kind == wanted);
        has("dylib") && !has("lib") && !has("rlib")
    }

    /// Whether it compiles for the program, and not for a build script or a macro. Only where a target is named is that known.
    pub(super) fn is_for_target(&self) -> bool {
        self.values("--target").next().is_some()
    }

    /// The root of the crate: the one of `roots` that stands there by itself.
    pub(super) fn root(&self, folder: &Path, roots: &[PathBuf]) -> Option<(usize, PathBuf)> {
        self.args.iter().enumerate().find_map(|(at, arg)| {
            let is_source = arg.as_bytes().ends_with(b".rs");
            let root = is_source.then(|| normal(&folder.join(arg)))?;
            roots.contains(&root).then_some((at, root))
        })
    }

    /// Where what is made goes, and the name without what tells its kind.
    pub(super) fn output(&self) -> anyhow::Result<(PathBuf, OsString)> {
        let (Some(folder), Some(name)) = (self.values("--out-dir").next(), self.crate_name())
        else {
            bail!("cargo does not tell where the crate goes");
        };
        let mut stem = OsString::from(name);
        let mut options = self.values("-C");
        let extra = options.find_map(|option| option.as_bytes().strip_prefix(b"extra-filename="));
        stem.push(OsStr::from_bytes(extra.unwrap_or_default()));
        Ok((folder.into(), stem))
    }

    /// The file of the crate that this one knows by a name.
    pub(super) fn linked_as(&self, name: &str) -> Option<&Path> {
        self.values("--extern").find_map(|value| {
            let bytes = value.as_bytes();
            let at = bytes.iter().position(|byte| *byte == b'=')?;
            // Options may stand before the name, as in `priv:hprof`.
            let known = bytes[..at].rsplit(|byte| *byte == b':').next()?;
            (known == name.as_bytes()).then(|| Path::new(OsStr::from_bytes(&bytes[at + 1..])))
        })
    }

    /// The files of the crates that this one is linked to by itself.
    pub(super) fn linked(&self) -> impl Iterator<Item = &Path> {
        self.values("--extern").filter_map(|value| {
            let at = value.as_bytes().iter().position(|byte| *byte == b'=')?;
            Some(Path::new(OsStr::from_bytes(&value.as_bytes()[at + 1..])))
        })
    }
}

/// A path without `.` and `..`, as far as its text tells.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> CommandLine {
        CommandLine::new(text.split_whitespace().map(OsString::from)).unwrap()
    }

    #[test]
    fn what_matters_is_found() {
        let line = line(
            "rustc --crate-name a_b --edition=2021 x/src/lib.rs --emit=dep-info,link -C opt-level=3 -C extra-filename=-01 \
             --out-dir /t/deps --target x86 --extern c=/t/deps/libc.rlib --extern proc_macro --cfg feature=\"src/lib.rs",
        );
        assert_eq!(line.crate_name(), Some("a_b"));
        assert!(line.is_for_target() && !line.is_first_edition());
        let roots = ["/w/src/lib.rs".into(), "/w/x/src/lib.rs".into()];
        let (at, root) = line.root(Path::new("/w"), &roots).unwrap();
        assert_eq!((at, root), (3, "/w/x/src/lib.rs".into()));
        assert_eq!(line.output().unwrap(), ("/t/deps".into(), "a_b-01".into()));
        let linked: Vec<_> = line.linked().collect();
        assert_eq!(linked, [Path::new("/t/deps/libc.rlib")]);
    }

    #[test]
    fn questions_of_cargo_have_no_root() {
        let line = line("rustc - --crate-name ___ --print=file-names --crate-type bin");
        assert_eq!(line.root(Path::new("/"), &["/src/lib.rs".into()]), None);
        assert!(line.is_first_edition() && !line.is_for_target());
    }

    #[test]
    fn libraries_that_are_only_loaded_are_told_from_others() {
        let is_it = |kinds: &str| line(&format!("rustc a.rs {kinds}")).is_only_dylib();
        assert!(is_it("--crate-type dylib"));
        assert!(!is_it("--crate-type=rlib --crate-type dylib") && !is_it("--crate-type cdylib"));
    }

    #[test]
    fn paths_lose_their_detours() {
        assert_eq!(normal(Path::new("/a/./b/../c")), Path::new("/a/c"));
    }
}
