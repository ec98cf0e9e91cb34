//! Attacks on files: those of the project, and those outside of it.

use crate::{Attack, World, call, done, held};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no zero byte")
}

fn target(world: &World) -> PathBuf {
    world.project.join("a.txt")
}

fn written(path: impl AsRef<Path>) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(b"through")
}

fn created(path: impl AsRef<Path>) -> io::Result<()> {
    fs::write(path, b"through")
}

fn read(path: impl AsRef<Path>) -> io::Result<()> {
    let mut byte = [0];
    match File::open(path)?.read(&mut byte)? {
        0 => held("empty"),
        _ => Ok(()),
    }
}

/// A call with one path.
fn by_path(number: libc::c_long, path: &Path, rest: [usize; 3]) -> io::Result<()> {
    let path = c(path);
    call(number, [libc::AT_FDCWD as usize, path.as_ptr() as usize, rest[0], rest[1], rest[2], 0]).and_then(done)
}

/// A call with a descriptor that was opened for reading.
fn by_descriptor(number: libc::c_long, world: &World, rest: [usize; 4]) -> io::Result<()> {
    let file = File::open(target(world))?;
    call(number, [file.as_raw_fd() as usize, rest[0], rest[1], rest[2], rest[3], 0]).and_then(done)
}

fn two_paths(number: libc::c_long, from: &Path, to: &Path, flags: usize) -> io::Result<()> {
    let (from, to, here) = (c(from), c(to), libc::AT_FDCWD as usize);
    call(number, [here, from.as_ptr() as usize, here, to.as_ptr() as usize, flags, 0]).and_then(done)
}

fn o_path(world: &World) -> io::Result<i64> {
    let path = c(&target(world));
    call(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, libc::O_PATH as usize, 0, 0, 0])
}

fn attribute(world: &World, number: libc::c_long) -> io::Result<()> {
    let (path, name) = (c(&target(world)), c"user.through");
    call(number, [path.as_ptr() as usize, name.as_ptr() as usize, c"x".as_ptr() as usize, 1, 0, 0]).and_then(done)
}

const TIMES: [libc::timespec; 2] = [libc::timespec { tv_sec: 1, tv_nsec: 0 }; 2];

