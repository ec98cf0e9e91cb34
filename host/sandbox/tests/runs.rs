//! What a command can do in the box, what comes back, what its limits are, and what is refused.

mod common;

use common::{LEVELS, ordinary, ran, shell};
use nda_sandbox::{Content, End, Exceeded, Level, Outcome, Part, SandboxError, Stream, Wish, run};
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Changes by path: `+` and the text, `-` for nothing, `>` and where a link leads.
fn told(outcome: &Outcome) -> BTreeMap<String, String> {
    let tell = |content: &Content| match content {
        Content::File { bytes, .. } => format!("+{}", String::from_utf8_lossy(bytes)),
        Content::Link(leads) => format!(">{}", leads.display()),
        Content::Deleted => "-".into(),
        Content::Refused(why) => format!("!{why}"),
    };
    outcome.changes.iter().map(|change| (change.path.display().to_string(), tell(&change.content))).collect()
}

#[test]
fn a_redirect_in_a_shell_comes_back_as_a_change_and_the_project_stays() {
    let Some(place) = ordinary("a_redirect_in_a_shell_comes_back_as_a_change_and_the_project_stays") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let script = "cat a.txt; echo more >> a.txt; rm b.txt; echo x > new.txt; ln -s a.txt link; mkdir -p d/e; echo y > d/e/f;
                      mkdir target; echo o > target/new.o; mkfifo pipe; echo 'new.txt' > sub/.gitignore; exit 3";
        let (outcome, text) = shell(&place, &project, level, script);
        assert_eq!((outcome.end, text.as_str()), (End::Code(3), "first\n"), "{level:?}");
        let expected = [
            ("a.txt", "+first\nmore\n"),
            ("b.txt", "-"),
            ("d/e/f", "+y\n"),
            ("link", ">a.txt"),
            ("new.txt", "+x\n"),
            ("pipe", "!no file and no link"),
            ("sub/.gitignore", "+new.txt\n"),
        ];
        assert_eq!(told(&outcome), expected.map(|(path, what)| (path.to_owned(), what.to_owned())).into(), "{level:?}");
        assert_eq!(fs::read_to_string(project.join("a.txt")).unwrap(), "first\n");
        assert!(project.join("b.txt").exists() && !project.join("new.txt").exists());
        let before = outcome.changes[0].before.unwrap();
        assert_eq!(before, blake3::hash(b"first\n"));
    }
}

#[test]
fn a_file_that_an_ignore_file_hides_later_is_still_a_change() {
    let Some(place) = ordinary("a_file_that_an_ignore_file_hides_later_is_still_a_change") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let (outcome, _) = shell(&place, &project, level, "echo '*.txt' > .gitignore; echo evil > a.txt");
        assert_eq!(told(&outcome).get("a.txt").map(String::as_str), Some("+evil\n"), "{level:?}");
    }
}

#[test]
fn a_folder_that_became_a_link_shows_no_files_of_others() {
    let Some(place) = ordinary("a_folder_that_became_a_link_shows_no_files_of_others") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let (outcome, _) = shell(&place, &project, level, "rm -r sub; ln -s /etc sub");
        let expected = [("sub", ">/etc"), ("sub/c.txt", "-")];
        assert_eq!(told(&outcome), expected.map(|(path, what)| (path.to_owned(), what.to_owned())).into(), "{level:?}");
    }
}

