//! What tries to get out of the box. `nda-box-attacker all FOLDER` tries every attack in a process of its own and prints a line for
//! each: `THROUGH name`, `held name why`. FOLDER is what the test made outside (`outside.rs`): who is there, what must stay as it is.

mod files;
mod kernel;
mod missing;
mod network;
mod processes;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An attack's name and the attack: what comes back well is through.
pub type Attack = (&'static str, fn(&World) -> io::Result<()>);

/// What an attacker knows of the world outside.
pub struct World {
    /// The project.
    pub project: PathBuf,
    /// Files of the same user that are not the project's.
    pub outside: PathBuf,
    /// A process of the same user.
    pub victim: i32,

    /// A listener on this machine.
    pub tcp: u16,
    /// Another.
    pub udp: u16,
}

impl World {
    fn read(folder: &Path) -> World {
        let text = std::fs::read_to_string(folder.join("project/world.txt")).expect("the world");
        let numbers: Vec<i32> = text.split_ascii_whitespace().map(|word| word.parse().expect("a number")).collect();
        World {
            project: folder.join("project"),
            outside: folder.join("outside"),
            victim: numbers[0],
            tcp: numbers[1] as u16,
            udp: numbers[2] as u16,
        }
    }
}

/// A system call by its number.
pub fn call(number: libc::c_long, arguments: [usize; 6]) -> io::Result<i64> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the attacks below give addresses of values that live until the call is back, or none.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// What an attack says that came to nothing without an error of the system.
pub fn held(why: &str) -> io::Result<()> {
    Err(io::Error::other(why.to_owned()))
}

/// For what a call gives, which nobody needs.
pub fn done<T>(_: T) -> io::Result<()> {
    Ok(())
}

fn attacks() -> Vec<Attack> {
    [files::ATTACKS, files::READS, network::ATTACKS, processes::ATTACKS, kernel::ATTACKS].concat()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "all", folder] => all(folder),
        [_, "one", folder, name] => one(folder, name),
        [_, "without", part, program, rest @ ..] => missing::without(part, program, rest),
        [_, "linger"] => processes::linger(),
        [_, "bomb"] => processes::bomb(),
        other => panic!("{other:?} is not an attack"),
    }
}

fn all(folder: &str) {
    let own = std::env::current_exe().expect("this program");
    for (name, _) in attacks() {
        let output = Command::new(&own).args(["one", folder, name]).output().expect("a process");
        match output.status.code() {
            Some(0) => println!("THROUGH {name} {}", String::from_utf8_lossy(&output.stdout).trim()),
            _ => println!("held {name} {}{}", output.status, String::from_utf8_lossy(&output.stdout).replace('\n', " ")),
        }
    }
    println!("all {}", attacks().len());
}

fn one(folder: &str, name: &str) {
    let attack = attacks().into_iter().find(|attack| attack.0 == name).expect("an attack of this name").1;
    match attack(&World::read(Path::new(folder))) {
        Ok(()) => {}
        Err(e) => {
            print!(": {e}");
            std::process::exit(1);
        }
    }
}
