//! No source and no special file is overwritten, and a command that fails leaves nothing behind.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
const PROGRAM: &str = "fn main() -> int {\n    return 1;\n}\n";

/// A folder with a source of every kind: a trained model, a document, a program and a vector for `gemv`.
struct Bench {
    _keep: TempDir,
    folder: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let keep = tempfile::tempdir().unwrap();
        let folder = keep.path().to_path_buf();
        let bench = Bench { _keep: keep, folder };
        fs::copy(format!("{MODELS}/tiny.safetensors"), bench.at("tiny.safetensors")).unwrap();
        fs::copy(format!("{MODELS}/tiny.ndf"), bench.at("tiny.ndf")).unwrap();
        fs::write(bench.at("p.nda"), PROGRAM).unwrap();
        fs::write(bench.at("llama.nda"), nda_engine::LLAMA).unwrap();
        let matrix = bench.matrix();
        fs::write(bench.at("x.npy"), npy(matrix.1)).unwrap();
        bench
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().into()
    }

    /// A matrix of the document with one stack, and its columns.
    fn matrix(&self) -> (String, usize) {
        let mapped = nda_ndf::MappedDocument::open(self.at("tiny.ndf")).unwrap();
        let matrix = mapped.document().matrices().find(|m| m.stacks() == 1).unwrap();
        (format!("{}:{}", self.at("tiny.ndf"), matrix.name()), matrix.cols())
    }

    /// Every command that writes one file, with its output's place last; and what it reads.
    fn writers(&self) -> Vec<(Vec<String>, Vec<String>)> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect::<Vec<String>>();
        let (ndf, model, llama) = (self.at("tiny.ndf"), self.at("tiny.safetensors"), self.at("llama.nda"));
        let (program, x) = (self.at("p.nda"), self.at("x.npy"));
        let weights = self.matrix().0;
        vec![
            (owned(&["convert", &model]), vec![model]),
            (owned(&["convert", &ndf, "--program", &llama]), vec![ndf.clone(), llama]),
            (owned(&["fmt", &program, "--binary"]), vec![program]),
            (owned(&["gemv", "--weights", &weights, "--input", &x, "--output"]), vec![ndf, x]),
        ]
    }

    fn entries(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn npy(len: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '|i1', 'fortran_order': False, 'shape': ({len},), }}").into_bytes();
    header.resize(118 - 1, b' ');
    header.push(b'\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header);
    bytes.extend((0..len).map(|i| (i % 5) as u8));
    bytes
}

fn nda(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn with(arguments: &[String], output: &str) -> Vec<String> {
    arguments.iter().cloned().chain([output.to_string()]).collect()
}

/// A failure in three lines with this exit code; its text comes back.
fn fails(code: i32, output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].starts_with("error: ") && lines[1].starts_with("  at: ") && lines[2].starts_with("  help: "),
        "{said}"
    );
    said
}

#[test]
fn a_source_is_never_overwritten_whatever_its_name_is() {
    let bench = Bench::new();
    for (arguments, reads) in bench.writers() {
        for read in reads {
            let before = fs::read(&read).unwrap();
            let (hard, link) = (bench.at("hard"), bench.at("link"));
            fs::hard_link(&read, &hard).unwrap();
            symlink(&read, &link).unwrap();
            for name in [read.as_str(), &hard, &link] {
                let said = fails(3, &nda(&with(&arguments, name)));
                assert!(said.contains("the same file as the source") && said.contains("another name"), "{said}");
                assert!(fs::read(&read).unwrap() == before, "{arguments:?} into {name}");
            }
            fs::remove_file(hard).unwrap();
            fs::remove_file(link).unwrap();
        }
    }
}