#[test]
fn limits_end_a_run_with_their_name() {
    let Some(place) = ordinary("limits_end_a_run_with_their_name") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let attacker = place.program("attacker");
        let cases: [(&[&str], Exceeded); 3] = [
            (&["sleep", "60"], Exceeded::Time),
            (&[attacker.to_str().unwrap(), "bomb"], Exceeded::Time),
            (&["sh", "-c", "head -c 200000000 /dev/zero | tail -c 200000000 | cat > /dev/null; sleep 5"], Exceeded::Memory),
        ];
        for (command, limit) in cases {
            let mut order = place.order(&project, level, command);
            // On a busy machine it takes a while until so much is written.
            order.limits.wall_ms = if limit == Exceeded::Memory { 20_000 } else { 1500 };
            order.limits.processes = 40;
            order.limits.memory_bytes = 100 << 20;
            let start = Instant::now();
            let (outcome, text) = ran(&order);
            let outcome = outcome.unwrap_or_else(|e| panic!("{level:?} {command:?}: {e}"));
            println!("{level:?} {command:?}: {:?} after {:?}", outcome.end, start.elapsed());
            // A limit of the kernel may be first: then the program says so itself.
            let is_told = outcome.end == End::Limit(limit) || limit == Exceeded::Memory && text.contains("memory exhausted");
            assert!(is_told, "{level:?} {command:?}: {outcome:?} {text}");
        }
    }
}

#[test]
fn a_flood_of_bytes_ends_at_the_size_of_the_scratch() {
    let Some(place) = ordinary("a_flood_of_bytes_ends_at_the_size_of_the_scratch") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let mut order = place.order(
            &project,
            level,
            &["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do head -c 8000000 /dev/zero > $i || exit 9; done; sleep 2"],
        );
        order.limits.scratch_bytes = 20_000_000;
        let (outcome, text) = ran(&order);
        let end = outcome.unwrap().end;
        let is_told = end == End::Limit(Exceeded::Scratch) || end == End::Code(9) && text.contains("No space left");
        assert!(is_told, "{level:?}: {end:?} {text}");
        order = place.order(&project, level, &["sh", "-c", "head -c 10000000000 /dev/zero > big"]);
        order.limits.file_bytes = 1 << 20;
        let (outcome, text) = ran(&order);
        let end = outcome.unwrap().end;
        assert!(text.contains("File too large") || matches!(end, End::Signal(25) | End::Code(153)), "{level:?}: {end:?} {text}");
    }
}

#[test]
fn what_still_runs_is_killed_within_a_tenth_of_a_second() {
    let Some(place) = ordinary("what_still_runs_is_killed_within_a_tenth_of_a_second") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let (outcome, text) = shell(&place, &project, level, "for i in 1 2 3 4 5; do setsid sleep 777 & done; date +%s%N");
        let ended = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let said: u128 = text.trim().parse().unwrap();
        let took_ms = (ended - said) / 1_000_000;
        println!("{level:?}: {} processes killed and the changes read {took_ms} ms after the command's last word", outcome.killed);
        assert!(outcome.killed >= 5, "{level:?}: {outcome:?}");
        let left = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        assert_eq!(left.filter(|line| line.starts_with(b"sleep\x00777")).count(), 0, "{level:?}");
    }
}

#[test]
fn a_command_that_is_not_there_is_refused_by_name() {
    let Some(place) = ordinary("a_command_that_is_not_there_is_refused_by_name") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        match ran(&place.order(&project, level, &["no-such-program"])).0 {
            Err(SandboxError::Refused(refusal)) => assert_eq!(refusal.part, Part::Command, "{level:?}: {refusal}"),
            other => panic!("{level:?}: {other:?}"),
        }
    }
}

#[test]
fn a_project_larger_than_its_scratch_is_refused_with_both_numbers() {
    let Some(place) = ordinary("a_project_larger_than_its_scratch_is_refused_with_both_numbers") else { return };
    let project = place.project("large");
    fs::write(project.join("large.bin"), vec![0; 3 << 20]).unwrap();
    let mut order = place.order(&project, Level::Full, &["true"]);
    order.limits.scratch_bytes = 2 << 20;
    assert!(matches!(ran(&order).0, Err(SandboxError::TooLarge { scratch: 2_097_152, .. })));
}

