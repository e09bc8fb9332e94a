//! The stand-in for the compiler: cargo calls it with the compiler and its arguments. Crates that are not to be instrumented are handed
//! through as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, anyhow, bail};
use hprof_injector::{Crate, Edition, Function, Kind, SourceFile};

use super::attempt::{Attempt, CompileError, attempt, errors, hand_on};
use super::command_line::{CommandLine, normal};
use super::mirror::Mirror;
use super::note::{Note, Refused, programs_of_tests};
use super::pattern::Patterns;
use super::plan::{self, Plan};

/// What hprof is called for when it is called in place of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// To instrument crates.
    Instrument,
    /// To compile the recorder's crate, so that any program can be linked to it.
    Library,
}

impl Wrapper {
    /// The name by which it is called for that.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Instrument => "hprof-rustc",
            Self::Library => "hprof-rustc-library",
        }
    }

    /// What this process is called for, if it stands in for the compiler.
    pub(crate) fn of_this_process() -> Option<Self> {
        let name = env::args_os().next()?;
        let name = Path::new(&name).file_name()?;
        let mut kinds = [Self::Instrument, Self::Library].into_iter();
        kinds.find(|kind| name == OsStr::new(kind.name()))
    }
}

/// How often functions are left out before the crate is compiled plain.
const MOST_ATTEMPTS: usize = 8;

/// Compiles a crate. Returns the exit code of the compiler.
pub(crate) fn wrapper(kind: Wrapper) -> anyhow::Result<u8> {
    if kind == Wrapper::Library {
        return Err(compile_library());
    }
    let line = CommandLine::new(env::args_os().skip(1))?;
    // Build scripts that ask the compiler themselves may not hand on their variables.
    if !line.is_for_target() || env::var_os(plan::PLAN).is_none() {
        return Err(hand_through());
    }
    let plan = Plan::read()?;
    let working = env::current_dir().context("cannot find the working folder")?;
    if let Some((at, root)) = line.root(&working, &plan.roots) {
        return Unit::new(line, plan, working, at, Some(root))?.compile();
    }
    if let Some((at, _)) = line.root(&working, &plan.others) {
        return Unit::new(line, plan, working, at, None)?.compile();
    }
    Err(hand_through())
}

/// Becomes the compiler; returns only if that fails.
fn hand_through() -> anyhow::Error {
    become_compiler(env::args_os().skip(1))
}

/// The same, without the option that leaves out what link-time optimisation needs.
fn compile_library() -> anyhow::Error {
    let mut args: Vec<OsString> = env::args_os().skip(1).collect();
    // What the recorder depends on is told from the same crate of the program, which may be instrumented.
    args.extend(["-C".into(), "metadata=hprof-recorder".into()]);
    let is_it = |arg: &OsString| arg == "embed-bitcode=no";
    let next_is_it = |at: usize| args.get(at + 1).is_some_and(is_it);
    let kept = args
        .iter()
        .enumerate()
        .filter(|(at, arg)| !is_it(arg) && !next_is_it(*at));
    become_compiler(
        kept.map(|(_, arg)| arg.clone())
            .collect::<Vec<_>>()
            .into_iter(),
    )
}

fn become_compiler(mut args: impl Iterator<Item = OsString>) -> anyhow::Error {
    let rustc = args.next().unwrap_or_default();
    let error = Command::new(&rustc).args(args).exec();
    anyhow!(error).context(format!("cannot start {}", rustc.display()))
}

/// One crate to compile.
struct Unit {
    line: CommandLine,
    plan: Plan,
    /// Where cargo has started us.
    working: PathBuf,
    /// Which of the arguments is the root.
    root_at: usize,
    name: String,
    edition: Edition,
    patterns: Patterns,
    folder: PathBuf,
    stem: OsString,
    found: Crate,
}

impl Unit {
    /// A crate without a `root` is compiled as it is.
    fn new(
        line: CommandLine,
        plan: Plan,
        working: PathBuf,
        root_at: usize,
        root: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let name = line
            .crate_name()
            .context("the crate has no name")?
            .to_owned();
        let edition = if line.is_first_edition() {
            Edition::First
        } else {
            Edition::Later
        };
        let variable = plan::patterns_variable(&name);
        let patterns = env::var(&variable).unwrap_or_default();
        let (folder, stem) = line.output()?;
        Ok(Self {
            found: root
                .map(|root| Crate::read(&name, &root, edition))
                .unwrap_or_default(),
            patterns: Patterns::new([&*patterns]),
            line,
            plan,
            working,
            root_at,
            name,
            edition,
            folder,
            stem,
        })
    }

