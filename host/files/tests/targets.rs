//! What may be written to, and what stays as it was.

use nda_files::{Draft, FilesError, Found, Target, judge_folder, write, write_together};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    (folder, path)
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What a target is refused for.
fn found(path: &Path) -> Option<Found> {
    match Target::judge(path, &[]) {
        Err(FilesError::Target { found, path: named }) => {
            assert_eq!(named, path, "the error names the path as it was given");
            Some(found)
        }
        _ => None,
    }
}

#[test]
fn a_new_file_and_a_plain_file_are_written_whole_and_nothing_beside_them() {
    let (_keep, folder) = folder();
    let path = folder.join("a");
    write(&path, &[], b"first").unwrap();
    write(&path, &[], b"second").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(entries(&folder), ["a"]);
}

#[test]
fn a_draft_that_is_dropped_leaves_the_old_file_and_nothing_else() {
    let (_keep, folder) = folder();
    let path = folder.join("a");
    write(&path, &[], b"old").unwrap();
    let draft = Draft::create(&Target::judge(&path, &[]).unwrap()).unwrap();
    draft.file().write_all(b"half").unwrap();
    assert_eq!(fs::read(draft.path()).unwrap(), b"half", "it can be read before it has its name");
    drop(draft);
    assert_eq!((fs::read(&path).unwrap(), entries(&folder)), (b"old".to_vec(), vec!["a".to_string()]));
}

