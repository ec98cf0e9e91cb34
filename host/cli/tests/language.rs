//! The language's commands as a person runs them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a command that must succeed.
fn good(arguments: &[&str]) -> String {
    let output = nda(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Standard error of a command that must fail with this code.
fn bad(code: i32, arguments: &[&str]) -> String {
    let output = nda(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

fn path(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_string()
}

fn model() -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf").to_str().unwrap().to_string()
}

const GCD: &str = "fn gcd(a: int, b: int) -> int {\n    while b != 0 {\n        let r = a % b;\n        a = b;\n        b = r;\n    }\n    return a;\n}\n\nfn main(a: int, b: int, name: str) -> int {\n    print(\"{name}:\", a, b);\n    return gcd(a, b);\n}\n";

#[test]
fn a_program_runs_the_same_on_every_tier_and_from_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let source = path(&folder, "gcd.nda", GCD);
    let binary = path(&folder, "gcd.ndab", "");
    assert!(good(&["fmt", &source, "--binary", &binary]).contains("root "));
    for file in [&source, &binary] {
        for tier in ["interpreter", "closure", "native"] {
            assert_eq!(good(&["exec", file, "--tier", tier, "--", "-48", "18", "gcd"]), "gcd: -48 18\n6\n", "{tier}");
        }
    }
    // Empty lines are layout, which the binary form does not hold.
    assert_eq!(good(&["fmt", &binary]), GCD.replace("\n\n", "\n"));
    assert!(good(&["disasm", &source, "--against", &binary]).starts_with("the same program, root "));
}

#[test]
fn faults_are_shown_with_their_lines_and_errors_of_a_run_with_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = path(&folder, "wrong.nda", "fn main() {\n    let x = y;\n    prnt(x);\n}\n");
    let said = bad(3, &["exec", &wrong]);
    for part in ["wrong.nda:2:13", "    let x = y;", "^", "did you mean 'print'?", "error: 2 faults in the program"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let deep = path(&folder, "deep.nda", "fn f(n: int) -> int {\n    return f(n + 1);\n}\n\nfn main() -> int {\n    return f(0);\n}\n");
    for tier in ["interpreter", "closure", "native"] {
        let said = bad(1, &["exec", &deep, "--tier", tier, "--max-depth", "5000"]);
        assert!(said.contains("deep.nda:2:12") && said.contains("the limit of 5000 open calls is reached"), "{said}");
        let said = bad(1, &["exec", &deep, "--tier", tier, "--max-steps", "10"]);
        assert!(said.contains("the limit of 10 steps is reached"), "{said}");
    }
    bad(2, &["exec", &deep, "1"]);
    bad(2, &["exec", &deep, "--tier", "fast"]);
    bad(3, &["exec", folder.path().join("none.nda").to_str().unwrap()]);
}

#[test]
fn formatting_is_done_in_place_once_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let source = path(&folder, "a.nda", "fn main( ){print( 1 );}// end");
    bad(1, &["fmt", &source, "--check"]);
    assert!(good(&["fmt", &source]).contains(": formatted"));
    assert_eq!(fs::read_to_string(&source).unwrap(), "fn main() {\n    print(1);\n} // end\n");
    assert!(good(&["fmt", &source, "--check"]).contains("formatted"));
}

#[test]
fn a_changed_node_is_shown_with_both_hashes_and_places() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (path(&folder, "old.nda", GCD), path(&folder, "new.nda", &GCD.replace("a % b", "a - b")));
    let said = good(&["disasm", &old, "--against", &new]);
    assert!(said.starts_with("program > function gcd > block > while > block > let r > binary"), "{said}");
    assert!(said.contains("old.nda:3:17: a % b") && said.contains("new.nda:3:17: a - b"), "{said}");
    assert!(good(&["disasm", &old]).lines().any(|l| l.ends_with(" operator \"%\"")));
}

#[test]
fn a_program_multiplies_a_documents_matrices_on_any_back_end() {
    let folder = tempfile::tempdir().unwrap();
    let source = "fn main(token: int) -> float {\n    let x = row(\"embed\", token);\n    let y = gemv(\"blk.0.q\", \"blk.0.k\", \"blk.0.v\", x);\n    print(len(y), rows(\"blk.0.q\"), meta_int(\"n_layers\"));\n    return dot(y, y);\n}\n";
    let file = path(&folder, "p.nda", source);
    let cpu = good(&["exec", &file, "65", "--model", &model()]);
    assert!(cpu.lines().count() == 2 && cpu.lines().last().unwrap().parse::<f64>().unwrap() > 0.0, "{cpu}");
    assert_eq!(cpu, good(&["exec", &file, "65", "--model", &model(), "--backend", "loopback"]));
    assert_eq!(cpu, good(&["exec", &file, "65", "--model", &model(), "--tier", "interpreter"]));
    assert!(bad(2, &["exec", &file, "65"]).contains("--model"));
    assert!(bad(1, &["exec", &file, "256", "--model", &model()]).contains("row 256 is not one of the tensor's 256"));
}

