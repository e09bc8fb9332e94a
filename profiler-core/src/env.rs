//! Every environment variable that the command line tool and the recorder share.
//!
//! | variable | read by | meaning |
//! |---|---|---|
//! | `HPROF` | the macro and `hprof-core`'s build script, at build time | `lines`, `lines+split` or `calls`, each with an optional `+noalloc` |
//! | `HPROF_FIT_<crate>` | the macro, at build time | a number and `:`, and the file that lists what an earlier run found too dear to measure in full |
//! | `HPROF_DIR` | recorder, at its first frame | folder for raw files; nothing is recorded without it |
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

/// Build switch.
pub const SWITCH: &str = "HPROF";
/// Beginning of the variables that name the lists of fitted functions; the name of the crate follows.
pub const FIT_PREFIX: &str = "HPROF_FIT_";
/// Folder for raw files.
pub const DIR: &str = "HPROF_DIR";
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
/// `HPROF_RANK` and `HPROF_SIZE` win over those of Open MPI, MPICH, PMIx, MVAPICH2 and Slurm, in this order: inside a Slurm batch
/// script an inner `mpirun` must win.
///
/// ```
/// let (rank, ranks) = hprof::env::rank();
/// assert!(rank.is_none() || ranks.is_none() || rank < ranks);
/// ```
#[must_use]
pub fn rank() -> (Option<u32>, Option<u32>) {
    const PAIRS: [(&str, &str); 6] = [
        ("HPROF_RANK", "HPROF_SIZE"),
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        ("PMI_RANK", "PMI_SIZE"),
        ("PMIX_RANK", "PMIX_SIZE"),
        ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ];
    let number = |name| std::env::var(name).ok()?.trim().parse::<u32>().ok();
    PAIRS
        .into_iter()
        .find_map(|(rank, size)| Some((Some(number(rank)?), number(size))))
        .unwrap_or((None, None))
}
