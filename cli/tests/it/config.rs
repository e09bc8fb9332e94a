//! Options and the folder for profiles in `hprof.toml`.

use std::fs;

use crate::fixture::{Fixture, hprof, printed};
use crate::hostile::example;

#[test]
fn the_nearest_file_gives_options_that_were_not_typed() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("one/two");
    fs::create_dir_all(&below).unwrap();
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&example::diffusion(), &mut bytes).unwrap();
    fs::write(below.join("a.pb.gz"), bytes).unwrap();
    let show = |options: &[&str]| {
        let mut show = hprof(["show"]);
        show.args(options).arg("a.pb.gz");
        printed(show.current_dir(&below))
    };
    let plain = show(&[]).code(0).stdout;
    let hot = show(&["--hot", "1"]).code(0).stdout;
    assert_ne!(plain, hot);
    let config = folder.path().join("hprof.toml");
    fs::write(&config, "[options.show]\nhot = 1\n").unwrap();
    show(&[]).code(0).stdout(&hot);
    show(&["--no-hprof-config"]).code(0).stdout(&plain);
    // What goes with it no longer does, and gives way.
    let functions = show(&["--by-function", "--no-hprof-config"]).code(0).stdout;
    show(&["--by-function"]).code(0).stdout(&functions);
    let other = folder.path().join("other.toml");
    fs::write(&other, "[options.show]\nhott = 1\n").unwrap();
    show(&["--hprof-config", "../../other.toml"])
        .code(2)
        .says("other.toml: [options.show]: there is no key `hott`")
        .says("is `hot` meant?");
    show(&["--hprof-config", "no-such.toml"])
        .code(2)
        .says("cannot read ")
        .says("no-such.toml");
    fs::write(&config, "[option.show]\nhot = 1\n").unwrap();
    show(&[])
        .code(2)
        .says("there is no key `option`")
        .says("is `options` meant?");
    show(&["--no-hprof-config"]).code(0).stdout(&plain);
    // It has nothing to say of what is no report.
    printed(hprof(["guide"]).current_dir(&below)).code(0);
}

#[test]
fn runs_are_saved_in_the_folder_that_the_file_names_and_found_there() {
    let project = Fixture::own("annotated");
    project.write(
        "hprof.toml",
        "output-folder = 'my profiles'\n[options.run]\nreport = 'none'\nclock = 'exact'\n",
    );
    let hprof = |words: &[&str]| {
        let mut command = project.hprof(words);
        printed(
            command
                .env_remove("HPROF_OUT")
                .current_dir(project.project().join("src")),
        )
    };
    let run = hprof(&["run", "--", "10"]).code(0);
    let saved = project.project().join("my profiles");
    assert_eq!(fs::read_dir(&saved).unwrap().count(), 1, "{run:?}");
    assert!(!run.stderr.contains("Function: "), "{run:?}");
    let shown = hprof(&["show"])
        .code(0)
        .says("showing ")
        .says("my profiles");
    assert!(shown.stdout.contains("Clock      exact"), "{shown:?}");
    assert!(hprof(&["list"]).code(0).stdout.contains("my profiles"));
    // What else is there is nobody's but the user's.
    hprof(&["clean"]).code(0).says("deleted 0 of 0 profiles");
    assert_eq!(fs::read_dir(&saved).unwrap().count(), 1);
    hprof(&["run", "-o", "here.pb.gz", "--", "10"]).code(0);
    assert!(project.project().join("src/here.pb.gz").is_file());
}
