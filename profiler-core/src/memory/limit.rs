//! What the control groups of this process let it use of the memory. Pages of the raw file count there as the program's own, so a file that grew to its
//! full length could have a program killed that runs well by itself.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// No file of the system is read further; what lies behind counts as missing.
const MOST_BYTES: u64 = 1 << 20;
/// Groups above a group that are looked at.
const MOST_LEVELS: usize = 64;
/// Names of the limit: in the unified hierarchy (version 2), and in the older one for each resource.
const FILES: [&str; 2] = ["memory.max", "memory.limit_in_bytes"];

/// The lowest limit of the group of this process and of those above, in bytes; `None` if there is none or it is not known. No limit is told as a
/// number near the highest by version 1, which is as good.
pub(crate) fn of_group() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let groups = read(Path::new("/proc/self/cgroup"))?;
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    hierarchies(&mounts)
        .filter_map(|hierarchy| hierarchy.limit(&groups))
        .min()
}

/// A hierarchy of groups that may have limits of memory.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    /// Version 2: one for all resources.
    unified: bool,
    /// The group that is mounted.
    root: PathBuf,
    /// Where.
    place: PathBuf,
}

/// Finds the hierarchies in `/proc/self/mountinfo`. A line has an id, that of its parent, the device, the root, the place, options, more
/// fields up to a dash, and then type, source and options of the file system.
fn hierarchies(mounts: &[u8]) -> impl Iterator<Item = Hierarchy> {
    mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let dash = fields.iter().skip(6).position(|field| *field == b"-")? + 6;
        let unified = match *fields.get(dash + 1)? {
            b"cgroup2" => true,
            b"cgroup" => false,
            _ => return None,
        };
        let mut options = fields.get(dash + 3)?.split(|byte| *byte == b',');
        (unified || options.any(|option| option == b"memory")).then_some(())?;
        Some(Hierarchy {
            unified,
            root: unescaped(fields.get(3)?),
            place: unescaped(fields.get(4)?),
        })
    })
}

/// A path with `\040` for a space and the like.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code.filter(|_| byte == b'\\') {
            Some(code) => {
                path.push(code);
                rest = &after[3..];
            }
            None => {
                path.push(byte);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(path).into()
}

impl Hierarchy {
    /// The lowest limit from the group of `/proc/self/cgroup` up to the one that is mounted.
    fn limit(&self, groups: &[u8]) -> Option<u64> {
        let group = self.group(groups)?;
        // In a container the path may be that of the machine outside, of which only the own part is mounted.
        let below = group.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let is_plain = below
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let below = if is_plain { below } else { Path::new("") };
        let levels = below.ancestors().take(MOST_LEVELS);
        let limits = levels.filter_map(|level| {
            let folder = self.place.join(level);
            FILES
                .iter()
                .find_map(|file| bytes(&read(&folder.join(file))?))
        });
        limits.min()
    }

    /// The path of the group: a line has a number, the resources, and the path.
    fn group(&self, groups: &[u8]) -> Option<PathBuf> {
        groups.split(|byte| *byte == b'\n').find_map(|line| {
            let mut fields = line.splitn(3, |byte| *byte == b':');
            let (_, resources, path) = (fields.next()?, fields.next()?, fields.next()?);
            let ours = if self.unified {
                resources.is_empty()
            } else {
                resources
                    .split(|byte| *byte == b',')
                    .any(|one| one == b"memory")
            };
            let path = Path::new(std::ffi::OsStr::from_bytes(path));
            (ours && path.is_absolute()).then(|| path.to_owned())
        })
    }
}

/// The number that a file holds; `None` for `max` and for what makes no sense.
fn bytes(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The limit of a group whose hierarchy is mounted in a folder of ours.
    fn limit(unified: bool, root: &str, group: &str, limits: &[(&str, &str)]) -> Option<u64> {
        let place = std::env::temp_dir().join(format!(
            "hprof limit {} {:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        for (folder, text) in limits {
            let folder = place.join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(FILES[usize::from(!unified)]), text).unwrap();
        }
        let name = place.to_str().unwrap().replace(' ', "\\040");
        let kind = if unified {
            "cgroup2 x rw"
        } else {
            "cgroup x rw,memory"
        };
        let mounts = format!(
            "20 1 0:5 / /proc rw - proc proc rw\n32 31 0:29 {root} {name} rw,relatime shared:7 - {kind}\n\n"
        );
        let line = if unified {
            format!("9:name=systemd:/elsewhere\n0::{group}\n")
        } else {
            format!("0::/elsewhere\n4:cpu,memory:{group}\n")
        };
        let found = hierarchies(mounts.as_bytes())
            .filter_map(|hierarchy| hierarchy.limit(line.as_bytes()))
            .min();
        fs::remove_dir_all(&place).unwrap();
        found
    }

    #[test]
    fn the_lowest_limit_of_a_group_and_those_above_counts() {
        for unified in [true, false] {
            let of = |root, group, limits: &[_]| limit(unified, root, group, limits);
            assert_eq!(
                of("/", "/a/b", &[("a/b", "500\n"), ("a", "300\n")]),
                Some(300)
            );
            assert_eq!(
                of("/", "/a/b", &[("a/b", "200\n"), ("a", "300\n")]),
                Some(200)
            );
            assert_eq!(of("/", "/a/b", &[("a/b", "max\n"), ("a", "max\n")]), None);
            assert_eq!(
                of("/", "/a", &[("a/b", "7\n"), ("a", "9223372036854771712\n")]),
                Some(9_223_372_036_854_771_712)
            );
        }
    }

    #[test]
    fn in_a_container_its_own_group_is_what_is_mounted() {
        for unified in [true, false] {
            let of = |root, group| limit(unified, root, group, &[("", "64\n"), ("below", "32\n")]);
            assert_eq!(of("/docker/1", "/docker/1"), Some(64));
            assert_eq!(of("/docker/1", "/docker/1/below"), Some(32));
            // As seen from a name space of groups, or from another one.
            assert_eq!(of("/", "/"), Some(64));
            assert_eq!(of("/docker/1", "/"), Some(64));
            assert_eq!(of("/", "/../../x"), Some(64));
            assert_eq!(of("/", "/not/mounted/here"), Some(64));
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_limit() {
        for text in [
            "",
            "-1",
            "12 13",
            "1e9",
            "99999999999999999999999",
            "\u{fe}",
        ] {
            assert_eq!(limit(true, "/", "/a", &[("a", text)]), None, "{text}");
        }
        for mounts in [
            "",
            " ",
            "-",
            "a b c d e f g - cgroup2",
            "1 2 3 / /x - - - - -",
            "\\",
            "1 2 3 \\0 \\777 o - cgroup2 x y",
        ] {
            assert!(
                hierarchies(mounts.as_bytes())
                    .all(|found| found.limit(b"::::\n0::\n:::/\n").is_none())
            );
        }
        // Whatever there is here.
        let _ = of_group();
    }
}