#[cfg(unix)]
#[test]
fn fifos_sockets_devices_and_folders_are_no_targets_and_neither_are_links_to_them() {
    let (_keep, folder) = folder();
    let (fifo, socket, inner) = (folder.join("fifo"), folder.join("socket"), folder.join("folder"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::create_dir(&inner).unwrap();
    // What a shell's redirection passes as /dev/stdout, under a name of our own: a failure of this test harms nothing.
    let kinds = [
        (fifo, Found::Fifo),
        (socket, Found::Socket),
        (inner, Found::Folder),
        (PathBuf::from("/dev/null"), Found::Device),
        (PathBuf::from("/proc/self/fd/1"), Found::Descriptor),
        (PathBuf::from("/dev/fd/1"), Found::Descriptor),
    ];
    for (index, (path, kind)) in kinds.iter().enumerate() {
        assert_eq!(found(path), Some(*kind), "{}", path.display());
        let (link, second) = (folder.join(format!("link{index}")), folder.join(format!("second{index}")));
        std::os::unix::fs::symlink(path, &link).unwrap();
        std::os::unix::fs::symlink(&link, &second).unwrap();
        for link in [link, second] {
            assert_eq!(found(&link), Some(*kind), "a link to {}", path.display());
            assert!(write(&link, &[], b"x").is_err() && fs::symlink_metadata(&link).unwrap().is_symlink());
        }
    }
    for path in ["/", "..", "a/..", ""] {
        assert!(Target::judge(&folder.join(path), &[]).is_err(), "{path:?}");
    }
    assert_eq!(found(&folder.join("new/")), Some(Found::Folder));
    assert!(matches!(Target::judge(Path::new("-"), &[]), Err(FilesError::Stream)));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_plain_file_stays_and_its_file_is_replaced() {
    let (_keep, folder) = folder();
    fs::create_dir(folder.join("there")).unwrap();
    let (file, link) = (folder.join("there/file"), folder.join("link"));
    fs::write(&file, "old").unwrap();
    // A relative link leads from its own folder.
    std::os::unix::fs::symlink("there/file", &link).unwrap();
    write(&link, &[], b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&file).unwrap(), b"new");
    assert_eq!((entries(&folder), entries(&folder.join("there"))), (vec!["link".to_string(), "there".into()], vec!["file".to_string()]));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_or_in_a_circle_is_refused() {
    let (_keep, folder) = folder();
    let (dangling, circle) = (folder.join("dangling"), folder.join("circle"));
    std::os::unix::fs::symlink("absent", &dangling).unwrap();
    std::os::unix::fs::symlink("circle", &circle).unwrap();
    for link in [dangling, circle] {
        assert!(matches!(Target::judge(&link, &[]), Err(FilesError::Link { .. })), "{}", link.display());
    }
    assert_eq!(entries(&folder), ["circle", "dangling"]);
}

#[test]
fn a_file_that_is_read_is_never_replaced_under_whatever_name() {
    let (_keep, folder) = folder();
    let (source, hard, other) = (folder.join("source"), folder.join("hard"), folder.join("other"));
    fs::write(&source, "source").unwrap();
    fs::hard_link(&source, &hard).unwrap();
    fs::write(&other, "other").unwrap();
    let mut names = vec![source.clone(), folder.join("./source")];
    #[cfg(unix)]
    {
        let link = folder.join("link");
        std::os::unix::fs::symlink(&source, &link).unwrap();
        names.extend([hard, link]);
    }
    for name in &names {
        for reads in [source.as_path(), folder.as_path()] {
            let error = write(name, &[&other, reads], b"new").unwrap_err();
            assert!(matches!(error, FilesError::Same { .. }), "{}: {error}", name.display());
        }
        // The name may also be the one that is read.
        assert!(matches!(write(&source, &[name], b"new"), Err(FilesError::Same { .. })));
    }
    assert_eq!(fs::read(&source).unwrap(), b"source");
    write(&other, &[&source], b"new").unwrap();
}

#[test]
fn two_outputs_of_one_command_are_two_files() {
    let (_keep, folder) = folder();
    let judge = |name: &str| Target::judge(&folder.join(name), &[]).unwrap();
    assert!(matches!(judge("a").refuse_if_taken(&[&judge("b"), &judge("./a")]), Err(FilesError::Twice { .. })));
    judge("a").refuse_if_taken(&[&judge("b")]).unwrap();
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions_and_a_new_one_has_those_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_keep, folder) = folder();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let (private, plain, new) = (folder.join("private"), folder.join("plain"), folder.join("new"));
    fs::write(&private, "old").unwrap();
    fs::set_permissions(&private, PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(&plain, "").unwrap();
    write(&private, &[], b"x").unwrap();
    write(&new, &[], b"x").unwrap();
    assert_eq!((mode(&private), mode(&new)), (0o600, mode(&plain)));
}

#[test]
fn a_file_without_write_permission_is_refused_and_so_is_a_folder() {
    let (_keep, folder) = folder();
    let path = folder.join("kept");
    fs::write(&path, "kept").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = write(&path, &[], b"new").unwrap_err();
    assert!(matches!(error, FilesError::ReadOnly { .. }) && error.help().contains("chmod"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"kept");
    assert!(matches!(write(&folder.join("absent/a"), &[], b"x"), Err(FilesError::Io { .. })));
    assert!(matches!(write(&path.join("a"), &[], b"x"), Err(FilesError::Io { .. })), "a part of the path is a file");
    // Not even root writes here.
    #[cfg(target_os = "linux")]
    assert!(matches!(write(Path::new("/sys/kernel/nda"), &[], b"x"), Err(FilesError::Io { .. })));
    assert_eq!(entries(&folder), ["kept"]);
}

#[test]
fn files_that_belong_together_come_together_or_not_at_all() {
    let (_keep, folder) = folder();
    let new = folder.join("new/inner");
    write_together(&new, &[], &[("a", b"1"), ("b", b"2")]).unwrap();
    assert_eq!((entries(&new), fs::read(new.join("b")).unwrap()), (vec!["a".to_string(), "b".into()], b"2".to_vec()));
    // The second cannot be written, so the first is as it was, and a folder that was made goes again.
    fs::create_dir(new.join("c")).unwrap();
    assert!(write_together(&new, &[], &[("a", b"9"), ("c", b"9")]).is_err());
    assert_eq!(fs::read(new.join("a")).unwrap(), b"1");
    let long = "x".repeat(300);
    assert!(write_together(&folder.join("second/inner"), &[], &[("a", b"1"), (&long, b"2")]).is_err());
    assert_eq!(entries(&folder), ["new"]);
    assert!(write_together(&new.join("a"), &[], &[("b", b"1")]).is_err(), "the folder is a file");
    assert!(judge_folder(&new.join("a"), &["b"], &[]).is_err());
    assert_eq!(judge_folder(&folder.join("free"), &["b"], &[]).unwrap().len(), 0);
    assert!(judge_folder(&new, &["a", "c"], &[]).is_err());
}