    /// Compiles it instrumented; without the functions that are in the way if it has to be, or plain.
    fn compile(&self) -> anyhow::Result<u8> {
        self.check_runtime()?;
        if self.found.files.is_empty() {
            return self.compile_original(&self.note(&BTreeMap::new(), None));
        }
        if let Some(why) = self.obstacle() {
            return self.compile_original(&self.note(&BTreeMap::new(), Some(why)));
        }
        let mut refused: BTreeMap<String, String> = BTreeMap::new();
        for _ in 0..MOST_ATTEMPTS {
            let files = self.instrumented(&refused);
            if files.is_empty() {
                break;
            }
            let mirror = Mirror::make(&self.plan.mirrors.join(&self.stem), &self.working, &files)?;
            let attempt = attempt(&mut self.command(&mirror))?;
            let messages = match attempt {
                Attempt::Made(status) => {
                    if status.success() {
                        self.finish(Some(&mirror), &self.note(&refused, None))?;
                    }
                    return Ok(code(status));
                }
                Attempt::Failed(messages) => messages,
            };
            let errors = errors(&messages);
            if errors.iter().any(is_second_allocator) {
                // hprof builds again without an allocator of its own.
                messages.iter().for_each(|line| hand_on(line));
                return Ok(1);
            }
            let before = refused.len();
            for error in &errors {
                for function in self.named(error, &mirror) {
                    refused
                        .entry(function)
                        .or_insert_with(|| error.message.clone());
                }
            }
            if refused.len() == before {
                let why = errors.into_iter().next().map(|error| error.message);
                let why = why.unwrap_or_else(|| "the compiler did not say why".into());
                return self.compile_plain(&why);
            }
        }
        match refused.into_values().next() {
            Some(why) => self.compile_plain(&why),
            None => self.compile_original(&self.note(&BTreeMap::new(), None)),
        }
    }

    /// Compiles it as it is, for the compiler has refused it instrumented.
    fn compile_plain(&self, error: &str) -> anyhow::Result<u8> {
        let why = format!("it does not compile with the attribute: {error}");
        self.compile_original(&self.note(&BTreeMap::new(), Some(&why)))
    }

    /// Two recorders in one program would each see a part of it.
    fn check_runtime(&self) -> anyhow::Result<()> {
        let own = self.plan.runtime.file_stem();
        let mut linked = self.line.linked();
        let other = linked.any(|linked| {
            let name = linked.file_stem().and_then(OsStr::to_str);
            let is_named_so = name.is_some_and(|name| name.starts_with("libhprof-"));
            is_named_so && linked.file_stem() != own && is_recorder(linked)
        });
        if other {
            bail!(
                "the crate {} is linked to a recorder of hprof that was built in another way than the one of this run",
                self.name
            );
        }
        Ok(())
    }

