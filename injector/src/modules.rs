//! The files of a crate: from its root, by the modules and included files that each file names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, ItemMod, Lit, LitStr, Macro, Meta, Token};

use crate::functions::cfg_if_items;
use crate::source::{Edition, Source};

/// No source file is read further.
const LONGEST: u64 = 64 << 20;

/// Another file that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `mod name;` in these inline modules, with the paths that attributes may give it.
    Module {
        name: String,
        inline: Vec<Inline>,
        paths: Vec<String>,
    },
    /// `include!("..")`
    Included { path: String, around: Vec<String> },
    /// `include_str!("..")` or `include_bytes!("..")`: the program sees the text.
    Embedded(String),
}

/// An inline module around another, and the folder that an attribute gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inline {
    name: String,
    path: Option<String>,
}

/// The files of a crate that can be instrumented.
#[derive(Debug, Default)]
pub struct Crate {
    /// The root first.
    pub files: Vec<SourceFile>,
    /// Files that are no Rust of today, as far as the parser knows it.
    pub unreadable: Vec<PathBuf>,
}

/// A file, read and parsed.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it is, as its crate names it.
    pub path: PathBuf,
    /// Path of its module, beginning with the name of the crate.
    pub module: String,
    /// What it says.
    pub text: String,
    /// What was found in it.
    pub source: Source,
}

impl Crate {
    /// Reads the crate called `name` from its root on.
    #[must_use]
    pub fn read(name: &str, root: &Path, edition: Edition) -> Self {
        let mut reader = Reader {
            edition,
            found: Self::default(),
            seen: BTreeSet::new(),
            embedded: BTreeSet::new(),
        };
        reader.file(root, name.to_owned(), true);
        let Reader {
            mut found,
            embedded,
            ..
        } = reader;
        // The program would see the attributes.
        found
            .files
            .retain(|file| !embedded.contains(&real(&file.path)));
        found
    }
}

struct Reader {
    edition: Edition,
    found: Crate,
    seen: BTreeSet<PathBuf>,
    embedded: BTreeSet<PathBuf>,
}

impl Reader {
    /// Reads a file and all that it names. The modules of a file that `owns_folder` are in its own folder, those of another in one of its name.
    fn file(&mut self, path: &Path, module: String, owns_folder: bool) {
        if !self.seen.insert(real(path)) {
            return;
        }
        let is_small =
            fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() <= LONGEST);
        let text = if is_small {
            fs::read_to_string(path).ok()
        } else {
            None
        };
        let source = text
            .as_deref()
            .and_then(|text| Source::parse(text, self.edition));
        let (Some(text), Some(source)) = (text, source) else {
            self.found.unreadable.push(path.to_owned());
            return;
        };
        let references = source.references.clone();
        self.found.files.push(SourceFile {
            path: path.to_owned(),
            module: module.clone(),
            text,
            source,
        });
        let folder = path.parent().unwrap_or(Path::new(""));
        let inside = if owns_folder {
            folder.to_owned()
        } else {
            path.with_extension("")
        };
        for reference in references {
            self.follow(reference, folder, &inside, &module);
        }
    }

    fn follow(&mut self, reference: Reference, folder: &Path, inside: &Path, module: &str) {
        match reference {
            Reference::Module {
                name,
                inline,
                paths,
            } => {
                let mut around = if inline.is_empty() {
                    folder.to_owned()
                } else {
                    inside.to_owned()
                };
                let mut below = inside.to_owned();
                let mut full = module.to_owned();
                for one in &inline {
                    full = format!("{full}::{}", one.name);
                    let part = one
                        .path
                        .as_deref()
                        .unwrap_or(one.name.trim_start_matches("r#"));
                    around.push(part);
                    below.push(part);
                }
                full = format!("{full}::{name}");
                for path in paths {
                    self.existing(&around.join(path), &full, true);
                }
                let name = name.trim_start_matches("r#");
                self.existing(&below.join(format!("{name}.rs")), &full, false);
                self.existing(&below.join(name).join("mod.rs"), &full, true);
            }
            Reference::Included { path, around } => {
                let full = std::iter::once(module.to_owned()).chain(around);
                let full: Vec<String> = full.collect();
                self.included(&folder.join(path), &full.join("::"));
            }
            Reference::Embedded(path) => {
                self.embedded.insert(real(&folder.join(path)));
            }
        }
    }

    fn existing(&mut self, path: &Path, module: &str, owns_folder: bool) {
        if path.is_file() {
            self.file(path, module.to_owned(), owns_folder);
        }
    }

    /// An included file can be an expression, or data: then it is none of ours.
    fn included(&mut self, path: &Path, module: &str) {
        let unreadable = self.found.unreadable.len();
        self.existing(path, module, true);
        self.found.unreadable.truncate(unreadable);
    }
}

