//! The box alone: a helper for the tests and for other programs. `nda` has it as a hidden sub-command.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, enter, stage] if enter == nda_sandbox::ENTER => nda_sandbox::enter(stage),
        _ => std::process::ExitCode::from(2),
    }
}