pub const ATTACKS: &[Attack] = &[
    ("write_a_file_of_the_project", |w| written(target(w))),
    ("append_to_a_file_of_the_project", |w| OpenOptions::new().append(true).open(target(w))?.write_all(b"through")),
    ("truncate_by_path", |w| call(libc::SYS_truncate, [c(&target(w)).as_ptr() as usize, 0, 0, 0, 0, 0]).and_then(done)),
    ("truncate_by_descriptor", |w| by_descriptor(libc::SYS_ftruncate, w, [0; 4])),
    ("open_for_reading_and_truncate", |w| {
        let path = c(&target(w));
        let flags = (libc::O_RDONLY | libc::O_TRUNC) as usize;
        call(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, flags, 0, 0, 0]).and_then(done)
    }),
    ("allocate_by_descriptor", |w| by_descriptor(libc::SYS_fallocate, w, [0, 0, 1 << 20, 0])),
    ("create_in_the_project", |w| created(w.project.join("new.txt"))),
    ("create_in_a_folder_of_the_project", |w| created(w.project.join("sub/new.txt"))),
    ("create_outside", |w| created(w.outside.join("new.txt"))),
    ("unlink", |w| fs::remove_file(target(w))),
    ("rename_away", |w| fs::rename(target(w), "stolen.txt")),
    ("rename_within_the_project", |w| fs::rename(target(w), w.project.join("b.txt"))),
    ("rename_over", |w| created("mine.txt").and_then(|()| fs::rename("mine.txt", target(w)))),
    ("exchange", |w| created("mine2.txt").and_then(|()| two_paths(libc::SYS_renameat2, Path::new("mine2.txt"), &target(w), 2))),
    ("hard_link_into_the_scratch", |w| fs::hard_link(target(w), "hard.txt").and_then(|()| written("hard.txt"))),
    ("hard_link_by_descriptor", |w| {
        let file = File::open(target(w))?;
        let from = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        two_paths(libc::SYS_linkat, &from, Path::new("hard2.txt"), libc::AT_SYMLINK_FOLLOW as usize).and_then(|()| written("hard2.txt"))
    }),
    ("hard_link_into_the_project", |w| created("mine3.txt").and_then(|()| fs::hard_link("mine3.txt", w.project.join("hard.txt")))),
    ("symlink_to_a_file", |w| symlink(target(w), "soft.txt").and_then(|()| written("soft.txt"))),
    ("symlink_to_a_folder", |w| symlink(&w.project, "soft").and_then(|()| created("soft/new2.txt"))),
    ("symlink_in_the_project", |w| symlink("/etc/passwd", w.project.join("soft"))),
    ("dangling_symlink_that_creates", |w| symlink(w.outside.join("dangling.txt"), "dangle").and_then(|()| created("dangle"))),
    ("dots", |w| created(format!("{}/../outside/dots.txt", w.project.display()))),
    ("make_a_folder", |w| fs::create_dir(w.project.join("folder"))),
    ("remove_a_folder", |w| fs::remove_dir(w.project.join("empty"))),
    ("make_a_pipe", |w| by_path(libc::SYS_mknodat, &w.project.join("fifo"), [(libc::S_IFIFO | 0o666) as usize, 0, 0])),
    ("make_a_device", |_| by_path(libc::SYS_mknodat, Path::new("device"), [(libc::S_IFCHR | 0o666) as usize, 0x101, 0])),
    ("make_a_disk", |_| by_path(libc::SYS_mknodat, Path::new("disk"), [(libc::S_IFBLK | 0o666) as usize, 0xfe00, 0])),
    ("change_a_mode", |w| fs::set_permissions(target(w), fs::Permissions::from_mode(0o777))),
    ("change_a_mode_by_descriptor", |w| by_descriptor(libc::SYS_fchmod, w, [0o777, 0, 0, 0])),
    ("change_a_mode_through_proc", |w| {
        let at = o_path(w)?;
        fs::set_permissions(format!("/proc/self/fd/{at}"), fs::Permissions::from_mode(0o777))
    }),
    ("change_a_mode_with_fchmodat2", |w| {
        let at = o_path(w)?;
        call(libc::SYS_fchmodat2, [at as usize, c"".as_ptr() as usize, 0o777, libc::AT_EMPTY_PATH as usize, 0, 0]).and_then(done)
    }),
    ("change_a_mode_outside", |w| fs::set_permissions(w.outside.join("secret.txt"), fs::Permissions::from_mode(0o777))),
    ("change_an_owner", |w| {
        let own = call(libc::SYS_getuid, [0; 6])? as usize;
        by_path(libc::SYS_fchownat, &target(w), [own, own, 0])
    }),
    ("change_an_owner_by_descriptor", |w| {
        let own = call(libc::SYS_getuid, [0; 6])? as usize;
        by_descriptor(libc::SYS_fchown, w, [own, own, 0, 0])
    }),
    ("change_times", |w| by_path(libc::SYS_utimensat, &target(w), [TIMES.as_ptr() as usize, 0, 0])),
    ("change_times_by_descriptor", |w| by_descriptor(libc::SYS_utimensat, w, [0, TIMES.as_ptr() as usize, 0, 0])),
    ("set_an_attribute", |w| attribute(w, libc::SYS_setxattr)),
    ("set_an_attribute_of_a_link", |w| attribute(w, libc::SYS_lsetxattr)),
    ("remove_an_attribute", |w| {
        let (path, name) = (c(&target(w)), c"user.kept");
        call(libc::SYS_removexattr, [path.as_ptr() as usize, name.as_ptr() as usize, 0, 0, 0, 0]).and_then(done)
    }),
    ("open_again_for_writing_through_proc", |w| {
        let file = File::open(target(w))?;
        written(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }),
    ("write_through_the_root_in_proc", |w| written(format!("/proc/self/root{}", target(w).display()))),
    ("write_through_the_first_process", |w| written(format!("/proc/1/root{}", target(w).display()))),
    ("copy_into_the_project", |w| fs::copy("a.txt", w.project.join("copy.txt")).and_then(done)),
    ("write_a_hook", |w| created(w.project.join(".git/hooks/pre-commit"))),
    ("write_the_policy", |w| created(w.project.join(".nda/policy.toml"))),
    ("write_a_shell_profile", |w| created(w.outside.join(".profile"))),
    ("open_by_handle", |w| {
        let (path, mut handle, mut mount) = (c(&target(w)), [0_u32; 34], 0_i32);
        handle[0] = 128;
        let at = libc::AT_FDCWD as usize;
        let ids = [at, path.as_ptr() as usize, handle.as_mut_ptr() as usize, &raw mut mount as usize, 0, 0];
        call(libc::SYS_name_to_handle_at, ids)?;
        let root = File::open("/")?;
        let fd = root.as_raw_fd() as usize;
        call(libc::SYS_open_by_handle_at, [fd, handle.as_ptr() as usize, libc::O_RDWR as usize, 0, 0, 0]).and_then(done)
    }),
    ("write_to_inherited_descriptors", |_| {
        let through = (3..256).find(|at| call(libc::SYS_write, [*at, c"through".as_ptr() as usize, 7, 0, 0, 0]).is_ok());
        through.map_or_else(|| held("none is open"), |_| Ok(()))
    }),
    ("write_settings_of_the_kernel", |_| written("/proc/sys/kernel/core_pattern")),
    ("write_a_setting_of_the_network", |_| written("/proc/sys/net/ipv4/ip_forward")),
    ("write_to_sysfs", |_| written("/sys/kernel/mm/transparent_hugepage/enabled")),
    ("write_to_a_control_group", |_| fs::create_dir("/sys/fs/cgroup/memory/through").or_else(|_| fs::create_dir("/sys/fs/cgroup/through"))),
    ("write_to_the_log_of_the_kernel", |_| written("/dev/kmsg")),
    ("write_a_system_program", |_| written("/usr/bin/env")),
    ("write_a_setting_of_the_system", |_| written("/etc/passwd")),
];

