//! Every environment variable that the command line tool and the recorder share.
//!
//! | variable | read by | meaning |
//! |---|---|---|
//! | `HPROF` | the macro and `hprof-core`'s build script, at build time | `lines`, `lines+split` or `calls`, each with an optional `+noalloc` |
//! | `HPROF_FIT_<crate>` | the macro, at build time | a number and `:`, and the file that lists what an earlier run found too dear to measure in full |
//! | `HPROF_DIR` | recorder, at its first frame | folder for raw files; nothing is recorded without it |
//! | `HPROF_SHARED_DIR` | recorder | folder for raw files on machines that do not have `HPROF_DIR`: nodes of a cluster |
//! | `HPROF_RANK`, `HPROF_SIZE` | recorder | rank of the process in a parallel job, and the number of ranks, where no launcher's variables tell |
//! | `HPROF_CLOCK` | recorder | `auto`, `exact`, `fenced` or `sampled` |
//! | `HPROF_SPACE` | recorder | bytes a process may use for its raw file, with an optional `K`, `M` or `G` |
//! | `HPROF_SAMPLER` | recorder | `0`: no sampler thread |
//! | `HPROF_MEMORY` | recorder | `1`: read the resident set at line boundaries |
//! | `HPROF_MEMORY_BUDGET` | recorder | percent of the threads' time that those readings may take, 1 to 100; 5 if not given |
//! | `HPROF_RSS_SOURCE` | recorder | `auto`, `sysinfo` or `procfs` |
//! | `HPROF_ALLOC_EXACT` | recorder, at the first allocation | `1`: note every block, not a sample of them, so that live bytes are exact |
//! | `HPROF_NATIVE` | recorder with the feature `native` | samples a CPU second of the stacks of all code, 1 to 10000; none without it |
//! | `HPROF_OUT` | `hprof` | where to save the profile; a folder if it ends in `/` |
//! | `HPROF_LOG` | `hprof` | its own log, such as `debug` |

/// Clock sources of the kernel under which the time stamp counter is trusted.
pub const TRUSTED_CLOCK_SOURCES: [&str; 3] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page"];

/// Build switch.
pub const SWITCH: &str = "HPROF";
/// Beginning of the variables that name the lists of fitted functions; the name of the crate follows.
pub const FIT_PREFIX: &str = "HPROF_FIT_";
/// Folder for raw files.
pub const DIR: &str = "HPROF_DIR";
/// Folder for raw files where that one is not there.
pub const SHARED_DIR: &str = "HPROF_SHARED_DIR";
/// Clock of the recorder.
pub const CLOCK: &str = "HPROF_CLOCK";
/// Space of the recorder.
pub const SPACE: &str = "HPROF_SPACE";
/// Switch of the sampler thread.
pub const SAMPLER: &str = "HPROF_SAMPLER";
/// Switch of the readings of the resident set.
pub const MEMORY: &str = "HPROF_MEMORY";
/// Budget of those readings.
pub const MEMORY_BUDGET: &str = "HPROF_MEMORY_BUDGET";
/// Where those readings come from.
pub const RSS_SOURCE: &str = "HPROF_RSS_SOURCE";
/// Switch from a sample of the blocks to all of them.
pub const ALLOC_EXACT: &str = "HPROF_ALLOC_EXACT";
/// Rate of sampled stacks.
pub const NATIVE: &str = "HPROF_NATIVE";
/// Where to save the profile.
pub const OUT: &str = "HPROF_OUT";
/// Log of the tool itself.
pub const LOG: &str = "HPROF_LOG";

/// A number of bytes as `HPROF_SPACE` gives it: digits with an optional `K`, `M` or `G` (powers of 1024).
///
/// ```
/// assert_eq!(hprof::env::parse_bytes("16M"), Some(16 << 20));
/// assert_eq!(hprof::env::parse_bytes("16 apples"), None);
/// ```
#[must_use]
pub fn parse_bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let (digits, shift) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 10),
        b'M' | b'm' => (&text[..text.len() - 1], 20),
        b'G' | b'g' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// Rank of this process in a parallel job and the number of ranks, as far as the launcher's variables tell.
///
/// `HPROF_RANK` and `HPROF_SIZE` win over those of Open MPI, MPICH, PMIx, MVAPICH2, Cray PALS and Flux, and those over Slurm's: inside a Slurm batch
/// script all processes have rank 0 by `SLURM_PROCID`, so an inner `mpirun` must win.
///
/// ```
/// let (rank, ranks) = hprof::env::rank();
/// assert!(rank.is_none() || ranks.is_none() || rank < ranks);
/// ```
#[must_use]
pub fn rank() -> (Option<u32>, Option<u32>) {
    rank_by(|name| std::env::var(name).ok())
}

/// As [`rank`], with the variables that `variable` knows.
fn rank_by(variable: impl Fn(&str) -> Option<String>) -> (Option<u32>, Option<u32>) {
    /// Variables of a rank, each with those that may have the number of ranks. PMIx has none of its own for that.
    const KNOWN: [(&str, &[&str]); 8] = [
        ("HPROF_RANK", &["HPROF_SIZE"]),
        ("OMPI_COMM_WORLD_RANK", &["OMPI_COMM_WORLD_SIZE"]),
        ("PMI_RANK", &["PMI_SIZE"]),
        (
            "PMIX_RANK",
            &["PMIX_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"],
        ),
        ("MV2_COMM_WORLD_RANK", &["MV2_COMM_WORLD_SIZE"]),
        ("PALS_RANKID", &["PALS_SIZE"]),
        ("FLUX_TASK_RANK", &["FLUX_JOB_SIZE"]),
        ("SLURM_PROCID", &["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"]),
    ];
    let number = |name: &str| variable(name)?.trim().parse::<u32>().ok();
    for (rank, sizes) in KNOWN {
        if let Some(rank) = number(rank) {
            let mut sizes = sizes.iter().filter_map(|name| number(name));
            return (Some(rank), sizes.find(|size| *size > rank));
        }
    }
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(set: &[(&str, &str)]) -> (Option<u32>, Option<u32>) {
        rank_by(|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_inner_launcher_wins_over_an_outer_one() {
        let batch = [("SLURM_PROCID", "0"), ("SLURM_NTASKS", "1")];
        assert_eq!(rank(&batch), (Some(0), Some(1)));
        let inner = [
            ("OMPI_COMM_WORLD_RANK", "3"),
            ("OMPI_COMM_WORLD_SIZE", "4"),
            ("PMIX_RANK", "3"),
        ];
        assert_eq!(rank(&[&batch[..], &inner].concat()), (Some(3), Some(4)));
        let own = [("HPROF_RANK", "7"), ("HPROF_SIZE", "8")];
        assert_eq!(
            rank(&[&batch[..], &inner, &own].concat()),
            (Some(7), Some(8))
        );
    }

    #[test]
    fn a_size_that_cannot_be_is_none() {
        let step = &[
            ("PMIX_RANK", "2"),
            ("SLURM_STEP_NUM_TASKS", "1"),
            ("SLURM_NTASKS", "4"),
        ];
        assert_eq!(rank(step), (Some(2), Some(4)));
        assert_eq!(
            rank(&[("PMI_RANK", "2"), ("PMI_SIZE", "two")]),
            (Some(2), None)
        );
        assert_eq!(rank(&[("PMI_RANK", "-1")]), (None, None));
        assert_eq!(rank(&[]), (None, None));
    }
}
