//! Which file a path leads to: through modules and re-exports to the one that defines the name.

use super::source::{Module, ModuleId, Source};

/// More re-exports than this, one after the other, are a circle of their own.
const DEEPEST: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// Something that the file defines.
    In(usize),
    /// A module itself. Naming it uses nothing yet: the paths that begin with it do.
    Module(ModuleId),
}

/// The file whose definitions the path of a module uses, if it belongs to the crate.
pub(super) fn file_of(source: &Source, module: ModuleId, path: &[String]) -> Option<usize> {
    match find(source, module, path, 0)? {
        Found::In(file) => Some(file),
        Found::Module(_) => None,
    }
}

/// The file of the module that `use path::*` takes everything from.
pub(super) fn file_of_glob(source: &Source, module: ModuleId, path: &[String]) -> Option<usize> {
    match find(source, module, path, 0)? {
        Found::In(file) => Some(file),
        Found::Module(module) => Some(source.modules[module].file),
    }
}

fn find(source: &Source, module: ModuleId, path: &[String], depth: usize) -> Option<Found> {
    let mut module = module;
    let mut is_qualified = false;
    for (place, name) in path.iter().enumerate() {
        let next = match name.as_str() {
            "crate" => root_of(source, module),
            "self" => module,
            "super" => source.modules[module].parent?,
            _ => return find_within(source, module, &path[place..], is_qualified, depth),
        };
        module = next;
        is_qualified = true;
    }
    Some(Found::Module(module))
}

fn root_of(source: &Source, mut module: ModuleId) -> ModuleId {
    while let Some(parent) = source.modules[module].parent {
        module = parent;
    }
    module
}

/// `is_qualified` says that the path can only mean something in this module, even if only a macro defines it.
fn find_within(
    source: &Source,
    id: ModuleId,
    path: &[String],
    is_qualified: bool,
    depth: usize,
) -> Option<Found> {
    let module: &Module = &source.modules[id];
    let (name, rest) = path.split_first()?;
    let child = module.children.get(name).copied();
    if depth > DEEPEST {
        return None;
    }
    if let (Some(child), false) = (child, rest.is_empty()) {
        return find_within(source, child, rest, true, depth + 1);
    }
    if let Some(used) = module.uses.get(name) {
        match find(source, id, used, depth + 1) {
            Some(Found::Module(used)) if !rest.is_empty() => {
                return find_within(source, used, rest, true, depth + 1);
            }
            Some(found) => return Some(found),
            // Another crate's, or a module and a function of one name: `use merge::merge`.
            None if child.is_none() => return None,
            None => {}
        }
    }
    if module.items.contains(name) {
        return Some(Found::In(module.file));
    }
    if let Some(child) = child {
        return Some(Found::Module(child));
    }
    let through_glob =
        module
            .globs
            .iter()
            .find_map(|glob| match find(source, id, glob, depth + 1)? {
                Found::Module(other) if other != id => {
                    find_within(source, other, path, false, depth + 1)
                }
                _ => None,
            });
    through_glob.or(is_qualified.then_some(Found::In(module.file)))
}