pub const READS: &[Attack] = &[
    ("read_a_secret", |w| read(w.outside.join("secret.txt"))),
    ("list_a_folder_outside", |w| fs::read_dir(&w.outside).map(|_| ())),
    ("read_a_secret_through_a_link", |w| symlink(w.outside.join("secret.txt"), "secret").and_then(|()| read("secret"))),
    ("read_a_secret_through_the_victim", |w| read(format!("/proc/{}/root{}/secret.txt", w.victim, w.outside.display()))),
    ("read_a_secret_from_the_victims_folder", |w| read(format!("/proc/{}/cwd/secret.txt", w.victim))),
    ("read_the_victims_environment", |w| read(format!("/proc/{}/environ", w.victim))),
    ("read_the_victims_arguments", |w| read(format!("/proc/{}/cmdline", w.victim))),
    ("read_the_victims_memory", |w| read(format!("/proc/{}/mem", w.victim))),
    ("read_the_victims_map", |w| read(format!("/proc/{}/maps", w.victim))),
    ("read_the_supervisors_environment", |_| read(format!("/proc/{}/environ", call(libc::SYS_getppid, [0; 6])?)).and(held("its own"))),
    ("read_the_callers_variables", |_| std::env::var_os("NDA_TEST_SECRET").map_or_else(|| held("it is not there"), |_| Ok(()))),
    ("read_a_disk", |_| read("/dev/vda").or_else(|_| read("/dev/sda"))),
    ("read_the_memory_of_the_machine", |_| read("/dev/mem").or_else(|_| read("/proc/kcore"))),
    ("read_the_shadow_file", |_| read("/etc/shadow")),
];