#[test]
fn compilers_and_make_work() {
    let Some(place) = ordinary("compilers_and_make_work") else { return };
    let project = place.project("make");
    fs::write(project.join("m.c"), "#include <stdio.h>\nint main(void) { puts(\"made\"); return 0; }\n").unwrap();
    let (outcome, text) = shell(&place, &project, Level::Full, "cc -o m m.c && ./m && touch a.txt && chmod 755 a.txt");
    assert_eq!((outcome.end, text.as_str()), (End::Code(0), "made\n"));
    assert!(matches!(&outcome.changes[0].content, Content::File { mode: 0o755, .. }), "{:?}", outcome.changes[0]);
}

#[test]
fn the_best_level_is_taken() {
    let Some(place) = ordinary("the_best_level_is_taken") else { return };
    let project = place.project("best");
    let mut order = place.order(&project, Level::Full, &["true"]);
    order.wish = Wish::Best;
    assert_eq!(ran(&order).0.unwrap().level, Level::Full);
}

/// Processes with this beginning of a command line.
fn running(start: &[u8]) -> usize {
    let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.starts_with(start)).count()
}

/// Waits until something holds, for ten seconds at most.
fn soon(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !holds() && start.elapsed().as_secs() < 10 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    holds()
}

#[test]
fn a_killed_caller_leaves_nothing_running() {
    const HOLD: &str = "NDA_TEST_HOLD";
    const NAME: &str = "a_killed_caller_leaves_nothing_running";
    let Some(place) = ordinary(NAME) else { return };
    if let Ok(level) = std::env::var(HOLD) {
        let level = LEVELS.into_iter().find(|known| known.name() == level).unwrap();
        shell(&place, &place.project(level.name()), level, "setsid sleep 778 & sleep 778");
        return;
    }
    for level in LEVELS {
        let own = std::env::current_exe().unwrap();
        let mut caller = std::process::Command::new(own).args([NAME, "--exact"]).env(HOLD, level.name()).spawn().unwrap();
        assert!(soon(|| running(b"sleep\x00778") == 2), "{level:?}: both run");
        caller.kill().unwrap();
        caller.wait().unwrap();
        let start = Instant::now();
        assert!(soon(|| running(b"sleep\x00778") == 0), "{level:?}: nothing is left");
        println!("{level:?}: all ended {:?} after the caller was killed", start.elapsed());
    }
}

#[test]
fn a_command_that_its_caller_stops_is_killed_with_all_that_it_started() {
    let Some(place) = ordinary("a_command_that_its_caller_stops_is_killed_with_all_that_it_started") else { return };
    for level in LEVELS {
        let project = place.project(level.name());
        let order = place.order(&project, level, &["sh", "-c", "sleep 50 & echo begun; sleep 50"]);
        let (stop, begun) = (order.stop.clone(), Instant::now());
        let outcome = run(&order, &mut |_: Stream, _: &[u8]| stop.store(true, Ordering::Relaxed)).unwrap();
        assert_eq!(outcome.end, End::Stopped, "{level:?}");
        assert!(outcome.killed >= 1 && begun.elapsed() < Duration::from_secs(30), "{level:?}: {outcome:?}");
    }
}

/// Folders of boxes in the folder for temporary files.
fn boxes() -> Vec<std::path::PathBuf> {
    let is_box = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("nda-box-");
    fs::read_dir(std::env::temp_dir()).unwrap().flatten().map(|entry| entry.path()).filter(is_box).collect()
}

