//! Which system calls a command may make. Two filters: a list of those that are allowed, everything else is not there (ENOSYS), so that
//! calls of kernels to come and of other instruction sets are denied; and a list of those that are known and forbidden (EPERM).

use crate::error::{Part, Refusal};
use crate::order::Level;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

macro_rules! calls {
    ($($name:ident)*) => { &[$(libc::$name),*] };
}

/// What every machine has and programs need.
const ALLOWED: &[c_long] = calls!(
    SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2 SYS_pwritev2 SYS_lseek
    SYS_openat SYS_openat2 SYS_close SYS_close_range SYS_fstat SYS_newfstatat SYS_statx SYS_faccessat SYS_faccessat2 SYS_readlinkat
    SYS_getdents64 SYS_getcwd SYS_chdir SYS_fchdir SYS_mkdirat SYS_unlinkat SYS_renameat SYS_renameat2 SYS_linkat SYS_symlinkat
    SYS_mknodat SYS_truncate SYS_ftruncate SYS_fallocate SYS_fadvise64 SYS_fsync SYS_fdatasync SYS_sync_file_range SYS_syncfs
    SYS_copy_file_range SYS_sendfile SYS_splice SYS_tee SYS_vmsplice SYS_readahead SYS_statfs SYS_fstatfs SYS_umask SYS_flock
    SYS_dup SYS_dup3 SYS_pipe2 SYS_fcntl SYS_ioctl SYS_ppoll SYS_pselect6 SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait
    SYS_epoll_pwait2 SYS_eventfd2 SYS_timerfd_create SYS_timerfd_settime SYS_timerfd_gettime SYS_signalfd4 SYS_inotify_init1
    SYS_inotify_add_watch SYS_inotify_rm_watch SYS_memfd_create SYS_getxattr SYS_lgetxattr SYS_fgetxattr SYS_listxattr SYS_llistxattr
    SYS_flistxattr
    SYS_mmap SYS_munmap SYS_mprotect SYS_mremap SYS_madvise SYS_brk SYS_msync SYS_mincore SYS_mlock SYS_mlock2 SYS_munlock SYS_mlockall
    SYS_munlockall SYS_membarrier SYS_get_mempolicy SYS_set_mempolicy SYS_mbind SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect
    SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_kill SYS_tkill SYS_tgkill SYS_pidfd_open
    SYS_pidfd_send_signal SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigpending SYS_rt_sigtimedwait SYS_rt_sigsuspend
    SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo SYS_sigaltstack SYS_restart_syscall SYS_nanosleep SYS_clock_nanosleep SYS_clock_gettime
    SYS_clock_getres SYS_gettimeofday SYS_times SYS_getitimer SYS_setitimer SYS_timer_create SYS_timer_settime SYS_timer_gettime
    SYS_timer_getoverrun SYS_timer_delete SYS_futex SYS_futex_waitv SYS_set_robust_list SYS_get_robust_list SYS_set_tid_address SYS_rseq
    SYS_getpid SYS_getppid SYS_gettid SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid SYS_getresgid SYS_getgroups
    SYS_getpgid SYS_setpgid SYS_getsid SYS_setsid SYS_getpriority SYS_setpriority SYS_sched_yield SYS_sched_getaffinity
    SYS_sched_setaffinity SYS_sched_setparam SYS_sched_getparam SYS_sched_getscheduler SYS_sched_setscheduler SYS_sched_get_priority_max
    SYS_sched_get_priority_min SYS_sched_rr_get_interval SYS_sched_getattr SYS_getcpu SYS_prlimit64 SYS_getrlimit SYS_setrlimit
    SYS_getrusage SYS_uname SYS_sysinfo SYS_getrandom SYS_prctl SYS_capget SYS_ioprio_get SYS_landlock_create_ruleset
    SYS_landlock_add_rule SYS_landlock_restrict_self SYS_socketpair SYS_sendmsg SYS_recvmsg SYS_sendto SYS_recvfrom SYS_shutdown
    SYS_getsockname SYS_getpeername SYS_getsockopt SYS_setsockopt SYS_sendmmsg SYS_recvmmsg
);

/// The same by their older names, which x86-64 alone still has.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = calls!(
    SYS_open SYS_creat SYS_stat SYS_lstat SYS_access SYS_readlink SYS_getdents SYS_mkdir SYS_rmdir SYS_unlink SYS_rename SYS_link
    SYS_symlink SYS_mknod SYS_dup2 SYS_pipe SYS_poll SYS_select SYS_epoll_create SYS_epoll_wait SYS_eventfd SYS_signalfd SYS_inotify_init
    SYS_fork SYS_vfork SYS_getpgrp SYS_alarm SYS_pause SYS_time SYS_arch_prctl
);
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// Modes, owners, times and attributes. Where the rest of the system is mounted read-only they reach the scratch alone.
const METADATA: &[c_long] = calls!(
    SYS_fchmod SYS_fchmodat SYS_fchmodat2 SYS_fchown SYS_fchownat SYS_utimensat SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_removexattr
    SYS_lremovexattr SYS_fremovexattr
);
#[cfg(target_arch = "x86_64")]
const OLDER_METADATA: &[c_long] = calls!(SYS_chmod SYS_chown SYS_lchown SYS_utime SYS_utimes SYS_futimesat);
#[cfg(not(target_arch = "x86_64"))]
const OLDER_METADATA: &[c_long] = &[];

