//! Emits the cores, verilates them and compiles each model into a static library of its own.
//!
//! Which models: the default device's board; with the feature `configurations` all others' too, with `units` single cores
//! for tests ([`models`]). A model is compiled once for all profiles and features of a target folder ([`store`]).

#[cfg(feature = "verilator")]
mod compile;
#[cfg(feature = "verilator")]
mod models;
#[cfg(feature = "verilator")]
mod store;
#[cfg(feature = "verilator")]
mod table;
#[cfg(feature = "verilator")]
mod verilator;

#[cfg(not(feature = "verilator"))]
fn main() {
    println!("cargo::rerun-if-changed=build");
}

#[cfg(feature = "verilator")]
fn main() {
    if let Err(message) = run() {
        panic!("\n{message}\n");
    }
}

#[cfg(feature = "verilator")]
fn run() -> Result<(), String> {
    for path in ["build", "shim/shim.h", "shim/lock.cpp"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").map_err(|e| e.to_string())?);
    let tool = verilator::Verilator::find()?;
    println!("cargo::rerun-if-changed={}", tool.root.join("include/verilated.h").display());
    println!("cargo::rustc-env=NDA_VERILATOR_VERSION={}", tool.version);
    let models = models::Models::emit()?;
    let store = store::Store::open(&out)?;
    let libraries = compile::all(&models, &tool, &store, &out)?;
    table::write(&models, &out)?;
    println!("cargo::rustc-link-search=native={}", store.folder().display());
    libraries.models.iter().chain([&libraries.lock, &libraries.threads]).for_each(|library| store.watch(library));
    for library in &libraries.models {
        println!("cargo::rustc-link-lib=static={library}");
    }
    println!("cargo::rustc-link-lib=static={}", libraries.lock);
    println!("cargo::rustc-link-lib=static:+whole-archive={}", libraries.threads);
    println!("cargo::rustc-link-lib=stdc++");
    println!("cargo::rustc-link-lib=pthread");
    Ok(())
}
