//! The wheel for Python: built by maturin, installed into a fresh environment, and compared there with this command; its types, its notebook.

#![cfg(all(unix, feature = "verilator"))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

const NDA: &str = env!("CARGO_BIN_EXE_nda");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// An environment with the wheel in it, and nothing else but NumPy.
struct Installed {
    _folder: TempDir,
    environment: PathBuf,
}

static INSTALLED: LazyLock<Option<Installed>> = LazyLock::new(install);

fn tool(name: &str) -> PathBuf {
    Path::new(ROOT).join(".tools/wheel/bin").join(name)
}

/// What a command printed, which must have worked.
fn good(command: &mut Command) -> String {
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

fn install() -> Option<Installed> {
    if !tool("maturin").exists() {
        nda_tests::skip("the wheel", "./tools.sh wheel installs what builds it");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (wheels, environment) = (folder.path().join("wheels"), folder.path().join("environment"));
    let manifest = Path::new(ROOT).join("host/python/Cargo.toml");
    good(
        Command::new(tool("maturin"))
            .args(["build", "--release", "--strip", "--quiet", "--out"])
            .arg(&wheels)
            .arg("--manifest-path")
            .arg(manifest),
    );
    let wheel = std::fs::read_dir(&wheels).unwrap().flatten().map(|entry| entry.path()).next().expect("maturin built a wheel");
    assert!(wheel.to_str().unwrap().contains("-cp39-abi3-"), "one wheel for every Python: {wheel:?}");
    good(Command::new(tool("python")).args(["-m", "venv"]).arg(&environment));
    let list = Path::new(ROOT).join(".tools/wheel/wheels");
    let mut pip = Command::new(environment.join("bin/pip"));
    good(pip.args(["install", "--quiet", "--no-index", "--disable-pip-version-check", "--find-links"]).arg(list).arg(wheel));
    Some(Installed { _folder: folder, environment })
}

#[test]
fn in_a_fresh_environment_products_are_golden_and_texts_are_the_commands() {
    let Some(installed) = &*INSTALLED else { return };
    let script = Path::new(ROOT).join("host/python/tests/check.py");
    let said = good(Command::new(installed.environment.join("bin/python")).arg(script).arg(NDA).arg(ROOT));
    assert!(said.lines().filter(|line| line.starts_with("ok ")).count() >= 9, "{said}");
}

#[test]
fn the_chapters_examples_print_what_the_chapter_says() {
    let Some(installed) = &*INSTALLED else { return };
    let mut python = Command::new(installed.environment.join("bin/python"));
    let said = good(python.arg("host/python/tests/chapter.py").arg("docs/python.md").current_dir(ROOT));
    assert!(said.contains(", 0 failures"), "{said}");
}

#[test]
fn the_stubs_are_those_of_the_compiled_module_and_type_a_users_script() {
    let Some(installed) = &*INSTALLED else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut packages =
        std::fs::read_dir(installed.environment.join("lib")).unwrap().flatten().map(|entry| entry.path().join("site-packages"));
    let packages = packages.next().expect("a folder of packages");
    // The checker lies in another environment, and takes the package from this one.
    let mypy = |arguments: &[&str]| {
        let mut command = Command::new(tool("python"));
        command.args(arguments).env("PYTHONPATH", &packages).current_dir(folder.path());
        good(&mut command)
    };
    let said = mypy(&["-m", "mypy.stubtest", "nda"]);
    assert!(said.contains("Success"), "{said}");
    let script = folder.path().join("script.py");
    let bad = "import nda, numpy\ny = nda.Document('a').matrix('b').gemv(numpy.ones(3, numpy.int8))\ntext: int = nda.Model('a').generate('b').text\n";
    std::fs::write(&script, bad).unwrap();
    let output = Command::new(tool("python"))
        .args(["-m", "mypy", "--strict", "script.py"])
        .env("PYTHONPATH", &packages)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // The one mistake is found, and nothing else.
    assert!(said.contains("script.py:3") && said.contains("Found 1 error"), "{said}");
}

#[test]
fn the_notebook_runs_to_its_plot() {
    let Some(installed) = &*INSTALLED else { return };
    let script = Path::new(ROOT).join("host/python/tests/notebook.py");
    let mut packages =
        std::fs::read_dir(installed.environment.join("lib")).unwrap().flatten().map(|entry| entry.path().join("site-packages"));
    let said = good(Command::new(tool("python")).arg(script).arg(packages.next().expect("a folder of packages")));
    assert!(said.contains("ends with a plot"), "{said}");
}
