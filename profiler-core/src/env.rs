//! Every environment variable that the command line tool and the recorder share.
//!
//! | variable | read by | meaning |
//! |---|---|---|
//! | `HPROF` | the macro and `hprof-core`'s build script, at build time | `lines`, `lines+split` or `calls`, each with an optional `+noalloc` |
//! | `HPROF_DIR` | recorder, at its first frame | folder for raw files; nothing is recorded without it |
//! | `HPROF_CLOCK` | recorder | `auto`, `exact`, `fenced` or `sampled` |
//! | `HPROF_SPACE` | recorder | bytes a process may use for its raw file, with an optional `K`, `M` or `G` |
//! | `HPROF_SAMPLER` | recorder | `0`: no sampler thread |
//! | `HPROF_OUT` | `hprof` | where to save the profile |
//! | `HPROF_LOG` | `hprof` | its own log, such as `debug` |

/// Build switch.
pub const SWITCH: &str = "HPROF";
/// Folder for raw files.
pub const DIR: &str = "HPROF_DIR";
/// Clock of the recorder.
pub const CLOCK: &str = "HPROF_CLOCK";
/// Space of the recorder.
pub const SPACE: &str = "HPROF_SPACE";
/// Switch of the sampler thread.
pub const SAMPLER: &str = "HPROF_SAMPLER";
/// Where to save the profile.
pub const OUT: &str = "HPROF_OUT";
/// Log of the tool itself.
pub const LOG: &str = "HPROF_LOG";