/// Known and forbidden: programs get a plain answer.
const FORBIDDEN: &[c_long] = calls!(
    SYS_socket SYS_connect SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_kcmp
    SYS_pidfd_getfd SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot SYS_unshare SYS_setns SYS_open_tree SYS_move_mount SYS_fsopen
    SYS_fsconfig SYS_fsmount SYS_fspick SYS_mount_setattr SYS_bpf SYS_perf_event_open SYS_io_uring_setup SYS_io_uring_enter
    SYS_io_uring_register SYS_userfaultfd SYS_keyctl SYS_add_key SYS_request_key SYS_init_module SYS_finit_module SYS_delete_module
    SYS_kexec_load SYS_reboot SYS_swapon SYS_swapoff SYS_sethostname SYS_setdomainname SYS_settimeofday SYS_clock_settime
    SYS_clock_adjtime SYS_adjtimex SYS_acct SYS_quotactl SYS_syslog SYS_vhangup SYS_personality SYS_name_to_handle_at
    SYS_open_by_handle_at SYS_shmget SYS_shmat SYS_shmctl SYS_msgget SYS_msgsnd SYS_msgrcv SYS_msgctl SYS_semget SYS_semop SYS_semctl
    SYS_semtimedop SYS_mq_open SYS_mq_unlink SYS_fanotify_init SYS_fanotify_mark SYS_seccomp SYS_setuid SYS_setgid SYS_setreuid
    SYS_setregid SYS_setresuid SYS_setresgid SYS_setgroups SYS_setfsuid SYS_setfsgid SYS_capset SYS_move_pages SYS_migrate_pages
    SYS_ioprio_set SYS_lookup_dcookie SYS_process_madvise SYS_process_mrelease SYS_memfd_secret SYS_io_setup SYS_io_submit
);

/// Commands of terminals that type for the user, and of networks' settings.
const TERMINALS: [u64; 3] = [libc::TIOCSTI, 0x541C /* TIOCLINUX */, libc::TIOCSCTTY];

/// Calls that reach other processes of the user by number, which Landlock does not scope, and the argument that must be 0: this process.
const OF_OTHERS: &[(c_long, u8)] = &[
    (libc::SYS_prlimit64, 0),
    (libc::SYS_setpriority, 1),
    (libc::SYS_sched_setaffinity, 0),
    (libc::SYS_sched_setparam, 0),
    (libc::SYS_sched_setscheduler, 0),
];

/// New namespaces.
const NAMESPACES: [libc::c_int; 8] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
    0x80, // CLONE_NEWTIME, which clone(2) takes for a part of the signal.
];

/// Installs both filters on this thread.
///
/// # Errors
/// The kernel's answer.
pub(crate) fn install(level: Level) -> Result<(), Refusal> {
    let refuse = |e: &dyn std::fmt::Display| Refusal::new(Part::Seccomp, e);
    for filter in [allowed(), forbidden(level)] {
        seccompiler::apply_filter(&filter.map_err(|e| refuse(&e))?).map_err(|e| refuse(&e))?;
    }
    Ok(())
}

fn compiled(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<BpfProgram, Box<dyn std::error::Error>> {
    let machine: TargetArch = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, otherwise, matched, machine)?.try_into()?)
}

fn allowed() -> Result<BpfProgram, Box<dyn std::error::Error>> {
    let metadata = [METADATA, OLDER_METADATA].concat();
    let known = [ALLOWED, OLDER, FORBIDDEN, &metadata, &[libc::SYS_clone]].concat();
    // Those that are forbidden pass here: the other filter answers for them, and the kernel takes the stricter of both.
    let rules = known.into_iter().map(|call| (call, vec![])).collect();
    compiled(rules, SeccompAction::Errno(libc::ENOSYS as u32), SeccompAction::Allow)
}

fn forbidden(level: Level) -> Result<BpfProgram, Box<dyn std::error::Error>> {
    let mut rules: Rules = FORBIDDEN.iter().map(|call| (*call, vec![])).collect();
    if level == Level::Landlock {
        rules.extend(METADATA.iter().chain(OLDER_METADATA).map(|call| (*call, vec![])));
        for (call, argument) in OF_OTHERS {
            let other = SeccompCondition::new(*argument, Width::Dword, Is::Ne, 0)?;
            rules.insert(*call, vec![SeccompRule::new(vec![other])?]);
        }
        // All processes of this user have the number 0 too.
        rules.entry(libc::SYS_setpriority).or_default().extend(only(0, &[libc::PRIO_USER as u64])?);
    }
    rules.insert(libc::SYS_ioctl, only(1, &TERMINALS)?);
    let flags = NAMESPACES.iter().map(|flag| *flag as u64);
    let with = |flag| SeccompRule::new(vec![SeccompCondition::new(0, Width::Qword, Is::MaskedEq(flag), flag)?]);
    rules.insert(libc::SYS_clone, flags.map(with).collect::<Result<_, _>>()?);
    // Names of other processes' memory, and who may trace this one.
    rules.insert(libc::SYS_prctl, only(0, &[libc::PR_SET_MM as u64, libc::PR_SET_PTRACER as u64, libc::PR_SET_SECCOMP as u64])?);
    compiled(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))
}

/// Rules that match these values of an argument.
fn only(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let one = |value: &u64| SeccompRule::new(vec![SeccompCondition::new(argument, Width::Dword, Is::Eq, *value)?]);
    values.iter().map(one).collect()
}
