//! The list of keys: those of everywhere, and those of each pane, which its heading names too as far as it has room.

use super::PaneKind;
use crate::grid::Ink;
use crate::key::KEYS;
use crate::list::Row;

/// Keys, and what each does.
type Keys = &'static [(&'static str, &'static str)];

/// Columns of a key's name.
const NAME_COLUMNS: usize = 14;

/// The panes with keys of their own, and how each is come to.
const PANES: [(PaneKind, &str); 8] = [
    (PaneKind::Problems, "f8"),
    (PaneKind::Search, "alt+f, alt+r"),
    (PaneKind::Run, "f5"),
    (PaneKind::Agent, "f7"),
    (PaneKind::Document, "f9"),
    (PaneKind::Waves, "f10"),
    (PaneKind::Boards, "f11"),
    (PaneKind::Stack, "f6"),
];

impl PaneKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            PaneKind::Help => "Keys",
            PaneKind::Problems => "Faults",
            PaneKind::Hover => "What stands here",
            PaneKind::Search => "Places",
            PaneKind::Run => "Run in the sandbox",
            PaneKind::Agent => "Agents",
            PaneKind::Document => "Document",
            PaneKind::Waves => "Waves",
            PaneKind::Boards => "Boards",
            PaneKind::Stack => "From product to wave",
        }
    }

    /// Its keys, the most needed first.
    pub fn keys(self) -> Keys {
        match self {
            PaneKind::Help | PaneKind::Hover => &[],
            PaneKind::Problems => &[("enter", "go there")],
            PaneKind::Search => &[("enter", "go there"), ("space", "leave out"), ("r", "replace all others")],
            PaneKind::Run => &[("alt+o k", "kill")],
            PaneKind::Agent => &[
                ("g, r", "green, red"),
                ("G, R", "for the file, or at the top for all"),
                ("enter", "answer, restore"),
                ("u", "undo restore"),
                ("c", "new checkpoint"),
                ("t", "give a task to the model"),
                ("a", "start another agent"),
            ],
            PaneKind::Document => &[("enter", "codes of a tensor"), ("p", "edit the program")],
            PaneKind::Waves => &[
                ("/", "filter"),
                ("enter", "show, hide"),
                ("p, P", "next, previous phase"),
                ("+, -, 0", "scale"),
                ("left, right", "time"),
                ("n, N", "next, previous change"),
                ("s", "open in Surfer"),
            ],
            PaneKind::Boards => &[("p", "probe"), ("enter", "flash"), ("l", "let the model speak, counters live"), ("k", "stop")],
            PaneKind::Stack => &[("enter", "go there")],
        }
    }

    /// Its heading for these columns: its name, and keys as far as they have room. F1 lists all of them.
    pub fn title(self, columns: usize) -> String {
        let mut title = self.name().to_owned();
        for (key, what) in self.keys() {
            let more = format!("   {key}: {what}");
            if title.chars().count() + more.chars().count() > columns {
                break;
            }
            title.push_str(&more);
        }
        title
    }
}

fn row(key: &str, what: &str) -> Row {
    Row::new(format!("{key:<NAME_COLUMNS$} "), Ink::Accent).and(what, Ink::Text)
}

/// The list of keys.
pub fn help() -> Vec<Row> {
    let everywhere = KEYS.iter().map(|(name, _, what)| row(name, what));
    let panes = PANES.iter().flat_map(|(pane, come)| {
        let head = Row::new(format!("{} ({come})", pane.name()), Ink::Keyword);
        [Row::default(), head].into_iter().chain(pane.keys().iter().map(|(key, what)| row(key, what)))
    });
    everywhere.chain(panes).collect()
}

/// Columns that the list of keys needs.
pub fn help_columns() -> usize {
    let columns = |row: &Row| row.pieces.iter().map(|(text, _)| text.chars().count()).sum();
    help().iter().map(columns).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_has_whole_keys_or_none() {
        assert_eq!(PaneKind::Boards.title(200), "Boards   p: probe   enter: flash   l: let the model speak, counters live   k: stop");
        assert_eq!(PaneKind::Boards.title(40), "Boards   p: probe   enter: flash");
        assert_eq!(PaneKind::Boards.title(3), "Boards");
    }
}