#[test]
fn a_fifo_a_socket_a_folder_and_what_is_not_a_file_is_refused_and_stays() {
    let bench = Bench::new();
    let (fifo, socket, folder, stream, dangling) =
        (bench.at("fifo"), bench.at("socket"), bench.at("folder"), bench.at("stdout"), bench.at("dangling"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::create_dir(&folder).unwrap();
    // What /dev/stdout is, under a name that may be lost.
    symlink("/proc/self/fd/1", &stream).unwrap();
    symlink("nowhere", &dangling).unwrap();
    let before = bench.entries();
    for (arguments, _) in bench.writers() {
        for (name, said) in
            [(&fifo, "a FIFO"), (&socket, "a socket"), (&folder, "a folder"), (&stream, "an open stream"), (&dangling, "leads to no file")]
        {
            let found = fails(3, &nda(&with(&arguments, name)));
            assert!(found.contains(said), "{arguments:?} into {name}: {found}");
        }
    }
    assert_eq!(bench.entries(), before);
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo() && fs::symlink_metadata(&stream).unwrap().is_symlink());
}

#[test]
fn a_link_to_a_plain_file_stays_and_its_file_gets_the_result() {
    let bench = Bench::new();
    for (index, (arguments, _)) in bench.writers().into_iter().enumerate() {
        let (file, link) = (bench.at(&format!("file{index}")), bench.at(&format!("link{index}")));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        let output = nda(&with(&arguments, &link));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && fs::read(&file).unwrap() != b"old");
    }
}

/// A limit on the size of files stands for a full disk: the system answers in the middle of a write.
fn on_a_full_disk(arguments: &[String]) -> Output {
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_nda")]).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_full_disk_is_an_error_and_leaves_the_old_file_and_nothing_else() {
    let bench = Bench::new();
    let long: String = (0..400).map(|i| format!("fn f{i}() -> int {{\n    return {i};\n}}\n\n")).collect();
    fs::write(bench.at("p.nda"), format!("{long}{PROGRAM}")).unwrap();
    let output = bench.at("output");
    fs::write(&output, "old").unwrap();
    let before = bench.entries();
    // gemv's result is smaller than any limit.
    for (arguments, _) in bench.writers().into_iter().filter(|(arguments, _)| arguments[0] != "gemv") {
        let said = fails(3, &on_a_full_disk(&with(&arguments, &output)));
        assert!(said.contains("make room on the disk"), "{said}");
        assert_eq!((fs::read(&output).unwrap(), bench.entries()), (b"old".to_vec(), before.clone()), "{arguments:?}");
    }
    // In place: the program that was there is still there.
    fs::write(bench.at("p.nda"), format!("{long}{PROGRAM}").replace("    ", " ")).unwrap();
    let program = fs::read(bench.at("p.nda")).unwrap();
    fails(3, &on_a_full_disk(&["fmt".into(), bench.at("p.nda")]));
    assert_eq!((fs::read(bench.at("p.nda")).unwrap(), bench.entries()), (program, before));
}

#[cfg(feature = "emit")]
#[test]
fn emit_writes_both_files_or_none_and_no_folder_either() {
    let bench = Bench::new();
    let before = bench.entries();
    let emit = |out: &str, more: &[&str]| -> Vec<String> {
        ["emit", "--config", "nano16", "--out", out].iter().chain(more).map(|word| (*word).to_string()).collect()
    };
    let out = bench.at("new/inner");
    let said = fails(3, &on_a_full_disk(&emit(&out, &[])));
    assert!(said.contains("make room on the disk"), "{said}");
    assert_eq!(bench.entries(), before);
    fails(3, &nda(&emit(&bench.at("p.nda"), &[])));
    // One file fits a stream, two do not.
    let streamed = nda(&emit("-", &["--port", "uart"]));
    assert!(streamed.status.success() && streamed.stderr.is_empty());
    assert!(nda(&emit(&out, &[])).status.success());
    assert_eq!(fs::read(format!("{out}/board_nano16_uart.v")).unwrap(), streamed.stdout);
    assert!(fails(2, &nda(&emit("-", &[]))).contains("--port"));
}