#[test]
fn a_document_carries_its_program_and_takes_another() {
    let folder = tempfile::tempdir().unwrap();
    let program = good(&["fmt", &model()]);
    let expected = nda_engine::decoder(&[nda_engine::Feature::Window]);
    assert_eq!(program, expected, "the committed model carries the Llama of a window, formatted");
    // The gates and what they gate change places.
    let before = "gemv(\"blk.{i}.gate\", \"blk.{i}.up\",";
    let swapped = path(&folder, "swapped.nda", &program.replace(before, "gemv(\"blk.{i}.up\", \"blk.{i}.gate\","));
    let changed = folder.path().join("swapped.ndf").to_str().unwrap().to_string();
    good(&["convert", &model(), &changed, "--program", &swapped]);
    assert!(good(&["check", &changed]).starts_with("good"));
    let say = |arguments: &[&str]| good(&[&["run"], arguments, &["--prompt", "She was ", "--max-tokens", "12"]].concat());
    let plain = say(&[&model()]);
    assert_ne!(say(&[&changed]), plain, "the changed program says something else");
    assert_eq!(say(&[&changed]), say(&[&model(), "--program", &swapped]));
    let on = |backend: &str| say(&[&changed, "--backend", backend, "--offload", "gemv"]);
    assert_eq!(on("cpu"), on("loopback"));
    // The same weights: with the old program back, the same document.
    let back = folder.path().join("back.ndf").to_str().unwrap().to_string();
    good(&["convert", &changed, &back, "--program", "llama"]);
    assert!(fs::read(&back).unwrap() == fs::read(model()).unwrap());
    let streamed = program.replace("    return x;\n", "    return stream_end();\n");
    let old = bad(3, &["convert", &model(), &back, "--program", &path(&folder, "old.nda", &streamed)]);
    assert!(old.contains("'stream_end' is no longer a builtin") && old.contains("--program llama"), "{old}");
    let broken = path(&folder, "broken.nda", &program.replace("fn logits", "fn logit"));
    assert!(bad(3, &["convert", &model(), &back, "--program", &broken]).contains("fn logits(p0: vec) -> vec"));
}

#[test]
fn a_models_graph_is_printed_as_text_and_json_and_a_program_without_one_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let json: serde_json::Value = serde_json::from_str(&good(&["plan", &model(), "--graph", "--json"])).unwrap();
    let (nodes, products) = (json["nodes"].as_array().unwrap(), json["products"].as_array().unwrap());
    assert_eq!((&json["version"], &products[0]["name"]), (&1.into(), &"blk.0.q+k+v".into()));
    let text = good(&["plan", &model(), "--graph"]);
    assert!(text.starts_with(&format!("graph version 1: {} nodes, {} products\nforward\n", nodes.len(), products.len())), "{text}");
    assert!(text.contains("= attend ") && text.lines().count() > nodes.len(), "{text}");
    let count = "    let count = len(tokens);\n";
    let program = good(&["fmt", &model()]).replace(count, &format!("{count}    if position > 9 {{\n        print(\"far\");\n    }}\n"));
    let decides = folder.path().join("decides.ndf").to_str().unwrap().to_string();
    good(&["convert", &model(), &decides, "--program", &path(&folder, "decides.nda", &program)]);
    let said = bad(1, &["plan", &decides, "--graph"]);
    assert!(said.contains("the program has no graph: this branch depends on the position") && said.contains("program.nda:"), "{said}");
    good(&["run", &decides, "--prompt", "She was ", "--max-tokens", "2"]);
    bad(2, &["plan", &model(), "--graph", "--board", "ulx3s-85f"]);
}

/// All eight of the articles' element operations, on vectors longer than a frame of a board holds where they go element by element.
const SEEDS: &str = "fn some(n: int, a: int) -> vec {\n    let v = zeros(n);\n    loop n as i {\n        v[i] = sin(float(i * a)) * 2.0;\n    }\n    v[0] = 2.0;\n    return v;\n}\n\nfn main(n: int) -> int {\n    let x = seed_scale(seed_quantize(some(n, 3)), 4);\n    let y = seed_scale(seed_quantize(some(n, 7)), 3);\n    print(seed_add(x, y), seed_aligned_add(x, seed_scale(y, 4)));\n    print(seed_swiglu(x, y), seed_silu(x), seed_rms_norm(x, y, 14));\n    print(seed_compare(x, \"<\", y), seed_compare(x, \"!=\", y), seed_truthy(x), seed_truthy(y));\n    let s = 0;\n    let all = seed_add(x, y);\n    loop n as i {\n        s = s * 3 % 1000003 + all[i];\n    }\n    return s;\n}\n";

#[test]
fn the_articles_operations_have_the_same_bits_on_the_cpu_and_on_a_board_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let source = path(&folder, "seeds.nda", SEEDS);
    for n in ["1", "9", "4500"] {
        let cpu = good(&["exec", &source, n]);
        for tier in ["interpreter", "native"] {
            assert_eq!(good(&["exec", &source, n, "--tier", tier]), cpu, "{tier}");
        }
        for board in ["sim:seed64", "loopback:seed64", "loopback:nano16"] {
            let output = nda(&["exec", &source, n, "--backend", board]);
            if board.starts_with("sim") && text(&output.stderr).contains("not built") {
                return nda_tests::skip("the articles' operations on a simulated board", "the simulator is not built in");
            }
            assert!(output.status.success(), "{board}: {}", text(&output.stderr));
            assert_eq!(text(&output.stdout), cpu, "{board}");
            // Of 4500 elements a frame holds neither the norm's two vectors nor the floats; the rest goes, in parts where it can.
            let on_board = match (board, n) {
                ("loopback:nano16", _) => "0 of 12 seed operations on ",
                (_, "4500") => "9 of 12 seed operations on ",
                _ => "12 of 12 seed operations on ",
            };
            assert!(text(&output.stderr).contains(on_board), "{board}, {n}: {}", text(&output.stderr));
        }
    }
}
