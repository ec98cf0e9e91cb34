//! What a command sees in a mount namespace of its own: a root in memory, what it may read bound into it and read-only, a scratch
//! of a fixed size. The old root is gone.

use crate::error::{Part, Refusal};
use crate::order::{Instruction, SCRATCH, is_below};
use crate::view::DEVICES;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Inside of the scratch: what /dev/shm is.
const SHARED: &str = "shm";

/// Links below /dev that programs use.
const DEVICE_LINKS: [(&str, &str); 4] =
    [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")];

/// Makes the root and goes there.
///
/// # Errors
/// What the kernel does not allow: then nothing ran.
pub(crate) fn enter(order: &Instruction) -> Result<(), Refusal> {
    build(order).map_err(|(what, e)| Refusal::new(Part::Mounts, format!("{what}: {e}")))
}

type Step = Result<(), (String, io::Error)>;

/// For `map_err`: which step failed.
fn at<E: Into<io::Error>>(what: impl ToString) -> impl FnOnce(E) -> (String, io::Error) {
    move |e| (what.to_string(), e.into())
}

fn build(order: &Instruction) -> Step {
    let root = &order.own;
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(at("private mounts"))?;
    memory(root, "mode=755,size=4m")?;
    let scratch = root.join(&SCRATCH[1..]);
    folder(&scratch)?;
    memory(&scratch, &format!("mode=700,size={}", order.limits.scratch_bytes))?;
    for name in [Path::new(SHARED)].into_iter().chain(order.places().all().iter().map(|path| path.strip_prefix(SCRATCH).expect("below it")))
    {
        folder(&scratch.join(name))?;
    }
    bind(&scratch.join("tmp"), &root.join("tmp"))?;
    for path in &order.reads {
        show(root, path, &order.reads)?;
    }
    for path in &order.empty {
        folder(&root.join(path.strip_prefix("/").expect("absolute")))?;
    }
    devices(root)?;
    bind(&scratch.join(SHARED), &root.join("dev/shm"))?;
    folder(&root.join("proc"))?;
    let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    rustix::mount::mount("proc", root.join("proc"), "proc", quiet, None).map_err(at("/proc"))?;
    freeze(root)?;
    pivot(root)
}

fn folder(path: &Path) -> Step {
    std::fs::create_dir_all(path).map_err(at(path.display()))
}

fn memory(at_path: &Path, data: &str) -> Step {
    let data = std::ffi::CString::new(data).expect("no zero byte");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", at_path, "tmpfs", flags, Some(data.as_c_str())).map_err(at(at_path.display()))
}

/// Binds a file or a folder, with what is mounted below it, to a place that is made for it.
fn bind(from: &Path, to: &Path) -> Step {
    let is_folder = std::fs::metadata(from).map_err(at(from.display()))?.is_dir();
    if is_folder {
        folder(to)?;
    } else if !to.exists() {
        folder(to.parent().expect("below the root"))?;
        std::fs::File::create(to).map_err(at(to.display()))?;
    }
    rustix::mount::mount_bind_recursive(from, to).map_err(at(format_args!("{} at {}", from.display(), to.display())))
}

/// Shows a path of the system at its own place: a link whose end is shown anyway as the link.
fn show(root: &Path, path: &Path, all: &[PathBuf]) -> Step {
    let to = root.join(path.strip_prefix("/").expect("absolute"));
    let end = path.canonicalize().map_err(at(path.display()))?;
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    if is_link && all.iter().any(|other| other != path && is_below(&end, other)) {
        folder(to.parent().expect("below the root"))?;
        let leads = std::fs::read_link(path).map_err(at(path.display()))?;
        return symlink(leads, &to).map_err(at(to.display()));
    }
    bind(&end, &to)
}

fn devices(root: &Path) -> Step {
    let folder_path = root.join("dev");
    folder(&folder_path)?;
    for name in DEVICES {
        bind(&Path::new("/dev").join(name), &folder_path.join(name))?;
    }
    for (name, leads) in DEVICE_LINKS {
        symlink(leads, folder_path.join(name)).map_err(at(name))?;
    }
    Ok(())
}

/// One line of /proc/self/mountinfo: where, and the flags that a user namespace may not take away.
fn mounted(line: &[u8]) -> Option<(PathBuf, MountFlags)> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let (place, options) = (fields.next()?, fields.next()?);
    let known = [
        (&b"nosuid"[..], MountFlags::NOSUID),
        (b"nodev", MountFlags::NODEV),
        (b"noexec", MountFlags::NOEXEC),
        (b"noatime", MountFlags::NOATIME),
        (b"nodiratime", MountFlags::NODIRATIME),
        (b"relatime", MountFlags::RELATIME),
    ];
    let has = |name: &[u8]| options.split(|byte| *byte == b',').any(|option| option == name);
    let flags = known.into_iter().filter(|(name, _)| has(name)).map(|(_, flag)| flag).collect();
    Some((PathBuf::from(std::ffi::OsString::from_vec(unescaped(place))), flags))
}

/// Blanks, tabs, newlines and backslashes of a path stand there as octal numbers.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let [first, tail @ ..] = rest {
        let number = tail.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match number.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => (bytes.push(byte), rest = &tail[3..]).1,
            None => (bytes.push(*first), rest = tail).1,
        }
    }
    bytes
}

/// Everything below the root becomes read-only but for the scratch and what is bound from it.
fn freeze(root: &Path) -> Step {
    let text = std::fs::read("/proc/self/mountinfo").map_err(at("/proc/self/mountinfo"))?;
    let writable = [SCRATCH, "/tmp", "/dev/shm", "/proc"].map(|path| root.join(&path[1..]));
    for (place, kept) in text.split(|byte| *byte == b'\n').filter_map(mounted) {
        if !is_below(&place, root) || place == *root || writable.contains(&place) {
            continue;
        }
        // Devices stay devices: read-only is their node alone.
        let is_device = place.parent().is_some_and(|parent| parent == root.join("dev"));
        let extra = if is_device { MountFlags::empty() } else { MountFlags::NODEV };
        let flags = kept | extra | MountFlags::NOSUID | MountFlags::RDONLY | MountFlags::BIND;
        rustix::mount::mount_remount(&place, flags, c"").map_err(at(format_args!("read-only {}", place.display())))?;
    }
    Ok(())
}

fn pivot(root: &Path) -> Step {
    rustix::process::chdir(root).map_err(at("the new root"))?;
    // The old root lies above the new one at the same place until it is taken away.
    rustix::process::pivot_root(".", ".").map_err(at("pivot_root"))?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).map_err(at("the old root"))?;
    rustix::process::chdir("/").map_err(at("the new root"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::RDONLY | MountFlags::BIND;
    rustix::mount::mount_remount("/", flags, c"").map_err(at("read-only root"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_mount_is_read_with_its_blanks_and_flags() {
        let line = br"36 35 98:0 /m /a\040b\134 rw,nosuid,relatime master:1 - ext3 /dev/root rw";
        let (place, flags) = mounted(line).unwrap();
        assert_eq!(place.as_os_str().as_bytes(), br"/a b\");
        assert_eq!(flags, MountFlags::NOSUID | MountFlags::RELATIME);
    }
}
