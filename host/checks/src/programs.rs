//! `.nda` programs: no fault, and compiled in every tier.

use nda_guard::{Gate, Seen, Verdict};
use nda_lang::{Program, Tier};

/// The tiers of this build.
#[cfg(feature = "native")]
const TIERS: &[Tier] = &[Tier::Interpreter, Tier::Closure, Tier::Native];
#[cfg(not(feature = "native"))]
const TIERS: &[Tier] = &[Tier::Interpreter, Tier::Closure];

/// The gate of programs. Nothing runs: a program is checked and compiled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Programs;

impl Gate for Programs {
    fn name(&self) -> &str {
        "nda"
    }

    fn judge(&self, seen: &Seen<'_>) -> Verdict {
        let programs = seen.files.iter().filter(|file| file.path.name().ends_with(b".nda"));
        let mut any = false;
        for (file, after) in programs.filter_map(|file| Some((file, file.after?))) {
            any = true;
            let Ok(text) = std::str::from_utf8(&after.bytes) else { return Verdict::Fails(format!("{}: this is not text", file.path)) };
            for tier in TIERS {
                if let Err(faults) = Program::compile(&file.path.to_string(), text, *tier) {
                    return Verdict::Fails(faults.to_string());
                }
            }
        }
        if any { Verdict::Holds } else { Verdict::NotConcerned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_guard::{FileState, RelPath, Written};

    fn judge(name: &str, text: &str) -> Verdict {
        let (path, after) = (RelPath::new(name).unwrap(), FileState::plain(text));
        Programs.judge(&Seen { root: std::path::Path::new("/"), files: &[Written { path: &path, before: None, after: Some(&after) }] })
    }

    #[test]
    fn a_program_with_a_fault_fails_with_its_place_and_a_right_one_holds() {
        let right = "fn main() {\n    print(1 + 2);\n}\n";
        assert_eq!(judge("a.nda", right), Verdict::Holds);
        let Verdict::Fails(text) = judge("d/a.nda", &right.replace("1 + 2", "one")) else { panic!("it has a fault") };
        assert!(text.contains("d/a.nda:2"), "{text}");
        assert_eq!(judge("a.rs", "fn main"), Verdict::NotConcerned);
    }
}
