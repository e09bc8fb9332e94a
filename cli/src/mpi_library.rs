//! Which MPI library a program is linked with: launchers of one kind start programs of another as so many jobs of one rank each.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A kind of MPI: its launcher and its library know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MpiKind {
    /// Open MPI.
    OpenMpi,
    /// MPICH and what is made of it, such as Intel MPI and MVAPICH2.
    Mpich,
}

/// Names by which programs ask for the libraries.
const LIBRARIES: [(&[u8], MpiKind); 3] = [
    (b"libmpi.so.40", MpiKind::OpenMpi),
    (b"libmpich.so.12", MpiKind::Mpich),
    (b"libmpi.so.12", MpiKind::Mpich),
];
/// Bytes of a program that are looked at.
const MOST: u64 = 512 << 20;

impl MpiKind {
    /// How it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenMpi => "Open MPI",
            Self::Mpich => "MPICH",
        }
    }

    /// The kind of the launcher that started this process, as far as its variables tell. Slurm and others know several kinds.
    pub(crate) fn of_launcher(has: impl Fn(&str) -> bool) -> Option<Self> {
        if has("OMPI_COMM_WORLD_RANK") {
            Some(Self::OpenMpi)
        } else if has("PMI_RANK")
            && !["SLURM_PROCID", "PMIX_RANK", "PALS_RANKID", "FLUX_TASK_RANK"]
                .into_iter()
                .any(has)
        {
            Some(Self::Mpich)
        } else {
            None
        }
    }

    /// The kind of the library that a program names. It may load another, so this is a hint.
    pub(crate) fn of_program(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut file = file.take(MOST);
        let mut window = Vec::new();
        let mut part = vec![0; 1 << 20];
        let longest = LIBRARIES.iter().map(|(name, _)| name.len()).max()?;
        loop {
            let read = file.read(&mut part).ok()?;
            if read == 0 {
                return None;
            }
            window.extend_from_slice(part.get(..read)?);
            if let Some(kind) = named_in(&window) {
                return Some(kind);
            }
            // A name may lie across two parts.
            window.drain(..window.len().saturating_sub(longest));
        }
    }
}

fn named_in(bytes: &[u8]) -> Option<MpiKind> {
    let mut starts = bytes.windows(6).enumerate();
    starts.find_map(|(at, start)| {
        let rest = bytes.get(at..).filter(|_| start == b"libmpi")?;
        let found = LIBRARIES.iter().find(|(name, _)| rest.starts_with(name));
        found.map(|(_, kind)| *kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_wherever_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let kind = |before: usize, name: &str| {
            let mut bytes = vec![b'l'; before];
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            std::fs::write(&program, bytes).unwrap();
            MpiKind::of_program(&program)
        };
        for before in [0, 17, (1 << 20) - 5, 1 << 20] {
            assert_eq!(kind(before, "libmpi.so.40"), Some(MpiKind::OpenMpi));
            assert_eq!(kind(before, "libmpich.so.12"), Some(MpiKind::Mpich));
            assert_eq!(kind(before, "libmpi"), None);
        }
        assert_eq!(MpiKind::of_program(folder.path()), None);
        assert_eq!(MpiKind::of_program(&folder.path().join("missing")), None);
    }

    #[test]
    fn launchers_of_several_kinds_say_nothing() {
        let of = |set: &[&str]| MpiKind::of_launcher(|name| set.contains(&name));
        assert_eq!(
            of(&["OMPI_COMM_WORLD_RANK", "PMIX_RANK"]),
            Some(MpiKind::OpenMpi)
        );
        assert_eq!(of(&["PMI_RANK"]), Some(MpiKind::Mpich));
        assert_eq!(of(&["PMI_RANK", "SLURM_PROCID"]), None);
        assert_eq!(of(&[]), None);
    }
}
