//! Processes of the system as /proc tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

/// What is told of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub parent: i32,
    pub threads: u64,
    /// Pages in memory.
    pub pages: u64,
    /// Ended, and not yet waited for.
    pub is_zombie: bool,
}

/// All processes that can be seen, by number.
pub(crate) fn all() -> BTreeMap<i32, Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(|number: i32| Some((number, parse(&std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?)?))).collect()
}

/// A line of /proc/PID/stat; the name in parentheses may hold anything.
fn parse(line: &str) -> Option<Process> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Process {
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: i32::try_from(number(1)?).ok()?,
        threads: number(17)?,
        pages: number(21)?,
    })
}

/// The processes that came from `ancestor`, which is not among them.
pub(crate) fn below(ancestor: i32, all: &BTreeMap<i32, Process>) -> BTreeSet<i32> {
    let mut found = BTreeSet::from([ancestor]);
    loop {
        let before = found.len();
        found.extend(all.iter().filter(|(_, process)| found.contains(&process.parent)).map(|(number, _)| *number).collect::<Vec<_>>());
        if found.len() == before {
            found.remove(&ancestor);
            return found;
        }
    }
}

/// How many processes and threads a user has.
pub(crate) fn of_user(user: u32) -> usize {
    let is_users = |number: &i32| std::fs::metadata(format!("/proc/{number}")).is_ok_and(|metadata| metadata.uid() == user);
    all().iter().filter(|(number, _)| is_users(number)).map(|(_, process)| process.threads as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_parenthesis_hides_nothing() {
        let rest = "S 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 100 1000 42 18446744073709551615";
        let process = parse(&format!("12 (a) R 1 (b) {rest}")).unwrap();
        assert_eq!((process.parent, process.threads, process.pages, process.is_zombie), (7, 3, 42, false));
    }

    #[test]
    fn this_process_descends_from_the_first() {
        let all = all();
        assert!(below(1, &all).contains(&(std::process::id() as i32)) || !all.contains_key(&1));
    }
}
