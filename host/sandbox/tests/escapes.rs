//! Every way out that we know is tried, at both levels, by an ordinary user: none is through, and from outside nothing has changed.

mod common;

use common::{LEVELS, Place, ordinary, ran};
use nda_sandbox::Level;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// Everything below a folder: what it is, its mode, its times, its bytes.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, metadata) = (entry.path(), entry.metadata().unwrap());
        let (mode, modified, changed) = (metadata.mode(), metadata.mtime_nsec(), metadata.ctime_nsec());
        let bytes = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        if metadata.is_dir() {
            all.extend(snapshot(&path));
        }
        all.insert(path, format!("{mode:o} {modified} {changed} {} {bytes:?}", metadata.nlink()));
    }
    all
}

/// What is outside of a box, and what must not notice it.
struct Outside {
    folder: PathBuf,
    victim: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    sockets: Vec<UnixListener>,
    /// A descriptor that a careless caller left open for its children.
    _leak: fs::File,
}

impl Outside {
    fn new(place: &Place, name: &str) -> Outside {
        let project = place.project(name);
        let folder = project.parent().unwrap().to_owned();
        let outside = folder.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret.txt"), "secret").unwrap();
        let victim = Command::new("sleep").arg("600").current_dir(&outside).env("SECRET", "1").process_group(0).spawn().unwrap();
        let (tcp, udp) = (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let plain = SocketAddr::from_abstract_name(format!("nda-box-{}", victim.id())).unwrap();
        let sockets = vec![
            UnixListener::bind(outside.join("socket")).unwrap(),
            UnixListener::bind(project.join("socket")).unwrap(),
            UnixListener::bind_addr(&plain).unwrap(),
        ];
        let ports = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
        fs::write(project.join("world.txt"), format!("{} {} {}", victim.id(), ports.0, ports.1)).unwrap();
        let leak = fs::File::create(folder.join("leak.txt")).unwrap();
        // SAFETY: a copy of a descriptor that is open, to a number that nobody uses; copies stay open for children.
        assert_eq!(unsafe { libc::dup2(leak.as_raw_fd(), 77) }, 77);
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        sockets.iter().for_each(|socket| socket.set_nonblocking(true).unwrap());
        Outside { folder, victim, tcp, udp, sockets, _leak: leak }
    }

    /// Nobody came and nothing happened to the victim.
    fn heard_nothing(&mut self) {
        assert_eq!(self.tcp.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody connected");
        assert_eq!(self.udp.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock, "a datagram came");
        for socket in &self.sockets {
            assert_eq!(socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody connected to {socket:?}");
        }
        assert_eq!(self.victim.try_wait().unwrap(), None, "the victim lives");
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.victim.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
        assert_eq!((fields[0], fields[16]), ("S", "0"), "the victim sleeps, at its old priority");
        assert_eq!(fs::read(self.folder.join("leak.txt")).unwrap(), b"", "the descriptor that was left open");
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// Processes that the attacker wanted to leave behind.
fn lingering() -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains("attacker\0linger")).collect()
}

/// Tries everything; how many attacks there were.
fn attacked(place: &Place, level: Level) -> usize {
    let mut world = Outside::new(place, level.name());
    let before = snapshot(&world.folder);
    let (attacker, folder) = (place.program("attacker"), world.folder.clone());
    let order = place.order(&folder.join("project"), level, &[attacker.to_str().unwrap(), "all", folder.to_str().unwrap()]);
    // SAFETY: this test is the process's only thread that looks at the environment.
    unsafe { std::env::set_var("NDA_TEST_SECRET", "1") };
    let (outcome, text) = ran(&order);
    let outcome = outcome.unwrap_or_else(|e| panic!("{level:?}: {e}; {}\n{text}", e.help()));
    let through: Vec<&str> = text.lines().filter(|line| line.starts_with("THROUGH")).collect();
    let held = text.lines().filter(|line| line.starts_with("held")).count();
    assert!(through.is_empty(), "{level:?}: these got out:\n{}\nof\n{text}", through.join("\n"));
    assert!(text.ends_with(&format!("all {held}\n")), "{level:?}: every attack was tried: {outcome:?}\n{text}");
    assert_eq!(outcome.level, level);
    let after = snapshot(&world.folder);
    let changed: Vec<_> = after.iter().filter(|(path, state)| before.get(*path) != Some(state)).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{level:?}: from outside: {changed:?}");
    world.heard_nothing();
    assert_eq!(lingering(), [""; 0], "{level:?}: nothing is left");
    println!("{level:?}: {held} attacks, 0 through");
    held
}

/// Attacks at each level: the evidence has this number from here.
const WAYS: usize = 152;

#[test]
fn no_attack_of_an_ordinary_user_is_through_at_either_level() {
    let Some(place) = ordinary("no_attack_of_an_ordinary_user_is_through_at_either_level") else { return };
    for level in LEVELS {
        assert_eq!(attacked(&place, level), WAYS, "{level:?}: docs/evidence.toml says how many there are");
    }
}

/// The attacks are attacks: without the box many are through.
#[test]
fn the_same_attacks_are_through_without_the_box() {
    let Some(place) = ordinary("the_same_attacks_are_through_without_the_box") else { return };
    let world = Outside::new(&place, "bare");
    let work = world.folder.join("work");
    fs::create_dir(&work).unwrap();
    fs::write(work.join("a.txt"), "mine").unwrap();
    let mut command = Command::new(place.program("attacker"));
    // One that ends the victim, its caller or this group of processes ends the test; the others tell enough.
    let output = command.args(["one"]).arg(&world.folder).arg("write_a_file_of_the_project").current_dir(&work).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let harmless = ["read_a_secret", "connect_by_tcp", "send_by_udp", "change_a_mode_with_fchmodat2", "rename_over", "probe_the_victim"];
    for name in harmless.into_iter().chain(["connect_to_a_socket_without_a_path", "change_times_by_descriptor", "write_a_hook"]) {
        let output = Command::new(place.program("attacker")).arg("one").arg(&world.folder).arg(name).current_dir(&work).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}
