//! `hprof merge`: one profile of many.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use hprof::model::{Profile, Scope, function_costs};

use crate::fixture::{Printed, hprof, printed};
use crate::hostile::example;

/// The profile of a rank of four, saved under its number.
fn save_rank(folder: &Path, rank: u32, change: impl FnOnce(&mut Profile)) -> PathBuf {
    let mut profile = example::diffusion();
    profile.processes.truncate(1);
    let process = &mut profile.processes[0];
    process.pid = 1000 + rank;
    process.rank = Some(rank);
    process.ranks = Some(4);
    for thread in &mut process.threads {
        (thread.nodes[0].lines).change(|_, cost| cost.hits = 10 * (u64::from(rank) + 1));
    }
    change(&mut profile);
    let path = folder.join(format!("rank{rank}.pb.gz"));
    save(&path, &profile);
    path
}

fn save(path: &Path, profile: &Profile) {
    let mut bytes = Vec::new();
    hprof::pprof_file::write(profile, &mut bytes).unwrap();
    fs::write(path, bytes).unwrap();
}

fn ranks(folder: &Path, ranks: impl IntoIterator<Item = u32>) -> Vec<PathBuf> {
    ranks
        .into_iter()
        .map(|rank| save_rank(folder, rank, |_| ()))
        .collect()
}

fn merge(files: &[PathBuf], output: &Path) -> Printed {
    printed(hprof(["merge", "-o"]).arg(output).args(files))
}

/// Hits of the first line of all ranks.
fn hits(path: &Path) -> u64 {
    let costs = function_costs(&hprof::pprof_file::read(path).unwrap(), Scope::All);
    costs[0].lines[0].own.hits
}

