//! The quick proofs; `make formal` runs all of them.

use nda_formal::{check, parts};
use nda_gates::Tools;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

#[test]
fn every_quick_part_is_proved_and_every_mutant_of_it_is_refuted() {
    let tools = Tools::find().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formal");
    let quick: Vec<_> = parts::all(&tools).unwrap().into_iter().filter(|part| part.quick).collect();
    let next = Mutex::new(quick.iter());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(part) = { next.lock().unwrap().next() } {
                    match check(&tools, part, &folder) {
                        Ok(report) if report.good() => {
                            println!("{}: proved, {} mutants refuted, {:?}", part.name, report.mutants, report.time)
                        }
                        Ok(report) => failures.lock().unwrap().push(format!("{}: {report:?}", part.name)),
                        Err(error) => failures.lock().unwrap().push(error.to_string()),
                    }
                }
            });
        }
    });
    assert!(quick.len() >= 12, "{} quick parts", quick.len());
    assert_eq!(failures.into_inner().unwrap(), Vec::<String>::new());
}

#[test]
fn parts_have_names_of_their_own_and_at_least_one_mutant() {
    let all = parts::all(&Tools::find().unwrap()).unwrap();
    let names: BTreeSet<&str> = all.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
    for part in &all {
        assert!(!part.mutants.is_empty(), "{}", part.name);
        for mutant in &part.mutants {
            assert!(part.verilog.replaced(&mutant.place, &mutant.by).is_ok(), "{}: {}", part.name, mutant.what);
        }
    }
}
