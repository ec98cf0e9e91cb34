//! Boards that are none, links that are noisy, and the waves of a model's own job.
#![cfg(unix)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The committed model.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn good(arguments: &[&str]) -> String {
    let output = nda(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn bad(code: i32, arguments: &[&str]) -> String {
    let output = nda(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains("error: ") && said.contains("help: "), "{said}");
    said
}

/// `nda board` and the path on its first line.
struct Board {
    child: Child,
    path: String,
}

impl Board {
    fn start(arguments: &[&str]) -> Board {
        let arguments = [&["board"], arguments].concat();
        let mut child =
            Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut path = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut path).unwrap();
        assert!(path.starts_with('/'), "{path}");
        Board { child, path: path.trim_end().into() }
    }

    fn backend(&self) -> String {
        format!("serial:{}", self.path)
    }

    /// Sends a signal and returns what the board says at its end.
    fn end(mut self, signal: &str) -> String {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(10), "{signal} did not end the board");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(self.child.wait().unwrap().success());
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tokens(backend: &str) -> Value {
    let arguments = ["run", TINY, "--prompt", "She ", "--max-tokens", "3", "--offload", "gemv", "--backend", backend, "--json"];
    let said = good(&arguments);
    serde_json::from_str::<Value>(&said).unwrap()["tokens"].clone()
}

#[test]
fn a_software_board_behind_a_terminal_gives_the_cpus_tokens_with_and_without_faults() {
    let expected = tokens("cpu");
    let quiet = Board::start(&["loopback", "--pty", "--config", "wide256"]);
    assert_eq!(tokens(&quiet.backend()), expected);
    let said = quiet.end("-INT");
    assert!(said.contains("0 bytes of its link were corrupted"), "{said}");
    let noisy = Board::start(&["loopback", "--pty", "--faults", "0.0003", "--seed", "3"]);
    assert_eq!(tokens(&noisy.backend()), expected);
    let said = noisy.end("-TERM");
    assert!(said.contains("bytes of its link were corrupted") && !said.contains(" 0 bytes"), "{said}");
}

/// The stated time of a verification at one fault in 100 bytes, retries and all.
const STATED: Duration = Duration::from_secs(300);

#[test]
fn verify_ends_right_in_its_stated_time_at_one_fault_in_a_hundred_bytes() {
    let board = Board::start(&["loopback", "--pty", "--config", "nano16", "--faults", "0.01"]);
    let started = Instant::now();
    let found: Value = serde_json::from_str(&good(&["verify", "--backend", &board.backend(), "--shapes", "0", "--json"])).unwrap();
    assert!(found["mismatches"].as_array().unwrap().is_empty() && found["products"].as_u64() > Some(50), "{found}");
    println!("{:?}", started.elapsed());
    assert!(started.elapsed() < STATED, "{:?}", started.elapsed());
}

/// Of a board that is simulated fast enough for a host that waits in the machine's time.
#[cfg(feature = "configurations")]
#[test]
fn the_emitted_verilog_behind_a_terminal_gives_the_cpus_tokens_with_and_without_faults() {
    let expected = tokens("cpu");
    for faults in ["0", "0.0003"] {
        let board = Board::start(&["sim", "--pty", "--config", "wide256", "--faults", faults]);
        let probed: Value = serde_json::from_str(&good(&["devices", "--probe", &board.path, "--json"])).unwrap();
        assert_eq!(probed["serial_ports"][0]["board"]["configuration"], "wide256", "{probed}");
        assert_eq!(tokens(&board.backend()), expected, "{faults} faults per byte");
        board.end("-TERM");
    }
}

#[test]
fn a_board_that_cannot_be_is_refused_with_the_next_step() {
    assert!(bad(2, &["board", "sim"]).contains("--pty"));
    assert!(bad(2, &["board", "loopback", "--pty", "--config", "huge"]).contains("'nda devices' lists"));
    for rate in ["-1", "2", "NaN"] {
        let said = bad(2, &["board", "loopback", "--pty", "--faults", rate]);
        assert!(said.contains("faults per byte must be 0 to 0.1"), "{said}");
    }
}

#[cfg(feature = "configurations")]
#[test]
fn waves_of_a_models_own_job_say_which_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let wave = |token: &str, job: &str, out: &str| good(&["wave", TINY, "--prompt", "She ", "--token", token, "--job", job, "--out", out]);
    let said = wave("5", "7", &path("job.fst"));
    assert!(said.contains("token 5 (") && said.contains("job 7 of ") && said.contains(" weights, A8 activations"), "{said}");
    assert!(said.contains("blk.1."), "the eighth job is of the second block: {said}");
    let bytes = |name: &str| std::fs::metadata(path(name)).unwrap().len();
    assert!((10_000..2_000_000).contains(&bytes("job.fst")), "{} bytes: one job and nothing else", bytes("job.fst"));
    // A VCD of another job begins at the board's time, not at 0.
    wave("0", "0", &path("first.vcd"));
    let text = std::fs::read_to_string(path("first.vcd")).unwrap();
    let times: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix('#')?.parse().ok()).collect();
    assert!(times[0] > 1_000_000 && times.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", &times[..3]);
    let none = bad(2, &["wave", TINY, "--prompt", "She ", "--job", "9999", "--out", &path("none.vcd")]);
    assert!(none.contains("job must be below ") && !std::path::Path::new(&path("none.vcd")).exists(), "{none}");
    assert!(bad(2, &["wave", TINY, "--prompt", "She ", "--token", "9999"]).contains("token must be below the context"));
    bad(2, &["wave", "--token", "3"]);
}

#[cfg(feature = "configurations")]
#[test]
fn waves_of_a_text_begin_with_its_request_and_move_the_token_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let said = good(&["wave", TINY, "--prompt", "S", "--max-tokens", "1", "--out", &path("text.fst")]);
    assert!(said.contains("a text of 1 tokens behind a prompt of 1 on token1024: \""), "{said}");
    let cycles: Vec<u64> = said.rsplit("cycles ").next().unwrap().split(" to ").map(|part| part.trim().parse().unwrap()).collect();
    // The upload takes a cycle per byte, which nobody wants to look at; a token behind a prompt of one takes some three thousand.
    assert!(cycles[0] > 250_000 && (2_000..8_000).contains(&(cycles[1] - cycles[0])), "{said}");
    let moves = good(&["wave", "--read", &path("text.fst"), "--signal", "made_valid"]);
    assert!(moves.lines().any(|line| line.ends_with(".made_valid = 1")), "{moves}");
    let none = bad(2, &["wave", TINY, "--prompt", "S", "--max-tokens", "1", "--config", "nano16", "--out", &path("none.vcd")]);
    assert!(none.contains("no whole tokens") && none.contains("--config token1024"), "{none}");
    assert!(!std::path::Path::new(&path("none.vcd")).exists());
    bad(2, &["wave", TINY, "--prompt", "S", "--max-tokens", "1", "--job", "2"]);
    bad(2, &["wave", TINY, "--prompt", "S", "--max-tokens", "0"]);
}

#[cfg(feature = "configurations")]
#[test]
fn waves_of_a_board_with_element_cores_have_every_operation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.fst").to_str().unwrap().to_string();
    let said = good(&["wave", "--config", "seed64", "--out", &path]);
    assert!(said.contains("then 8 element operations"), "{said}");
    for core in ["swiglu", "quantize"] {
        let moves = good(&["wave", "--read", &path, "--signal", &format!("{core}.out_valid")]);
        assert!(moves.lines().any(|line| line.ends_with(" = 1")), "{core}: {moves}");
    }
}