/// Verilator's own writer tried again for ever.
#[cfg(feature = "verilator")]
#[test]
fn waves_on_a_full_disk_end_in_an_error_within_a_minute_and_leave_nothing() {
    let bench = Bench::new();
    let before = bench.entries();
    for name in ["job.vcd", "job.fst"] {
        let script = "trap '' XFSZ; ulimit -f 1; exec timeout 60 \"$0\" wave --config nano16 --out \"$1\"";
        let output = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_nda"), &bench.at(name)]).output().unwrap();
        assert!(fails(3, &output).contains("make room on the disk"));
        assert_eq!(bench.entries(), before);
        let link = bench.at("link");
        symlink("/proc/self/fd/1", &link).unwrap();
        let words = ["wave", "--config", "nano16", "--out", &link].map(str::to_owned);
        assert!(fails(3, &nda(&words)).contains("an open stream") && fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(link).unwrap();
    }
}

#[test]
fn where_nothing_may_be_written_the_error_says_so() {
    let bench = Bench::new();
    let (kept, absent) = (bench.at("kept"), bench.at("absent/file"));
    fs::write(&kept, "kept").unwrap();
    fs::set_permissions(&kept, PermissionsExt::from_mode(0o444)).unwrap();
    for (arguments, _) in bench.writers() {
        assert!(fails(3, &nda(&with(&arguments, &kept))).contains("without write permission"));
        assert!(fails(3, &nda(&with(&arguments, &absent))).contains("the folder must exist"));
        // Not even root creates files here.
        let said = fails(3, &nda(&with(&arguments, "/sys/kernel/nda")));
        assert!(said.contains("cannot create"), "{said}");
    }
    assert_eq!(fs::read(&kept).unwrap(), b"kept");
}

#[test]
fn a_result_that_can_be_streamed_goes_to_standard_output_and_the_remark_elsewhere() {
    let bench = Bench::new();
    for (arguments, _) in bench.writers() {
        let (file, streamed) = (bench.at("file"), nda(&with(&arguments, "-")));
        if arguments[0] == "convert" {
            assert!(fails(3, &streamed).contains("cannot be streamed"));
            continue;
        }
        assert!(streamed.status.success() && nda(&with(&arguments, &file)).status.success());
        assert_eq!(fs::read(&file).unwrap(), streamed.stdout, "{arguments:?}");
        assert_eq!(streamed.stderr.iter().filter(|byte| **byte == b'\n').count(), 1);
        // A reader that has gone is no failure.
        let mut child = Command::new(env!("CARGO_BIN_EXE_nda")).args(with(&arguments, "-")).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success());
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_nda"));
    let mut child = child.args(["fmt", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), PROGRAM.replace("    ", "").as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, PROGRAM.as_bytes());
}

#[test]
fn a_signal_during_a_conversion_leaves_the_old_file_and_nothing_else() {
    let bench = Bench::new();
    let output = bench.at("output");
    fs::write(&output, "old").unwrap();
    let before = bench.entries();
    for signal in ["-INT", "-TERM", "-KILL"] {
        for wait_ms in [5, 20, 40] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_nda"))
                .args(["convert", &bench.at("tiny.safetensors"), &output])
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_millis(wait_ms));
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            child.wait().unwrap();
            let found = fs::read(&output).unwrap();
            assert!(found == b"old" || found == fs::read(bench.at("tiny.ndf")).unwrap(), "the file is the old one or the whole new one");
            assert_eq!(bench.entries(), before);
        }
    }
}

#[test]
fn a_fifo_a_folder_or_a_device_as_a_model_says_so_and_does_not_hang() {
    let bench = Bench::new();
    let fifo = bench.at("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let output = bench.at("output");
    for (model, said) in [(fifo.as_str(), "FIFO"), ("/dev/zero", "a device")] {
        for arguments in [
            &["run", model, "--prompt", "a"][..],
            &["chat", model],
            &["info", model],
            &["check", model],
            &["plan", model],
            &["eval", model, "--text", &bench.at("p.nda")],
            &["demo", model],
            &["serve", model, "--port", "0"],
            &["convert", model, &output],
            &["exec", &bench.at("p.nda"), "--model", model],
            &["gemv", "--weights", model, "--input", &bench.at("x.npy"), "--output", &output],
        ] {
            let found = fails(3, &nda(&arguments.iter().map(|word| (*word).to_string()).collect::<Vec<_>>()));
            assert!(found.contains(said), "{arguments:?}: {found}");
        }
    }
    assert!(!Path::new(&output).exists());
}