    /// Why it cannot be instrumented whatever is in it.
    fn obstacle(&self) -> Option<&'static str> {
        if self.has_namesake() {
            return Some("it depends on a crate called hprof that is not the recorder");
        }
        // Programs find neither the recorder in it, nor a second one beside it.
        let why = "it is a library that is loaded when a program starts (dylib)";
        self.line.is_only_dylib().then_some(why)
    }

    /// Whether the name that the attribute uses is that of a crate of somebody else.
    fn has_namesake(&self) -> bool {
        let named = self.line.linked_as("hprof");
        named.is_some_and(|named| {
            named.file_stem() != self.plan.runtime.file_stem() && !is_recorder(named)
        })
    }

    /// Whether a function gets the attribute.
    fn is_chosen(
        &self,
        file: &SourceFile,
        function: &Function,
        refused: &BTreeMap<String, String>,
    ) -> bool {
        let path = path(file, function);
        !function.is_const
            && !function.is_annotated
            && self.patterns.choose(&path)
            && !refused.contains_key(&path)
    }

    /// The texts of all files with a function that is chosen.
    fn instrumented(&self, refused: &BTreeMap<String, String>) -> BTreeMap<PathBuf, String> {
        let mut texts = BTreeMap::new();
        let mut is_any = false;
        for (at, file) in self.found.files.iter().enumerate() {
            let chosen = |function: &Function| self.is_chosen(file, function, refused);
            let is_root = at == 0 && self.edition == Edition::First;
            let has_any = file.source.functions.iter().any(chosen);
            is_any |= has_any;
            if is_root {
                let text = file.source.inject_root(&file.text, Kind::Bulk, chosen);
                texts.insert(file.path.clone(), text);
            } else if has_any {
                let text = file.source.inject(&file.text, Kind::Bulk, chosen);
                texts.insert(file.path.clone(), text);
            }
        }
        if is_any { texts } else { BTreeMap::new() }
    }

    fn command(&self, mirror: &Mirror) -> Command {
        let mut args = self.line.args.clone();
        let root = Path::new(&args[self.root_at]);
        if root.is_absolute() {
            args[self.root_at] = mirror.place(&normal(root)).into();
        }
        let mut command = Command::new(&self.line.rustc);
        command.args(args).current_dir(mirror.place(&self.working));
        command.arg("--cap-lints=allow").arg(mirror.remap_option());
        let mut linked = self.line.linked().map(Path::file_stem);
        if !linked.any(|linked| linked == self.plan.runtime.file_stem()) || !self.calls_it_hprof() {
            let mut option = OsString::from("hprof=");
            option.push(&self.plan.runtime);
            command.arg("--extern").arg(option);
        }
        self.find_runtime(&mut command);
        command
    }

    /// A crate that is not instrumented may be linked to others that are.
    fn find_runtime(&self, command: &mut Command) {
        for folder in &self.plan.folders {
            let mut option = OsString::from("dependency=");
            option.push(folder);
            command.arg("-L").arg(option);
        }
    }

    /// Compiles the sources as they are.
    fn compile_original(&self, note: &Note) -> anyhow::Result<u8> {
        let mut command = Command::new(&self.line.rustc);
        command.args(&self.line.args);
        self.find_runtime(&mut command);
        let status = command.status()?;
        if status.success() {
            self.finish(None, note)?;
        }
        Ok(code(status))
    }

    /// Whether the crate depends on the recorder under the name that the attribute uses.
    fn calls_it_hprof(&self) -> bool {
        self.line.linked_as("hprof").is_some()
    }

    /// The functions that an error names.
    fn named(&self, error: &CompileError, mirror: &Mirror) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for (place, line) in &error.places {
            let place = normal(&self.working.join(mirror.without(place)));
            let is_it = |file: &&SourceFile| normal(&self.working.join(&file.path)) == place;
            let Some(file) = self.found.files.iter().find(is_it) else {
                continue;
            };
            let around = file.source.functions.iter().filter(|function| {
                let (first, last) = function.lines;
                (first..=last).contains(line)
            });
            // The innermost begins last.
            let innermost = around.max_by_key(|function| function.lines.0);
            named.extend(innermost.map(|function| path(file, function)));
        }
        named
    }

    fn note(&self, refused: &BTreeMap<String, String>, plain: Option<&str>) -> Note {
        let functions = || {
            let files = self.found.files.iter();
            files.flat_map(|file| {
                file.source
                    .functions
                    .iter()
                    .map(move |function| (file, function))
            })
        };
        let count = |wanted: &dyn Fn(&SourceFile, &Function) -> bool| {
            functions()
                .filter(|(file, function)| wanted(file, function))
                .count()
        };
        let instrumented = count(&|file, function| self.is_chosen(file, function, refused));
        Note {
            name: self.name.clone(),
            found: functions().count(),
            instrumented: if plain.is_some() { 0 } else { instrumented },
            constant: count(&|_, function| function.is_const),
            annotated: count(&|_, function| function.is_annotated && !function.is_const),
            in_macros: self
                .found
                .files
                .iter()
                .map(|file| file.source.in_macros)
                .sum(),
            refused: refused
                .iter()
                .map(|(function, error)| Refused {
                    function: function.clone(),
                    error: error.clone(),
                })
                .collect(),
            plain: plain.map(str::to_owned),
            unreadable: self.found.unreadable.clone(),
            parts: self
                .line
                .linked()
                .map(Path::to_owned)
                .chain(programs_of_tests(env::vars_os()))
                .collect(),
        }
    }

    /// Has cargo know what the crate depends on beside its sources, and leaves the note.
    fn finish(&self, mirror: Option<&Mirror>, note: &Note) -> anyhow::Result<()> {
        let mut name = self.stem.clone();
        name.push(".d");
        let path = self.folder.join(name);
        // Without it cargo would never build the crate anew: it has asked for it.
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut text = mirror.map_or_else(|| text.clone(), |mirror| mirror.without(&text));
        for variable in [
            plan::RUNTIME.to_owned(),
            plan::patterns_variable(&self.name),
        ] {
            let value = env::var(&variable).ok();
            let value = value.map(|value| format!("={value}")).unwrap_or_default();
            text.extend(["# env-dep:", &variable, &value, "\n"]);
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        note.write(&self.folder, &self.stem)
            .with_context(|| format!("cannot note what became of {}", self.name))?;
        Ok(())
    }
}

/// Stands in the recorder's crate as it is compiled.
const RECORDER: &[u8] = b"this crate has the recorder of hprof";

/// Whether a compiled crate called `hprof` is a recorder: there are others of that name, and the one that only reads profiles.
fn is_recorder(library: &Path) -> bool {
    // If it cannot be read, the compiler will say so.
    let bytes = fs::read(library).unwrap_or_default();
    bytes.windows(RECORDER.len()).any(|part| part == RECORDER)
}

fn path(file: &SourceFile, function: &Function) -> String {
    format!("{}::{}", file.module, function.path)
}

/// The exit code as a shell would tell it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// Whether an error is that of an allocator beside ours.
fn is_second_allocator(error: &CompileError) -> bool {
    error.message.contains("global_allocator") && error.message.contains("hprof")
}
