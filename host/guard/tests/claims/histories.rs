//! Random histories, each state restored byte for byte.

use crate::folder::{Folder, git_state, path, rounds, state};
use nda_spec::random::Random;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const NAMES: [&str; 12] =
    ["a.txt", "b.rs", "d/e.v", "d/f g.txt", "d/h/é.txt", "x\ty.txt", "-n", "d/\"q\".txt", "ünï/z", "big.bin", "new\nline", "d/h/i/j"];

fn content(random: &mut Random) -> Vec<u8> {
    let fixed: [&[u8]; 7] = [b"", b"x\n", b"a\r\nb\r\n", b"no newline", b"\x00\xff\xfe bin", b"$Id$\n", b"m\nix\r\n"];
    match random.below(8) {
        7 => {
            let bytes = random.one_of(&[10, 5000]);
            (0..bytes).map(|_| random.below(256) as u8).collect()
        }
        n => fixed[n].to_vec(),
    }
}

/// One change of somebody's; those that the system refuses are none.
fn mutate_once(root: &Path, random: &mut Random) -> std::io::Result<()> {
    let file = root.join(random.one_of(&NAMES));
    let is_file = file.symlink_metadata().is_ok_and(|data| data.is_file());
    let is_link = file.symlink_metadata().is_ok_and(|data| data.is_symlink());
    match random.below(8) {
        0..=2 => {
            std::fs::create_dir_all(file.parent().unwrap())?;
            if is_link {
                std::fs::remove_file(&file)?;
            }
            std::fs::write(&file, content(random))
        }
        3 => std::fs::remove_file(&file),
        4 if is_file => std::fs::set_permissions(&file, PermissionsExt::from_mode(random.one_of(&[0o755, 0o644]))),
        5 => {
            let _ = std::fs::remove_file(&file);
            std::fs::create_dir_all(file.parent().unwrap())?;
            symlink(random.one_of(&["a.txt", "/etc/passwd", "nowhere", "../..", "d"]), &file)
        }
        // A folder becomes a file or a link to elsewhere, or goes.
        6 | 7 => {
            let folder = root.join(random.one_of(&["d", "d/h", "ünï"]));
            if folder.symlink_metadata()?.is_dir() {
                std::fs::remove_dir_all(&folder)?;
                return match random.below(3) {
                    0 => symlink(random.one_of(&["/tmp", "a.txt", "ünï"]), &folder),
                    1 => std::fs::create_dir_all(folder.join("empty/too")),
                    _ => std::fs::write(&folder, content(random)),
                };
            }
            std::fs::remove_file(&folder)
        }
        _ => Ok(()),
    }
}

fn mutate(root: &Path, random: &mut Random, times: usize) {
    for _ in 0..times {
        let _ = mutate_once(root, random);
    }
}

/// A repository with attributes that change line ends, or a folder without git.
fn begin(random: &mut Random) -> (Folder, bool) {
    if random.below(5) == 0 {
        return (Folder::bare(), false);
    }
    let folder = Folder::bare();
    let format = random.one_of(&["sha1", "sha1", "sha256"]);
    folder.git(&["init", "-q", &format!("--object-format={format}")]);
    folder.git(&["config", "core.autocrlf", random.one_of(&["true", "false", "input"])]);
    folder.git(&["config", "filter.lfs.clean", "false"]);
    folder.git(&["config", "filter.lfs.smudge", "false"]);
    folder.write(".gitignore", "ign/\n*.o\n");
    let attributes =
        ["", "* text=auto\n", "*.txt text eol=crlf\n", "*.v ident\n", "*.bin filter=lfs\n", "* working-tree-encoding=UTF-16\n"];
    folder.write(".gitattributes", random.one_of(&attributes));
    folder.write("ign/kept", "ignored");
    (folder, true)
}

fn history(seed: u64) {
    let mut random = Random::new(seed);
    let (folder, is_repository) = begin(&mut random);
    mutate(&folder.root, &mut random, 12);
    if is_repository {
        // What it takes of the changes does not matter, but that its index and history are there.
        let _ = std::process::Command::new("git").args(["add", "-A"]).current_dir(&folder.root).output();
        folder.git(&["commit", "-qm", "first", "--allow-empty"]);
    }
    mutate(&folder.root, &mut random, 6);
    let workspace = folder.open();
    let mut made = Vec::new();
    let of_git = if is_repository { git_state(&folder) } else { Vec::new() };
    for n in 0..3 {
        made.push((workspace.checkpoint(&format!("number {n}")).unwrap().id, state(&folder.root)));
        mutate(&folder.root, &mut random, 8);
    }
    while !made.is_empty() {
        let (id, wanted) = made.swap_remove(random.below(made.len()));
        let (before, restored) = (state(&folder.root), workspace.restore(&id).unwrap());
        let found = state(&folder.root);
        assert_eq!(found, wanted, "seed {seed}, restored {:?}", restored.files);
        if random.below(3) == 0 {
            workspace.restore(&restored.undo.id).unwrap();
            assert_eq!(state(&folder.root), before, "seed {seed}: undo");
        }
    }
    if is_repository {
        assert_eq!(git_state(&folder), of_git, "seed {seed}: HEAD, index, branches, stash, configuration");
        assert_eq!(folder.text("ign/kept").as_deref(), Some("ignored"));
    }
    assert!(workspace.read(&path("a.txt")).is_ok() || folder.root.join("a.txt").is_symlink());
}

#[test]
fn random_histories_come_back_byte_for_byte() {
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in first.map_or(0..rounds(40), |seed: u64| seed..seed + 1) {
        history(seed);
    }
}