#[test]
fn the_folder_of_a_box_is_the_users_alone_and_one_that_a_killed_caller_left_is_swept() {
    const HOLD: &str = "NDA_TEST_HOLD_FOLDER";
    const NAME: &str = "the_folder_of_a_box_is_the_users_alone_and_one_that_a_killed_caller_left_is_swept";
    let Some(place) = ordinary(NAME) else { return };
    if let Ok(level) = std::env::var(HOLD) {
        let level = LEVELS.into_iter().find(|known| known.name() == level).unwrap();
        shell(&place, &place.project(level.name()), level, "mkdir closed; umask 777; mkdir closed/in; sleep 779");
        return;
    }
    for level in LEVELS {
        let own = std::env::current_exe().unwrap();
        let hold = || std::process::Command::new(&own).args([NAME, "--exact"]).env(HOLD, level.name()).spawn().unwrap();
        let (mut killed, begun) = (hold(), || running(b"sleep\x00779"));
        assert!(soon(|| begun() == 1), "{level:?}: it runs");
        let [left] = boxes().try_into().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&left.metadata().unwrap().permissions());
        assert_eq!(mode & 0o7777, 0o700, "{level:?}");
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert!(soon(|| begun() == 0) && boxes() == [left.clone()], "{level:?}: it was left");
        let mut other = hold();
        assert!(soon(|| begun() == 1), "{level:?}: another runs");
        assert!(!left.exists() && boxes().len() == 1, "{level:?}: what was left is swept");
        let project = place.project("beside");
        shell(&place, &project, level, "true");
        assert_eq!(boxes().len(), 1, "{level:?}: what somebody has is not");
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(soon(|| begun() == 0));
        shell(&place, &project, level, "mkdir -m 0 closed");
        assert!(boxes().is_empty(), "{level:?}: {:?}", boxes());
    }
}

#[test]
fn a_change_of_a_mode_that_is_not_brought_back_is_named() {
    let Some(place) = ordinary("a_change_of_a_mode_that_is_not_brought_back_is_named") else { return };
    let project = place.project("modes");
    let script =
        "chmod u+s a.txt; chmod g+s b.txt; echo more >> b.txt; echo x > new.txt; chmod +t new.txt; chmod 4755 sub/c.txt; chmod +t sub";
    let (outcome, _) = shell(&place, &project, Level::Full, script);
    let is_named = |path: &str, bits: &str| {
        let of_path = outcome.changes.iter().filter(|change| change.path.as_os_str() == path);
        of_path.map(|change| change.describe()).any(|told| told.contains("-> ") && told.contains(bits))
    };
    for (path, bits) in [("a.txt", "4644"), ("b.txt", "2644"), ("new.txt", "1644"), ("sub/c.txt", "4755"), ("sub", "1755")] {
        assert!(is_named(path, bits), "{path}: {:?}", outcome.changes);
    }
    let modes = outcome.changes.iter().filter_map(|change| if let Content::File { mode, .. } = change.content { Some(mode) } else { None });
    assert!(modes.clone().count() == 3 && modes.into_iter().all(|mode| mode & 0o7000 == 0), "{:?}", outcome.changes);
}

#[test]
fn a_path_to_read_is_taken_from_here_and_one_that_is_not_there_is_refused() {
    let Some(place) = ordinary("a_path_to_read_is_taken_from_here_and_one_that_is_not_there_is_refused") else { return };
    fs::create_dir_all(place.folder.join("extra/sub")).unwrap();
    fs::write(place.folder.join("extra/e.txt"), "extra\n").unwrap();
    for level in LEVELS {
        let project = place.project(level.name());
        let file = place.folder.join("extra/e.txt");
        let mut order = place.order(&project, level, &["cat", file.to_str().unwrap()]);
        // The test's own folder is the place.
        for read in ["extra", "./extra", "extra/sub/../../extra"] {
            order.reads = vec![read.into()];
            let (outcome, text) = ran(&order);
            assert_eq!((outcome.unwrap().end, text.as_str()), (End::Code(0), "extra\n"), "{level:?} {read}");
        }
        for read in ["/no/such/path", "no-such-path"] {
            order.reads = vec![read.into()];
            let error = ran(&order).0.unwrap_err().to_string();
            assert!(error.contains(read), "{level:?}: {error}");
        }
        order.reads.clear();
        order.command.clear();
        assert!(matches!(ran(&order).0, Err(SandboxError::Refused(refusal)) if refusal.part == Part::Command), "{level:?}");
    }
}
