//! Real engines that start many processes: 64 ranks of `mpirun`, Slurm and Spark.

use std::fs;
use std::path::Path;
use std::process::Command;

use hprof::model::Profile;

use super::{found, not_tested};
use crate::fixture::{Printed, hprof, printed};
use crate::workloads;

/// As root, with fewer cores than ranks; a rank that fails does not end the others.
const MPIRUN: &str =
    "mpirun --allow-run-as-root --oversubscribe -mca orte_abort_on_non_zero_status 0 -n 64";
/// Rank 17 is killed while it works, the others come to their end.
const ONE_IS_KILLED: &str = r#"
if [ "$OMPI_COMM_WORLD_RANK" = 17 ]; then
    (sleep 0.3; kill -9 $$) &
    exec "$0" 45
fi
exec "$0" 20
"#;
/// What a script ends with that cannot try its subject here.
const NOT_HERE: i32 = 77;

fn read(profile: &Path) -> Profile {
    hprof::pprof_file::read(profile).unwrap()
}

fn ranks(profile: &Profile) -> Vec<u32> {
    let processes = profile.processes.iter();
    processes.filter_map(|process| process.rank).collect()
}

fn exec(launcher: &str, profile: &Path) -> Command {
    let mut exec = hprof(["exec", "--report", "none", "--launcher", launcher, "-o"]);
    exec.arg(profile).arg("--");
    exec
}

#[test]
#[ignore = "make scale: minutes"]
fn of_sixty_four_ranks_one_is_killed_and_named() {
    if !workloads::has_mpi() {
        not_tested("64 ranks: no Open MPI (openmpi-bin libopenmpi-dev libclang-dev)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("ring.pb.gz");
    let mut ring = exec(MPIRUN, &profile);
    ring.arg(workloads::programs().join("ring"))
        .args(["--rounds", "3"]);
    let run = printed(&mut ring).code(0);
    assert_eq!(run.stdout, "The token is 6048 after 3 rounds of 64 ranks\n");
    assert!(ranks(&read(&profile)).into_iter().eq(0..64));
    let mut fib = exec(MPIRUN, &profile);
    fib.args(["sh", "-c", ONE_IS_KILLED])
        .arg(workloads::programs().join("fib"));
    let run =
        printed(&mut fib).says("rank 17 was ended by signal 9: the figures are those until then");
    assert_eq!(run.stdout.matches("fib(20) = 6765\n").count(), 63);
    let recorded = read(&profile);
    assert!(ranks(&recorded).into_iter().eq(0..64), "{run:#?}");
    let killed = recorded
        .processes
        .iter()
        .filter(|process| !process.finished);
    assert_eq!(
        killed.map(|process| process.rank).collect::<Vec<_>>(),
        [Some(17)]
    );
    found(format_args!(
        "64 ranks of mpirun: all arrived, the killed one is named"
    ));
}

/// Slurm is started for this, and stopped after it.
#[test]
#[ignore = "make scale: minutes"]
fn slurm_starts_four_ranks_of_one_profile() {
    if !workloads::has_mpi() {
        not_tested("Slurm: no Open MPI (openmpi-bin libopenmpi-dev libclang-dev)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("ring.pb.gz");
    let ring = exec("srun -n 4 --mpi=pmix", &profile);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster.sh");
    let mut cluster = Command::new("sh");
    cluster
        .arg(script)
        .arg(ring.get_program())
        .args(ring.get_args());
    cluster
        .arg(workloads::programs().join("ring"))
        .args(["--rounds", "50"]);
    let run = printed(&mut cluster);
    if run.code == Some(NOT_HERE) {
        not_tested(&format!("Slurm: {}", run.stderr));
        return;
    }
    let run = run.code(0);
    assert_eq!(run.stdout, "The token is 300 after 50 rounds of 4 ranks\n");
    assert_eq!(ranks(&read(&profile)), [0, 1, 2, 3]);
    assert!(!run.stderr.contains("missing"), "{run:#?}");
    found(format_args!("Slurm: 4 ranks, one profile"));
}

/// A few megabytes of words without a pattern.
fn text() -> String {
    let mut text = String::new();
    let mut odd = 1_u64;
    for number in 0..600_000 {
        odd = odd.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let end = if number % 12 == 11 { '\n' } else { ' ' };
        // Small numbers are more frequent, as the words of a text are.
        let word = (odd >> 33) % (1 + (odd >> 50) % 4_000);
        text.extend(["w", &word.to_string(), &end.to_string()]);
    }
    text
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
#[ignore = "make scale: minutes"]
fn spark_counts_words_as_rayon_does_in_four_workers_of_one_profile() {
    if !super::has_module("pyspark", "Spark") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("text"), text()).unwrap();
    let program = workloads::programs().join("word_count");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scale/word_count.py");
    let mut spark = hprof([
        "exec",
        "--report",
        "none",
        "-o",
        "spark.pb.gz",
        "--",
        "python3",
    ]);
    spark
        .arg(script)
        .args(["text".as_ref(), program.as_os_str(), "counts".as_ref()])
        .current_dir(folder.path());
    let asked = question(folder.path());
    let run = printed(spark.args(&asked)).code(0);
    let mut rayon = Command::new(&program);
    let rayon = printed(rayon.args(["--top", "1000000"]).arg(place("text"))).code(0);
    let counts = fs::read_to_string(place("counts")).unwrap();
    assert!(sorted(&counts) == sorted(&rayon.stdout), "other counts");
    assert!(rayon.stdout.lines().count() > 1_000);
    let profile = read(&place("spark.pb.gz"));
    let programs = profile.processes.iter().map(|process| process.exe.as_str());
    let workers = programs.filter(|exe| exe.ends_with("/word_count"));
    assert_eq!(workers.count(), 4, "{run:#?}");
    if !asked.is_empty() {
        answered(&run);
    }
    found(format_args!(
        "Spark: 4 workers, one profile, {} words",
        rayon.stdout.lines().count()
    ));
}

/// The table that Spark is asked about, and how: as docs/at-scale.md has it.
#[cfg(feature = "parquet")]
fn question(folder: &Path) -> Vec<String> {
    let ranks = tempfile::tempdir().unwrap();
    super::save(
        ranks.path(),
        super::Job {
            ranks: 40,
            functions: 4,
            uneven: false,
        },
    );
    let all = folder.join("all.pb.gz");
    printed(hprof(["merge", "-o"]).arg(&all).arg(ranks.path())).code(0);
    super::queries::export(&all, &folder.join("all.parquet"));
    super::queries::documented("python")
}

#[cfg(not(feature = "parquet"))]
fn question(_: &Path) -> Vec<String> {
    Vec::new()
}

/// Rank 7 is the slow one of forty.
fn answered(run: &Printed) {
    let rows = run.stdout.lines().filter(|row| row.starts_with('|'));
    let first = rows.skip(1).find_map(|row| row.split('|').nth(1));
    assert_eq!(first.map(str::trim), Some("7"), "{run:#?}");
}
