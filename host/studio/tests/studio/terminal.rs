//! The terminal shows what the window shows, cell for cell, and its keys are the same.

use crate::common::{Place, has_nda, nda, screen};
use crossterm::event::{KeyCode, KeyModifiers};
use nda_studio::face::terminal::{draw, press};
use nda_studio::grid::{Grid, Ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use std::path::Path;

#[test]
fn a_terminal_has_the_same_cells() {
    let place = Place::new(&[("a.rs", "fn main() {} // \u{4e2d}\u{1b}[2J\n".as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("a.rs"));
    let wanted = screen(&mut studio);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 150, 40));
    draw(&mut studio, &mut Grid::default(), &mut buffer);
    let row = |y: u16| (0..150).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let found: String = (0..40).map(|y| format!("{}\n", row(y).trim_end())).collect();
    assert_eq!(found, wanted);
    assert!(!found.contains('\u{1b}'), "a file cannot speak to the terminal");
    let [_, red, green, blue] = Ink::Keyword.rgb().to_be_bytes();
    assert_eq!(buffer[(4, 1)].fg, Color::Rgb(red, green, blue), "'fn' is a keyword, and its first letter is under the cursor");
}

#[test]
fn a_terminals_keys_edit_and_save() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    let keys = [
        (KeyCode::Char('X'), KeyModifiers::SHIFT),
        (KeyCode::End, KeyModifiers::NONE),
        (KeyCode::Enter, KeyModifiers::NONE),
        (KeyCode::Char('S'), KeyModifiers::CONTROL),
    ];
    keys.iter().filter_map(|(code, held)| press(*code, *held)).for_each(|press| studio.press(press));
    assert_eq!(place.read("a.txt"), b"Xone\n\n");
}

/// Types into a command that has a terminal of its own: its exit code, what it wrote.
const TERMINAL: &str = r#"
import fcntl, os, pty, select, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
written = b""
def read_until(holds):
    global written
    end = time.time() + 60
    while time.time() < end and not holds():
        if select.select([fd], [], [], 0.05)[0]:
            try: written += os.read(fd, 65536)
            except OSError: return
read_until(lambda: b"p.nda" in written)
os.write(fd, b"x\x13")
read_until(lambda: open(sys.argv[-1]).read().startswith("x"))
os.write(fd, b"\x11")
read_until(lambda: False)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn nda_studio_opens_in_a_terminal_saves_and_leaves() {
    if !has_nda("nda_studio_opens_in_a_terminal") {
        return;
    }
    let place = Place::new(&[("p.nda", b"fn main() -> int { return 1; }\n")]);
    let output = std::process::Command::new("python3")
        .args(["-c", TERMINAL])
        .arg(nda())
        .args(["studio", "--terminal"])
        .arg(place.root())
        .arg(place.root().join("p.nda"))
        .env("TERM", "xterm-256color")
        .env("XDG_STATE_HOME", place.state())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.read("p.nda"), b"xfn main() -> int { return 1; }\n");
}
