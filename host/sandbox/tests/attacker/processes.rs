//! Attacks on other processes of the user, and on the end of the box.

use crate::{Attack, World, call, done, held};
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

fn signal(number: i32, signal: i32) -> io::Result<()> {
    call(libc::SYS_kill, [number as usize, signal as usize, 0, 0, 0, 0]).and_then(done)
}

fn supervisor() -> i32 {
    // The command's parent is the supervisor; this is a child of the command.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", std::os::unix::process::parent_id())).unwrap_or_default();
    stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok()).unwrap_or(1)
}

fn of_victim(number: libc::c_long, w: &World, rest: [usize; 3]) -> io::Result<()> {
    call(number, [w.victim as usize, rest[0], rest[1], rest[2], 0, 0]).and_then(done)
}

fn memory(w: &World, number: libc::c_long) -> io::Result<()> {
    let mut bytes = [0_u8; 8];
    let local = [bytes.as_mut_ptr() as usize, bytes.len()];
    let remote = [0x400000_usize, 8];
    call(number, [w.victim as usize, local.as_ptr() as usize, 1, remote.as_ptr() as usize, 1, 0]).and_then(done)
}

pub const ATTACKS: &[Attack] = &[
    ("kill_the_victim", |w| signal(w.victim, libc::SIGKILL)),
    ("stop_the_victim", |w| signal(w.victim, libc::SIGSTOP)),
    ("probe_the_victim", |w| signal(w.victim, 0)),
    ("queue_a_signal_for_the_victim", |w| {
        let info = [libc::SIGTERM, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        of_victim(libc::SYS_rt_sigqueueinfo, w, [libc::SIGTERM as usize, info.as_ptr() as usize, 0])
    }),
    ("signal_the_victim_by_descriptor", |w| {
        let at = call(libc::SYS_pidfd_open, [w.victim as usize, 0, 0, 0, 0, 0])?;
        call(libc::SYS_pidfd_send_signal, [at as usize, libc::SIGTERM as usize, 0, 0, 0, 0]).and_then(done)
    }),
    ("kill_the_supervisor", |_| {
        signal(supervisor(), libc::SIGKILL)?;
        // The first process of a namespace does not get signals from inside of it.
        if supervisor() == 1 { held("it does not hear") } else { Ok(()) }
    }),
    ("kill_the_group_of_the_victim", |w| signal(-w.victim, libc::SIGKILL)),
    ("trace_the_victim", |w| call(libc::SYS_ptrace, [16 /* ATTACH */, w.victim as usize, 0, 0, 0, 0]).and_then(done)),
    ("seize_the_supervisor", |_| call(libc::SYS_ptrace, [0x4206 /* SEIZE */, supervisor() as usize, 0, 0, 0, 0]).and_then(done)),
    ("read_memory_of_the_victim", |w| memory(w, libc::SYS_process_vm_readv)),
    ("write_memory_of_the_victim", |w| memory(w, libc::SYS_process_vm_writev)),
    ("write_memory_of_the_supervisor", |_| {
        let mut memory = OpenOptions::new().write(true).open(format!("/proc/{}/mem", supervisor()))?;
        memory.seek(SeekFrom::Start(0x400000)).and_then(|_| memory.write_all(b"through"))
    }),
    ("take_a_descriptor_of_the_victim", |w| {
        let at = call(libc::SYS_pidfd_open, [w.victim as usize, 0, 0, 0, 0, 0])?;
        call(libc::SYS_pidfd_getfd, [at as usize, 1, 0, 0, 0, 0]).and_then(done)
    }),
    ("compare_with_the_victim", |w| call(libc::SYS_kcmp, [std::process::id() as usize, w.victim as usize, 0, 0, 0, 0]).and_then(done)),
    ("limit_the_victim", |w| {
        let none = [0_u64; 2];
        of_victim(libc::SYS_prlimit64, w, [libc::RLIMIT_FSIZE as usize, none.as_ptr() as usize, 0])
    }),
    ("slow_the_victim_down", |w| call(libc::SYS_setpriority, [0, w.victim as usize, 19, 0, 0, 0]).and_then(done)),
    ("slow_the_user_down", |_| {
        call(libc::SYS_setpriority, [libc::PRIO_USER as usize, 0, 19, 0, 0, 0])?;
        // Which of the user's processes were meant shows the test, from outside.
        held("see the victim's priority")
    }),
    ("move_the_victim", |w| of_victim(libc::SYS_sched_setaffinity, w, [8, [1_u64].as_ptr() as usize, 0])),
    ("schedule_the_victim", |w| of_victim(libc::SYS_sched_setscheduler, w, [5, [0_i32].as_ptr() as usize, 0])),
    ("move_pages_of_the_victim", |w| of_victim(libc::SYS_move_pages, w, [0, 0, 0])),
    ("become_root", |_| call(libc::SYS_setuid, [0; 6]).and_then(done)),
    ("get_new_rights_by_a_program", |_| match call(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS as usize, 0, 0, 0, 0, 0])? {
        1 => held("no_new_privs"),
        _ => Ok(()),
    }),
    ("have_capabilities", |_| {
        let status = std::fs::read_to_string("/proc/thread-self/status").or_else(|_| std::fs::read_to_string("/proc/self/status"))?;
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or("0").trim();
        if effective.chars().all(|c| c == '0') { held("none") } else { Ok(()) }
    }),
    ("raise_a_limit", |_| {
        let most = [u64::MAX; 2];
        call(libc::SYS_prlimit64, [0, libc::RLIMIT_FSIZE as usize, most.as_ptr() as usize, 0, 0, 0]).and_then(done)
    }),
    // The next three are judged from outside: nothing may be left.
    ("leave_a_daemon", |_| lingering(&[])),
    ("leave_a_daemon_in_a_session_of_its_own", |_| lingering(&["setsid"])),
    ("leave_a_daemon_that_no_signal_ends", |_| lingering(&["nohup", "setsid"])),
];

/// Starts one that stays, through these programs.
fn lingering(through: &[&str]) -> io::Result<()> {
    let own = std::env::current_exe()?;
    let words: Vec<&str> = through.iter().copied().chain([own.to_str().expect("a plain path"), "linger"]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    held("see what is left")
}

/// Stays.
pub fn linger() {
    std::thread::sleep(std::time::Duration::from_secs(600));
}

/// Forks until it is stopped.
pub fn bomb() {
    loop {
        // SAFETY: the child goes on in the same loop and touches nothing.
        unsafe { libc::fork() };
    }
}
