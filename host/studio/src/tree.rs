//! The project's files as a tree: what git would take.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The path from the root.
    pub path: PathBuf,
    /// How deep.
    pub depth: usize,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// The tree: folders are read when they are opened.
#[derive(Debug, Default)]
pub struct Tree {
    root: PathBuf,
    rows: Vec<Row>,
    open: BTreeSet<PathBuf>,
    /// The row that is chosen.
    pub chosen: usize,
    /// The first row that is shown.
    pub top: usize,
}

impl Tree {
    /// The tree of a folder, closed but for its root.
    pub fn new(root: &Path) -> Tree {
        let mut tree = Tree { root: root.into(), ..Tree::default() };
        tree.refresh();
        tree
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Reads all open folders again.
    pub fn refresh(&mut self) {
        let mut rows = Vec::new();
        self.read(Path::new(""), 0, &mut rows);
        self.rows = rows;
        self.chosen = self.chosen.min(self.rows.len().saturating_sub(1));
    }

    fn read(&self, folder: &Path, depth: usize, rows: &mut Vec<Row>) {
        for (path, is_folder) in entries(&self.root, folder) {
            let is_open = is_folder && self.open.contains(&path);
            rows.push(Row { path: path.clone(), depth, is_folder });
            if is_open {
                self.read(&path, depth + 1, rows);
            }
        }
    }

    /// Chooses another row.
    pub fn step(&mut self, rows: isize) {
        self.chosen = self.chosen.saturating_add_signed(rows).min(self.rows.len().saturating_sub(1));
    }

    /// Opens or closes the chosen folder; a file comes back to be opened.
    pub fn enter(&mut self) -> Option<PathBuf> {
        let row = self.rows.get(self.chosen)?.clone();
        if !row.is_folder {
            return Some(row.path);
        }
        if !self.open.remove(&row.path) {
            self.open.insert(row.path);
        }
        self.refresh();
        None
    }

    /// Opens every folder on the way to a file and chooses it.
    pub fn reveal(&mut self, path: &Path) {
        self.open.extend(path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_path_buf));
        self.refresh();
        self.chosen = self.rows.iter().position(|row| row.path == path).unwrap_or(self.chosen);
    }
}

/// What a folder holds, folders first, without what git ignores and without git itself.
fn entries(root: &Path, folder: &Path) -> Vec<(PathBuf, bool)> {
    let walk = ignore::WalkBuilder::new(root.join(folder)).max_depth(Some(1)).hidden(false).require_git(false).parents(true).build();
    let below = walk.flatten().filter(|entry| entry.depth() == 1 && entry.file_name() != ".git");
    let mut all: Vec<(PathBuf, bool)> = below
        .filter_map(|entry| {
            let is_folder = entry.file_type().is_some_and(|of| of.is_dir());
            Some((entry.path().strip_prefix(root).ok()?.to_path_buf(), is_folder))
        })
        .collect();
    all.sort_by(|a, b| (!a.1, &a.0).cmp(&(!b.1, &b.0)));
    all
}

/// All files of a project that git would take, in order.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let walk = ignore::WalkBuilder::new(root).hidden(false).require_git(false).filter_entry(|entry| entry.file_name() != ".git").build();
    let is_file = |entry: &ignore::DirEntry| entry.file_type().is_some_and(|of| of.is_file());
    let mut all: Vec<PathBuf> =
        walk.flatten().filter(is_file).filter_map(|entry| entry.path().strip_prefix(root).map(Path::to_path_buf).ok()).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_has_what_git_would_take_and_opens_folders_one_by_one() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        for (path, text) in [(".gitignore", "target\n"), ("target/x", ""), ("b.txt", ""), ("a/c/d.txt", ""), (".git/HEAD", "")] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
        let mut tree = Tree::new(root);
        let names = |tree: &Tree| tree.rows().iter().map(|row| row.path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(names(&tree), ["a", ".gitignore", "b.txt"]);
        assert_eq!(tree.enter(), None);
        assert_eq!(names(&tree), ["a", "a/c", ".gitignore", "b.txt"]);
        tree.reveal(Path::new("a/c/d.txt"));
        assert_eq!(tree.enter(), Some("a/c/d.txt".into()));
        assert_eq!(files(root), [".gitignore", "a/c/d.txt", "b.txt"].map(PathBuf::from));
    }
}