#[test]
fn ranks_become_one_profile_in_whatever_order_and_groups() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let files = ranks(folder.path(), 0..4);
    let all = place("all.pb.gz");
    merge(&files, &all)
        .code(0)
        .says("hprof: merged 4 profiles into /");
    // Two threads of each.
    assert_eq!(hits(&all), 2 * (10 + 20 + 30 + 40));
    let merged = fs::read(&all).unwrap();
    let backwards: Vec<PathBuf> = files.iter().rev().cloned().collect();
    merge(&backwards, &place("backwards.pb.gz")).code(0);
    assert!(fs::read(place("backwards.pb.gz")).unwrap() == merged);
    merge(&files[1..3], &place("part.pb.gz"))
        .code(0)
        .says("2 of 4 ranks wrote; ranks 0, 3 are missing");
    let groups = [files[3].clone(), place("part.pb.gz"), files[0].clone()];
    merge(&groups, &place("groups.pb.gz")).code(0);
    assert!(fs::read(place("groups.pb.gz")).unwrap() == merged);
    merge(&files[..1], &place("one.pb.gz")).code(0);
    assert!(fs::read(place("one.pb.gz")).unwrap() == fs::read(&files[0]).unwrap());
    let show = printed(hprof(["show", "--threads"]).arg(&all)).code(0);
    assert!(show.stdout.contains("rank 3, all"), "{show:#?}");
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let files = ranks(folder.path(), [0, 1, 3]);
    fs::write(place("rank2.pb.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    fs::write(place("notes.txt"), "not looked at").unwrap();
    fs::write(place("foreign.pb.gz"), "of somebody else").unwrap();
    fs::create_dir(place("none")).unwrap();
    let all = place("all.pb.gz");
    for _ in 0..2 {
        // The second time the merged profile is in the folder.
        merge(
            &[folder.path().to_owned(), place("none"), place("missing")],
            &all,
        )
        .code(3)
        .says("rank2.pb.gz ends too early")
        .says("foreign.pb.gz is text, not a raw file of hprof")
        .says("left out: cannot read /")
        .says("none, which has no profile")
        .says("3 of 4 ranks wrote; rank 2 is missing")
        .says("hprof: merged 3 profiles into /");
        assert_eq!(hits(&all), 2 * (10 + 20 + 40));
    }
    // Of a process that is in two files one is left out.
    let twice = place("twice.pb.gz");
    merge(
        &[
            files[0].clone(),
            files[0].clone(),
            files[1].clone(),
            all.clone(),
        ],
        &twice,
    )
    .code(3)
    .says("left out: process 1000 on node3, which another file has too");
    assert_eq!(hits(&twice), 2 * (10 + 20 + 40));
    // Two processes of one rank are both counted, as those that a rank has started are, and that is said.
    let another = save_rank(&place("none"), 1, |profile| profile.processes[0].pid = 7);
    merge(
        &[files[0].clone(), files[1].clone(), another.clone()],
        &twice,
    )
    .code(0)
    .says("hprof: rank 1 is in several files, such as /")
    .says("none/rank1.pb.gz: their figures are added");
    assert_eq!(hits(&twice), 2 * (10 + 20 + 20));
    fs::remove_file(another).unwrap();
    let nothing = place("nothing.pb.gz");
    merge(&[place("rank2.pb.gz"), place("missing")], &nothing)
        .code(2)
        .says("none of the 2 files could be read");
    assert!(!nothing.exists());
    merge(&[place("none")], &nothing)
        .code(2)
        .says("no profile in /");
    merge(&files, Path::new("/dev/full"))
        .code(2)
        .says("the merged profile could not be saved");
}

/// Merges into a disk that has no room left, and looks at what was there before: `sh -c THIS HPROF FOLDER FILES..`
const FULL_DISK: &str = r#"
hprof=$0; disk=$1; shift
mount -t tmpfs -o size=64k tmpfs "$disk" || exit 77
cp "$1" "$disk/all.pb.gz"
dd if=/dev/zero of="$disk/rest" bs=4k 2>/dev/null
"$hprof" merge -o "$disk/all.pb.gz" "$@"
code=$?
cmp "$1" "$disk/all.pb.gz" && echo unchanged
ls -A "$disk"
exit $code
"#;

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let files = ranks(folder.path(), 0..2);
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mut merge = Command::new("unshare");
    merge
        .args(["--mount", "--propagation", "private", "sh", "-c", FULL_DISK])
        .arg(hprof::<&str>([]).get_program())
        .arg(&disk)
        .args(&files);
    let run = printed(&mut merge);
    if run.code != Some(2) && run.stdout.is_empty() {
        let note = b"NOT TESTED: merging onto a full disk: no mounts of our own\n";
        std::io::stderr().write_all(note).unwrap();
        return;
    }
    run.code(2)
        .says("the merged profile could not be saved")
        .says("No space left on device")
        .stdout("unchanged\nall.pb.gz\nrest\n");
}

#[test]
fn several_programs_or_builds_are_refused_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let one = save_rank(folder.path(), 0, |_| ());
    let program = save_rank(folder.path(), 1, |profile| {
        profile.processes[0].exe = "/elsewhere/other".into();
    });
    let build = save_rank(folder.path(), 2, |profile| {
        profile.functions[0].source[1] = "another text".into();
    });
    let moved = save_rank(folder.path(), 3, |profile| {
        profile.processes[0].exe = "/elsewhere/diffusion".into();
    });
    let all = folder.path().join("all.pb.gz");
    let path = |path: &Path| path.display().to_string();
    let programs = format!(
        "{} is of the program diffusion, {} of other",
        path(&one),
        path(&program)
    );
    let builds = format!(
        "{} and {} are of two builds, which differ in solve",
        path(&one),
        path(&build)
    );
    for (other, message) in [(&program, programs), (&build, builds)] {
        let files = [one.clone(), other.clone()];
        merge(&files, &all)
            .code(2)
            .says(&message)
            .says("hint: --mixed merges them all the same");
        assert!(!all.exists());
        let mut mixed = hprof(["merge", "--mixed", "-o"]);
        printed(mixed.arg(&all).args(&files)).code(0);
        fs::remove_file(&all).unwrap();
    }
    // Where a program lies says nothing of what it is.
    merge(&[one, moved], &all).code(0);
}
