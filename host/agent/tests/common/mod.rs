//! What the tests of the agent share: a project in a repository, and tools on it.

#![allow(dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests make the files that they are about")]

use nda_agent::{Answer, Ask, Asking, Context, Facts, Helper, Question, Tools};
use nda_guard::{Policy, Settings};
use nda_sandbox::Wish;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// Knows nothing.
pub struct Ignorant;

impl Facts for Ignorant {
    fn ask(&self, arguments: &[&str], _: &[u8]) -> Result<String, String> {
        Err(format!("nothing is known of {arguments:?}"))
    }
}

/// Answers by a function, and remembers the questions.
pub struct Person {
    pub asked: Mutex<Vec<Question>>,
    answer: Box<dyn Fn(&Question) -> Answer + Send + Sync>,
}

impl Person {
    pub fn new(answer: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Arc<Person> {
        Arc::new(Person { asked: Mutex::default(), answer: Box::new(answer) })
    }

    pub fn approving() -> Arc<Person> {
        Person::new(|_| Answer::Green("the test".into()))
    }

    pub fn refusing() -> Arc<Person> {
        Person::new(|_| Answer::Red("the test says no".into()))
    }
}

impl Ask for Person {
    fn ask(&self, question: &Question) -> Answer {
        self.asked.lock().unwrap().push(question.clone());
        (self.answer)(question)
    }
}

/// A repository with a few files, and a folder beside it.
pub fn project() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::create_dir(folder.path().join("outside")).unwrap();
    fs::write(folder.path().join("outside/o.txt"), "outside\n").unwrap();
    for (path, text) in
        [("a.txt", "first\n"), ("b.txt", "second\n"), ("sub/c.rs", "fn third() {}\n"), ("Makefile", "all:\n\techo made > a.txt\n")]
    {
        fs::write(root.join(path), text).unwrap();
    }
    symlink("../outside/o.txt", root.join("link")).unwrap();
    symlink("../outside", root.join("linked")).unwrap();
    symlink("../outside/new.txt", root.join("dangling")).unwrap();
    for words in
        [&["init", "-q"][..], &["add", "-A"], &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "first"]]
    {
        assert!(Command::new("git").args(words).current_dir(&root).status().unwrap().success());
    }
    (folder, root)
}

/// The tools on a project, with a person who can be asked.
pub fn tools(root: &Path, person: Arc<Person>) -> Tools {
    tools_with(root, Policy::of_folder(root).unwrap(), vec![person])
}

pub fn tools_with(root: &Path, policy: Policy, askers: Vec<Arc<dyn Ask>>) -> Tools {
    let helper = Helper { command: vec![env!("CARGO_BIN_EXE_nda-agent-server").into()], wish: Wish::Best, reads: Vec::new() };
    let settings = Settings::default().state(root.parent().unwrap().join("state"));
    Tools::new(Context::open(root, settings, Asking::new(root, policy, askers), helper, Box::new(Ignorant)).unwrap())
}

/// `nda serve` on a free port, gone at the end.
pub struct Server {
    child: std::process::Child,
    pub address: String,
}

impl Server {
    pub fn start(nda: &str, model: &str) -> Server {
        // A machine that is busy with other work takes its time; there, threads that wait for each other take several times the processor.
        let args = ["serve", model, "--port", "0", "--timeout", "3600", "--threads", "1"];
        let mut child = Command::new(nda).args(args).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap();
        assert!(address.starts_with("http://"), "{line}");
        Server { address: address.to_owned(), child }
    }

    /// Processor time that it took.
    pub fn processor_time(&self) -> std::time::Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Fields 14 and 15 in ticks of 10 ms; the second field ends with the last bracket.
        let fields = text.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
        std::time::Duration::from_millis(fields.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