/// The file itself, whatever links lead there.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The files that a file names.
pub(crate) fn references(file: &syn::File, tokens: TokenStream) -> Vec<Reference> {
    let mut finder = Finder::default();
    finder.visit_file(file);
    embedded(tokens, &mut finder.found);
    finder.found
}

#[derive(Default)]
struct Finder {
    found: Vec<Reference>,
    inline: Vec<Inline>,
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let mut paths = paths(&item.attrs);
        let name = item.ident.to_string();
        if item.content.is_some() {
            self.inline.push(Inline {
                name,
                path: paths.pop(),
            });
            visit::visit_item_mod(self, item);
            self.inline.pop();
        } else {
            self.found.push(Reference::Module {
                name,
                inline: self.inline.clone(),
                paths,
            });
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let last = item.path.segments.last();
        let last = last.map(|last| last.ident.to_string());
        match last.as_deref() {
            Some("include") => {
                if let Ok(path) = syn::parse2::<LitStr>(item.tokens.clone()) {
                    let around = self.inline.iter().map(|one| one.name.clone());
                    self.found.push(Reference::Included {
                        path: path.value(),
                        around: around.collect(),
                    });
                }
            }
            Some("cfg_if") => {
                for item in cfg_if_items(item.tokens.clone()) {
                    self.visit_item(&item);
                }
            }
            _ => self.modules_among(item.tokens.clone()),
        }
    }
}

impl Finder {
    /// `mod name;` among the tokens of a macro, which may hand it on.
    fn modules_among(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.modules_among(group.stream());
            }
            if let [
                TokenTree::Ident(word),
                TokenTree::Ident(name),
                TokenTree::Punct(end),
                ..,
            ] = &tokens[at..]
                && word == "mod"
                && end.as_char() == ';'
            {
                self.found.push(Reference::Module {
                    name: name.to_string(),
                    inline: self.inline.clone(),
                    paths: Vec::new(),
                });
            }
        }
    }
}

/// All paths that `#[path = ".."]` gives, under whatever condition.
fn paths(attrs: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attr in attrs {
        paths_in(&attr.meta, &mut found);
    }
    found
}

fn paths_in(meta: &Meta, found: &mut Vec<String>) {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => {
            if let Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) = &pair.value
            {
                found.push(path.value());
            }
        }
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
            if let Ok(parts) = list.parse_args_with(parser) {
                for part in parts.iter().skip(1) {
                    paths_in(part, found);
                }
            }
        }
        _ => {}
    }
}

/// The files whose text the program embeds, wherever in the text that stands.
fn embedded(tokens: TokenStream, found: &mut Vec<Reference>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            embedded(group.stream(), found);
        }
        if let [
            TokenTree::Ident(name),
            TokenTree::Punct(sign),
            TokenTree::Group(group),
            ..,
        ] = &tokens[at..]
            && (name == "include_str" || name == "include_bytes")
            && sign.as_char() == '!'
            && let Ok(path) = syn::parse2::<LitStr>(group.stream())
        {
            found.push(Reference::Embedded(path.value()));
        }
    }
}
