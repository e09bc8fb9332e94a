//! What is no regular file, or may be somebody else's, is not opened.
#![cfg(unix)]

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::Command;

use hprof::regular_file::{open, open_beside, read, read_text};

#[test]
fn pipes_devices_and_long_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("text"), "abc").unwrap();
    symlink(at("text"), at("link")).unwrap();
    assert_eq!(read_text(&at("link"), 3).unwrap(), "abc");
    let kind = |path: PathBuf, most| read(&path, most).unwrap_err().kind();
    assert_eq!(kind(at("text"), 2), ErrorKind::FileTooLarge);
    assert!(
        Command::new("mkfifo")
            .arg(at("pipe"))
            .status()
            .unwrap()
            .success()
    );
    for path in [at("pipe"), "/dev/zero".into(), folder.path().to_owned()] {
        assert!(open(&path).unwrap().is_none());
        assert_eq!(kind(path, 9), ErrorKind::InvalidInput);
    }
    File::create(at("hole")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(kind(at("hole"), 1000), ErrorKind::FileTooLarge);
    fs::write(at("bytes"), [0xff]).unwrap();
    assert!(read_text(&at("bytes"), 9).is_err());
}

#[test]
fn beside_a_file_in_a_shared_folder_only_files_of_its_owner_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["x.hpraw", "own.native", "foreign.native"] {
        fs::write(at(name), "").unwrap();
    }
    symlink(at("own.native"), at("link.native")).unwrap();
    let beside = |name: &str| open_beside(&at(name), &at("x.hpraw"));
    assert!(beside("link.native").unwrap().is_some());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
    assert!(beside("own.native").unwrap().is_some());
    assert!(beside("link.native").unwrap().is_none());
    if chown(at("foreign.native"), Some(65_534), None).is_ok() {
        let refused = beside("foreign.native").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }
}
