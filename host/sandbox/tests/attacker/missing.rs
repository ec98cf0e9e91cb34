//! A kernel without a part that the box stands on: its calls fail as they do there, from here on and for good.

use seccompiler::{SeccompAction, SeccompFilter};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Becomes a program under a kernel that lacks a part.
pub fn without(part: &str, program: &str, arguments: &[&str]) {
    let (calls, error): (&[i64], i32) = match part {
        "landlock" => (&[libc::SYS_landlock_create_ruleset], libc::ENOSYS),
        "landlock-by-default" => (&[libc::SYS_landlock_create_ruleset], libc::EOPNOTSUPP),
        "landlock-rules" => (&[libc::SYS_landlock_add_rule], libc::ENOSYS),
        "landlock-restriction" => (&[libc::SYS_landlock_restrict_self], libc::E2BIG),
        "namespaces" => (&[libc::SYS_unshare], libc::EPERM),
        "more-namespaces" => (&[libc::SYS_unshare], libc::ENOSPC),
        "mounts" => (&[libc::SYS_mount], libc::EACCES),
        "pivot" => (&[libc::SYS_pivot_root], libc::EPERM),
        "limits" => (&[libc::SYS_prlimit64, libc::SYS_setrlimit], libc::EPERM),
        "capabilities" => (&[libc::SYS_capset], libc::EPERM),
        "seccomp" => (&[libc::SYS_seccomp], libc::EINVAL),
        other => panic!("no part is called {other}"),
    };
    let rules = calls.iter().map(|call| (*call, vec![])).collect();
    let machine = std::env::consts::ARCH.try_into().expect("a machine with seccomp");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(error as u32), machine).expect("a filter");
    let filter: seccompiler::BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter(&filter).expect("it is installed");
    panic!("{program}: {}", Command::new(program).args(arguments).exec());
}
