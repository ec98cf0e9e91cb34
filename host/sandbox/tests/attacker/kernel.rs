//! Attacks on the kernel: namespaces, mounts, interfaces with a history of faults, other instruction sets.

use crate::{Attack, call, done};
use std::io;

macro_rules! calls {
    ($($title:literal $name:ident $arguments:expr;)*) => {
        &[$(($title, |_| call(libc::$name, $arguments).and_then(done))),*]
    };
}

const PLAIN: &[Attack] = calls! {
    "new_user_namespace" SYS_unshare [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0, 0];
    "new_mount_namespace" SYS_unshare [libc::CLONE_NEWNS as usize, 0, 0, 0, 0, 0];
    "mount_memory" SYS_mount [c"x".as_ptr() as usize, c"/tmp".as_ptr() as usize, c"tmpfs".as_ptr() as usize, 0, 0, 0];
    "mount_again_for_writing" SYS_mount [0, c"/usr".as_ptr() as usize, 0, (libc::MS_REMOUNT | libc::MS_BIND) as usize, 0, 0];
    "unmount" SYS_umount2 [c"/proc".as_ptr() as usize, libc::MNT_DETACH as usize, 0, 0, 0, 0];
    "open_a_tree" SYS_open_tree [libc::AT_FDCWD as usize, c"/".as_ptr() as usize, 1, 0, 0, 0];
    "open_a_file_system" SYS_fsopen [c"tmpfs".as_ptr() as usize, 0, 0, 0, 0, 0];
    "pivot" SYS_pivot_root [c".".as_ptr() as usize, c".".as_ptr() as usize, 0, 0, 0, 0];
    "change_the_root" SYS_chroot [c".".as_ptr() as usize, 0, 0, 0, 0, 0];
    "load_a_program_of_the_kernel" SYS_bpf [0, [0_u64; 16].as_ptr() as usize, 128, 0, 0, 0];
    "userfaultfd" SYS_userfaultfd [1, 0, 0, 0, 0, 0];
    "read_keys" SYS_keyctl [0, -3_isize as usize, 1, 0, 0, 0];
    "add_a_key" SYS_add_key [c"user".as_ptr() as usize, c"k".as_ptr() as usize, c"v".as_ptr() as usize, 1, -3_isize as usize, 0];
    "load_a_module" SYS_init_module [0, 0, c"".as_ptr() as usize, 0, 0, 0];
    "load_a_kernel" SYS_kexec_load [0; 6];
    "reboot" SYS_reboot [0xfee1dead, 672274793, 0, 0, 0, 0];
    "swap" SYS_swapon [c"/swap".as_ptr() as usize, 0, 0, 0, 0, 0];
    "set_the_clock" SYS_settimeofday [[1_i64, 0].as_ptr() as usize, 0, 0, 0, 0, 0];
    "change_the_personality" SYS_personality [0x0040000, 0, 0, 0, 0, 0];
    "read_the_log_of_the_kernel" SYS_syslog [3, [0_u8; 64].as_mut_ptr() as usize, 64, 0, 0, 0];
    "shared_memory_of_system_v" SYS_shmget [0, 4096, 0o1600, 0, 0, 0];
    "messages_of_system_v" SYS_msgget [0, 0o1600, 0, 0, 0, 0];
    "semaphores_of_system_v" SYS_semget [0, 1, 0o1600, 0, 0, 0];
    "message_queue" SYS_mq_open [c"through".as_ptr() as usize, (libc::O_CREAT | libc::O_RDWR) as usize, 0o600, 0, 0, 0];
    "watch_all_files" SYS_fanotify_init [0; 6];
    "set_the_name_of_the_machine" SYS_sethostname [c"through".as_ptr() as usize, 7, 0, 0, 0, 0];
    "account" SYS_acct [0; 6];
    "memory_that_no_debugger_sees" SYS_memfd_secret [0; 6];
    "old_asynchronous_input" SYS_io_setup [8, [0_u64; 1].as_mut_ptr() as usize, 0, 0, 0, 0];
};

