//! Keys as both faces tell them, and what each does.

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// What it writes.
    Char(char),
    /// Ends a line.
    Enter,
    /// To the next stop.
    Tab,
    /// Takes back the last character.
    Backspace,
    /// Takes away the next one.
    Delete,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// To the line's begin.
    Home,
    /// To the line's end.
    End,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// Back to the text.
    Escape,
    /// A function key.
    F(u8),
}

/// What is held beside a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Held {
    /// Control.
    pub ctrl: bool,
    /// Alt.
    pub alt: bool,
    /// Shift; of a character it is in the character.
    pub shift: bool,
}

/// A key that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Press {
    /// Which.
    pub key: Key,
    /// With what.
    pub held: Held,
}

impl Press {
    /// A key alone.
    pub fn of(key: Key) -> Press {
        Press { key, held: Held::default() }
    }

    /// A key by its name: `ctrl+s`, `shift+left`, `f5`, `a`.
    pub fn named(name: &str) -> Option<Press> {
        let (mut held, mut rest) = (Held::default(), name);
        while let Some((word, more)) = rest.split_once('+').filter(|(_, more)| !more.is_empty()) {
            match word {
                "ctrl" => held.ctrl = true,
                "alt" => held.alt = true,
                "shift" => held.shift = true,
                _ => return None,
            }
            rest = more;
        }
        let key = match rest {
            "enter" => Key::Enter,
            "tab" => Key::Tab,
            "backspace" => Key::Backspace,
            "delete" => Key::Delete,
            "left" => Key::Left,
            "right" => Key::Right,
            "up" => Key::Up,
            "down" => Key::Down,
            "home" => Key::Home,
            "end" => Key::End,
            "pageup" => Key::PageUp,
            "pagedown" => Key::PageDown,
            "escape" => Key::Escape,
            "space" => Key::Char(' '),
            _ => match rest.strip_prefix('f').and_then(|number| number.parse().ok()) {
                Some(number) => Key::F(number),
                None => Key::Char(single(rest)?),
            },
        };
        Some(Press { key, held })
    }
}

fn single(text: &str) -> Option<char> {
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// What a key can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Writes the file.
    Save,
    /// Ends the studio.
    Quit,
    /// Asks for a file by name.
    OpenFile,
    /// Closes the file.
    CloseFile,
    /// The next open file.
    NextTab,
    /// The one before.
    PreviousTab,
    /// Takes the last step back.
    Undo,
    /// Takes the last undo back.
    Redo,
    /// Keeps the selection.
    Copy,
    /// Keeps and removes it.
    Cut,
    /// Writes what was kept.
    Paste,
    /// Selects everything.
    SelectAll,
    /// One more cursor at the next place with the selected text.
    NextPlace,
    /// One more cursor in the line above.
    CursorAbove,
    /// One more cursor in the line below.
    CursorBelow,
    /// Looks for a text in the file.
    Find,
    /// The next place.
    FindNext,
    /// Looks for a text in the project.
    FindInProject,
    /// Replaces a text in the project.
    ReplaceInProject,
    /// Asks for a line.
    GoToLine,
    /// Says what the name at the cursor is.
    Hover,
    /// Goes to where it is declared.
    GoToDefinition,
    /// Gives it another name.
    Rename,
    /// Writes the program in the one way.
    Format,
    /// Runs the file or the selection in the sandbox.
    Run,
    /// Shows or hides the project's tree.
    Tree,
    /// The list of faults.
    Problems,
    /// The agent pane.
    Agent,
    /// The frames of a document.
    Document,
    /// The waves of a file.
    Waves,
    /// The boards.
    Boards,
    /// From the product at the cursor down to the wave.
    Stack,
    /// The list of keys.
    Help,
    /// From the text to the pane and back.
    Focus,
    /// Takes over what the disk has, and forgets what was typed.
    Reload,
    /// Writes what was typed over what somebody else wrote; asked for by name alone.
    Overwrite,
}

/// The keys of commands: name, command, what it does.
pub const KEYS: &[(&str, Command, &str)] = &[
    ("ctrl+s", Command::Save, "save the file"),
    ("ctrl+q", Command::Quit, "end the studio; unsaved text stays in the journal"),
    ("ctrl+o", Command::OpenFile, "open a file by name"),
    ("ctrl+w", Command::CloseFile, "close the file"),
    ("ctrl+pagedown", Command::NextTab, "next file"),
    ("ctrl+pageup", Command::PreviousTab, "previous file"),
    ("ctrl+z", Command::Undo, "undo"),
    ("ctrl+y", Command::Redo, "redo"),
    ("ctrl+c", Command::Copy, "copy"),
    ("ctrl+x", Command::Cut, "cut"),
    ("ctrl+v", Command::Paste, "paste"),
    ("ctrl+a", Command::SelectAll, "select all"),
    ("ctrl+d", Command::NextPlace, "one more cursor at the next place like the selection"),
    ("alt+up", Command::CursorAbove, "one more cursor above"),
    ("alt+down", Command::CursorBelow, "one more cursor below"),
    ("ctrl+f", Command::Find, "find in the file"),
    ("f3", Command::FindNext, "find the next place"),
    ("alt+f", Command::FindInProject, "find in the project"),
    ("alt+r", Command::ReplaceInProject, "replace in the project"),
    ("ctrl+g", Command::GoToLine, "go to a line"),
    ("f1", Command::Help, "this list"),
    ("f2", Command::Rename, "rename what is at the cursor"),
    ("f4", Command::Hover, "what is at the cursor: type, shape, cost"),
    ("f12", Command::GoToDefinition, "go to where it is declared"),
    ("alt+l", Command::Format, "format the program"),
    ("f5", Command::Run, "run the file or the selection in the sandbox"),
    ("f6", Command::Stack, "from this product to tensor, tiles, core, Verilog, wave"),
    ("f7", Command::Agent, "agents: proposals, checkpoints, chat"),
    ("f8", Command::Problems, "faults of the file"),
    ("f9", Command::Document, "frames and tensors of an .ndf document"),
    ("f10", Command::Waves, "waves of a VCD or FST file"),
    ("f11", Command::Boards, "boards"),
    ("ctrl+b", Command::Tree, "show or hide the project's tree"),
    ("alt+o", Command::Focus, "between text and pane"),
    ("alt+d", Command::Reload, "take over what the disk has"),
    ("alt+w", Command::Overwrite, "write over what somebody else wrote meanwhile"),
];

/// The command of a key.
pub fn command(press: Press) -> Option<Command> {
    KEYS.iter().find(|(name, ..)| Press::named(name) == Some(press)).map(|(_, command, _)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_key_is_a_key_and_means_one_thing() {
        let presses: HashSet<Press> = KEYS.iter().map(|(name, ..)| Press::named(name).unwrap_or_else(|| panic!("{name}"))).collect();
        assert_eq!(presses.len(), KEYS.len());
        assert_eq!(KEYS.iter().map(|(_, command, _)| *command).collect::<HashSet<_>>().len(), KEYS.len());
        assert_eq!(command(Press::named("ctrl+s").unwrap()), Some(Command::Save));
        assert_eq!(Press::named("+"), Some(Press::of(Key::Char('+'))));
        assert_eq!(Press::named("hyper+s"), None);
    }
}
