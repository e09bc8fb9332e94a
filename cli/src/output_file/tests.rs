//! Writing into what is no regular file, on pipes and links of a folder of our own.

use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    OutputFile::new(path)?.write(|out| Ok(out.write_all(text.as_bytes())?))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn a_regular_file_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    write(&path, "one").unwrap();
    write(&path, "two").unwrap();
    let failed = OutputFile::new(&path).unwrap().write(|out| {
        out.write_all(b"three")?;
        anyhow::bail!("no more")
    });
    assert!(failed.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(names(folder.path()), ["report"]);
}

#[test]
fn links_stay_and_what_they_point_to_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::create_dir(place("below")).unwrap();
    symlink("below/file", place("link")).unwrap();
    symlink(place("link"), place("link-to-link")).unwrap();
    symlink("circle", place("circle")).unwrap();
    symlink("missing/file", place("dangling")).unwrap();
    // The first time there is nothing behind the links.
    for text in ["one", "two"] {
        write(&place("link-to-link"), text).unwrap();
        assert!(place("link").is_symlink() && place("link-to-link").is_symlink());
        assert!(!place("below/file").is_symlink());
        assert_eq!(fs::read_to_string(place("below/file")).unwrap(), text);
    }
    for refused in ["circle", "dangling", "below"] {
        assert!(write(&place(refused), "text").is_err(), "{refused}");
    }
    assert_eq!(
        names(folder.path()),
        ["below", "circle", "dangling", "link", "link-to-link"]
    );
}

#[test]
fn a_pipe_stays_a_pipe_and_its_reader_gets_all() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let link = folder.path().join("link");
    symlink("pipe", &link).unwrap();
    for path in [&pipe, &link] {
        let reader = {
            let pipe = pipe.clone();
            thread::spawn(move || fs::read_to_string(pipe).unwrap())
        };
        write(path, "all of it").unwrap();
        assert_eq!(reader.join().unwrap(), "all of it");
    }
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(link.is_symlink());
}

#[test]
fn an_open_file_of_ours_goes_on_where_it_is() {
    use std::os::fd::AsRawFd;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redirected");
    let mut open = File::create(&path).unwrap();
    open.write_all(b"before ").unwrap();
    let number = open.as_raw_fd();
    write(Path::new(&format!("/dev/fd/{number}")), "written ").unwrap();
    write(Path::new(&format!("/proc/self/fd/{number}")), "again ").unwrap();
    open.write_all(b"after").unwrap();
    let mut text = String::new();
    File::open(&path)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "before written again after");
    let closed = File::open(&path).unwrap();
    let read_only = format!("/dev/fd/{}", closed.as_raw_fd());
    assert!(write(Path::new(&read_only), "text").is_err());
}

#[test]
fn names_get_numbers_before_their_extension() {
    let third = |name: &str| numbered(Path::new(name)).nth(2).unwrap();
    assert_eq!(third("/a.b/out.pb.gz"), Path::new("/a.b/out-3.pb.gz"));
    assert_eq!(third("/a/profile"), Path::new("/a/profile-3"));
    assert_eq!(third("/a/.hidden"), Path::new("/a/.hidden-3"));
}