const OTHERS: &[Attack] = &[
    ("clone_into_a_user_namespace", |_| match call(libc::SYS_clone, [(libc::CLONE_NEWUSER | libc::SIGCHLD) as usize, 0, 0, 0, 0, 0])? {
        0 => std::process::exit(0),
        _ => Ok(()),
    }),
    ("clone3_into_a_user_namespace", |_| {
        let mut arguments = [0_u64; 11];
        arguments[0] = libc::CLONE_NEWUSER as u64;
        arguments[4] = libc::SIGCHLD as u64;
        match call(libc::SYS_clone3, [arguments.as_ptr() as usize, 88, 0, 0, 0, 0])? {
            0 => std::process::exit(0),
            _ => Ok(()),
        }
    }),
    ("enter_a_namespace_of_the_victim", |w| {
        let at = call(libc::SYS_pidfd_open, [w.victim as usize, 0, 0, 0, 0, 0])?;
        call(libc::SYS_setns, [at as usize, libc::CLONE_NEWNET as usize, 0, 0, 0, 0]).and_then(done)
    }),
    ("io_uring", |_| {
        let mut parameters = [0_u32; 30];
        call(libc::SYS_io_uring_setup, [8, parameters.as_mut_ptr() as usize, 0, 0, 0, 0]).and_then(done)
    }),
    ("count_events_of_the_processor", |_| {
        let mut attributes = [0_u32; 32];
        attributes[0] = 1;
        attributes[1] = 128;
        call(libc::SYS_perf_event_open, [attributes.as_ptr() as usize, 0, usize::MAX, usize::MAX, 0, 0]).and_then(done)
    }),
    ("listen_to_calls_by_seccomp", |_| {
        // A filter of one instruction: allow.
        let program = [0x0006_u64 | 0x7fff0000 << 32];
        let filter = [1, program.as_ptr() as usize];
        call(libc::SYS_seccomp, [1, 8, filter.as_ptr() as usize, 0, 0, 0]).and_then(done)
    }),
    ("type_for_the_user", |_| call(libc::SYS_ioctl, [1, libc::TIOCSTI as usize, c"x".as_ptr() as usize, 0, 0, 0]).and_then(done)),
    ("type_for_the_user_with_high_bits", |_| {
        let command = libc::TIOCSTI as usize | 1 << 40;
        match call(libc::SYS_ioctl, [1, command, c"x".as_ptr() as usize, 0, 0, 0]) {
            // It got as far as the terminal's driver.
            Err(e) if e.raw_os_error() == Some(libc::ENOTTY) => Ok(()),
            other => other.and_then(done),
        }
    }),
    ("have_a_terminal", |_| std::fs::File::open("/dev/tty").and_then(done)),
    ("change_the_map_of_this_process", |_| call(libc::SYS_prctl, [libc::PR_SET_MM as usize, 1, 0, 0, 0, 0]).and_then(done)),
    ("call_what_no_kernel_has_yet", |_| match call(4000, [0; 6]) {
        Err(e) if e.raw_os_error() == Some(libc::ENOSYS) => Err(e),
        other => other.and_then(done),
    }),
    #[cfg(target_arch = "x86_64")]
    ("call_by_the_numbers_of_x32", |_| call(0x4000_0000 + libc::SYS_getpid, [0; 6]).and_then(done)),
    #[cfg(target_arch = "x86_64")]
    ("call_by_the_numbers_of_32_bits", |_| of_32_bits()),
];

/// getpid as a program of 32 bits calls it.
#[cfg(target_arch = "x86_64")]
fn of_32_bits() -> io::Result<()> {
    let result: i64;
    // SAFETY: getpid touches no memory; rbx, which the interface uses, is not changed by this call.
    unsafe { std::arch::asm!("int 0x80", inlateout("rax") 20_i64 => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _) };
    if result > 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-result as i32)) }
}

pub const ATTACKS: &[Attack] = &join();

const fn join() -> [Attack; PLAIN.len() + OTHERS.len()] {
    let mut all = [PLAIN[0]; PLAIN.len() + OTHERS.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = if i < PLAIN.len() { PLAIN[i] } else { OTHERS[i - PLAIN.len()] };
        i += 1;
    }
    all
}
