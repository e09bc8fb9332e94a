//! The modules of one crate as they stand in its files: the names that each defines, what it imports, and the paths in its code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Meta, Stmt, Token, UseTree};

/// The place of a module in [`Source::modules`].
pub(super) type ModuleId = usize;

#[derive(Default)]
pub(super) struct Source {
    /// Relative to the folder `src`.
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<Module>,
}

pub(super) struct Module {
    pub(super) parent: Option<ModuleId>,
    pub(super) file: usize,
    pub(super) children: BTreeMap<String, ModuleId>,
    /// Types, functions, constants and macros that it defines.
    pub(super) items: BTreeSet<String>,
    /// Paths by the names that `use` gives them.
    pub(super) uses: BTreeMap<String, Vec<String>>,
    /// Paths of `use path::*`.
    pub(super) globs: Vec<Vec<String>>,
    /// Every path in its imports and in its code.
    pub(super) mentions: Vec<Mention>,
}

pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) is_glob: bool,
}

impl Source {
    /// All modules below the folder `src`, but for those of tests. A file that no other one declares is the root of a program.
    pub(super) fn read(src: &Path) -> Result<Self, String> {
        let mut source = Self::default();
        for root in ["lib.rs", "main.rs"] {
            if src.join(root).exists() {
                source.add_file(src, root.into(), None)?;
            }
        }
        for file in source_files(src).map_err(|error| format!("{}: {error}", src.display()))? {
            let is_test = file.components().any(|part| {
                Path::new(part.as_os_str())
                    .file_stem()
                    .is_some_and(|stem| stem == "tests")
            });
            let is_program =
                file.parent() == Some(Path::new("bin")) || file.parent() == Some(Path::new(""));
            if is_program && !is_test && !source.files.contains(&file) {
                source.add_file(src, file, None)?;
            }
        }
        Ok(source)
    }

    fn add_file(
        &mut self,
        src: &Path,
        file: PathBuf,
        parent: Option<ModuleId>,
    ) -> Result<ModuleId, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(src.join(&file)).map_err(|error| failed(&error))?;
        let syntax = syn::parse_file(&text).map_err(|error| failed(&error))?;
        self.files.push(file.clone());
        let module = self.add_module(self.files.len() - 1, parent);
        let stem = file.file_stem().unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new(""));
        let folder = if parent.is_none() || stem == "mod" {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        self.add_items(src, &folder, module, &syntax.items)?;
        Ok(module)
    }

    fn add_module(&mut self, file: usize, parent: Option<ModuleId>) -> ModuleId {
        self.modules.push(Module {
            parent,
            file,
            children: BTreeMap::new(),
            items: BTreeSet::new(),
            uses: BTreeMap::new(),
            globs: Vec::new(),
            mentions: Vec::new(),
        });
        self.modules.len() - 1
    }

    /// `folder` is where the files of the module's children lie.
    fn add_items(
        &mut self,
        src: &Path,
        folder: &Path,
        module: ModuleId,
        items: &[Item],
    ) -> Result<(), String> {
        for item in items {
            if let Item::Mod(child) = item {
                if is_of_tests(&child.attrs) {
                    continue;
                }
                let name = child.ident.to_string();
                let id = if let Some((_, items)) = &child.content {
                    let id = self.add_module(self.modules[module].file, Some(module));
                    self.add_items(src, &folder.join(&name), id, items)?;
                    id
                } else {
                    self.add_file(src, file_of(src, folder, child), Some(module))?
                };
                self.modules[module].children.insert(name, id);
            } else {
                let module = &mut self.modules[module];
                module.items.extend(defined(item));
                Mentions { module }.visit_item(item);
            }
        }
        Ok(())
    }
}

/// All files below a folder that are Rust, relative to it and sorted.
fn source_files(src: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut left = vec![PathBuf::new()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(src.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path);
            }
        }
    }
    Ok(files)
}

/// The file of `mod name;`.
fn file_of(src: &Path, folder: &Path, module: &syn::ItemMod) -> PathBuf {
    let named = module.attrs.iter().find_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?.value;
        let is_path = attribute.path().is_ident("path");
        match value {
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(path),
                ..
            }) if is_path => Some(path.value()),
            _ => None,
        }
    });
    if let Some(path) = named {
        return folder.join(path);
    }
    let beside = folder.join(format!("{}.rs", module.ident));
    if src.join(&beside).exists() {
        beside
    } else {
        folder.join(module.ident.to_string()).join("mod.rs")
    }
}

/// Whether something is compiled for tests alone.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<Meta>()
                .is_ok_and(|condition| needs_test(&condition))
    })
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|all| all.iter().any(needs_test)),
        _ => false,
    }
}

/// The name that an item gives to its module; imports are looked up by themselves.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

struct Mentions<'a> {
    module: &'a mut Module,
}

impl Mentions<'_> {
    fn add(&mut self, path: Vec<String>, line: usize, is_glob: bool) {
        self.module.mentions.push(Mention {
            path,
            line,
            is_glob,
        });
    }

    fn add_use(&mut self, prefix: &[String], tree: &UseTree) {
        let longer = |name: &syn::Ident| {
            let mut path = prefix.to_vec();
            if name != "self" || prefix.is_empty() {
                path.push(name.to_string());
            }
            path
        };
        match tree {
            UseTree::Path(tree) => self.add_use(&longer(&tree.ident), &tree.tree),
            UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.add_use(prefix, tree);
                }
            }
            UseTree::Name(tree) => {
                let path = longer(&tree.ident);
                let name = path.last().cloned().unwrap_or_default();
                self.module.uses.insert(name, path.clone());
                self.add(path, tree.ident.span().start().line, false);
            }
            UseTree::Rename(tree) => {
                let path = longer(&tree.ident);
                self.module
                    .uses
                    .insert(tree.rename.to_string(), path.clone());
                self.add(path, tree.ident.span().start().line, false);
            }
            UseTree::Glob(tree) => {
                self.module.globs.push(prefix.to_vec());
                self.add(prefix.to_vec(), tree.star_token.spans[0].start().line, true);
            }
        }
    }

    /// Paths in the tokens of a macro: names between which two colons stand.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(sign) if sign.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.end_of_path(&mut path, line);
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => {
                            line = name.span().start().line;
                            path.push(name.to_string());
                        }
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.end_of_path(&mut path, line);
    }

    fn end_of_path(&mut self, path: &mut Vec<String>, line: usize) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.add(path, line, false);
        }
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !is_of_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if !is_of_tests(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes: &[Attribute] = match statement {
            Stmt::Local(statement) => &statement.attrs,
            Stmt::Expr(Expr::Block(statement), _) => &statement.attrs,
            Stmt::Expr(Expr::Call(statement), _) => &statement.attrs,
            Stmt::Expr(Expr::If(statement), _) => &statement.attrs,
            _ => &[],
        };
        if !is_of_tests(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names = path.segments.iter().map(|part| part.ident.to_string());
            let line = path.segments[0].ident.span().start().line;
            self.add(names.collect(), line, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    /// Neither the lints of attributes nor `pub(in path)` need what they name.
    fn visit_attribute(&mut self, _attribute: &'ast Attribute) {}

    fn visit_visibility(&mut self, _visibility: &'ast syn::Visibility) {}
}
