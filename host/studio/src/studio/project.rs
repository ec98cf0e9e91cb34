//! What concerns the whole project: searches, runs, the graph, documents, waves, boards.

mod graph;
mod hardware;
mod helpers;
mod run;

use super::programs::in_a_line;
use super::{Event, Studio, rel};
use crate::buffer::{Buffer, Disk};
use crate::panes::search::{Found, Hit, MOST, Search, counted, hits};
use crate::panes::{PaneKind, document};
use crate::tree;
use nda_guard::{FileChange, FileState, Hash, RelPath};
use nda_text::Snapshot;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes up to which a file is mapped to be looked through.
const MAPPED_BYTES: u64 = 1 << 30;
/// Bytes up to which a file is read to be looked through or scanned.
const FILE_BYTES: u64 = 8 << 20;

impl Studio {
    /// Looks for a text in all files of the project, as they are open or as the disk has them.
    pub(super) fn find_in_project(&mut self, wanted: &str, by: Option<String>) {
        if wanted.is_empty() {
            return;
        }
        self.panes.search = Search { wanted: wanted.into(), by, ..Search::default() };
        self.show_pane(PaneKind::Search);
        let open: BTreeMap<PathBuf, Snapshot> =
            self.buffers.iter().map(|buffer| (buffer.path.as_path().to_path_buf(), buffer.snapshot())).collect();
        let (root, wanted) = (self.root.clone(), wanted.to_owned());
        self.work.start(move |post| {
            let mut found = Found::default();
            for path in tree::files(&root) {
                let more = match open.get(&path) {
                    Some(text) => Some(hits(&path, &text.to_string(), &wanted)),
                    None => found_in(&root, &path, &wanted),
                };
                match more {
                    Some(more) => found.hits.extend(more),
                    None => found.skipped.push(path),
                }
                if found.hits.len() > MOST {
                    break;
                }
            }
            found.is_cut = found.hits.len() > MOST;
            found.hits.truncate(MOST);
            post.send(Event::Found(found));
        });
    }

    /// Replaces the places that are not left out: open files in their text, all others in one write, which is all or nothing.
    pub(super) fn replace_in_project(&mut self) {
        let Search { wanted, by: Some(by), found } = self.panes.search.clone() else { return };
        let mut by_path: BTreeMap<PathBuf, Vec<Range<usize>>> = BTreeMap::new();
        for hit in found.hits.into_iter().filter(|hit| hit.is_in) {
            by_path.entry(hit.path).or_default().push(hit.at..hit.at + wanted.len());
        }
        let (mut changes, mut count) = (Vec::new(), 0);
        for (path, ranges) in &by_path {
            if let Some(buffer) = self.buffers.iter_mut().find(|buffer| buffer.path.as_path() == path) {
                let is_there = |range: &Range<usize>| is_text(buffer, range, &wanted);
                let edits: Vec<_> = ranges.iter().filter(|range| is_there(range)).map(|range| (range.clone(), by.clone())).collect();
                count += edits.len();
                buffer.apply(&edits);
                continue;
            }
            match replaced(&self.root, path, ranges, &wanted, &by) {
                Some(change) => {
                    count += ranges.len();
                    changes.push(change);
                }
                None => {
                    return self.message = format!("'{}' has changed since the search: search again; nothing is written", path.display());
                }
            }
        }
        let written = if changes.is_empty() { Ok(()) } else { self.guarded.write("replace", &wanted, changes).map(drop) };
        self.message = match written {
            Ok(()) => {
                let (places, files) = (counted(count, "place"), counted(by_path.len(), "file"));
                format!("{places} in {files}; ctrl+z in open files, the checkpoint takes the others back")
            }
            Err(error) => format!("files that are not open are not written: {error}"),
        };
        self.look();
        self.panes.search = Search { wanted: by, ..Search::default() };
    }

    /// The tensors of the product at the cursor: of a name with holes, that of the first layer that the project has.
    fn tensors_at_cursor(&self) -> Vec<String> {
        let Some((at, insight)) = self.buffer().map(|buffer| buffer.cursor().head).zip(self.insight()) else { return Vec::new() };
        let products = insight.analysis.products();
        let product = products.iter().rfind(|one| (one.span.start as usize..=one.span.end as usize).contains(&at));
        let first = |name: &String| {
            let Some((before, rest)) = name.split_once('{') else { return name.clone() };
            rest.split_once('}').map_or_else(|| name.clone(), |(_, after)| format!("{before}0{after}"))
        };
        product.map(|product| product.names.iter().map(first).collect()).unwrap_or_default()
    }

    /// Shows what a document holds.
    pub(super) fn show_document(&mut self, path: RelPath) {
        self.panes.document.codes = None;
        self.show_pane(PaneKind::Document);
        let root = self.root.clone();
        self.work.start(move |post| {
            let facts = document::read(&root, &path).map(Box::new).map_err(|error| error.to_string());
            post.send(Event::Document(facts));
        });
    }

    pub(super) fn count_codes(&mut self, tensor: String) {
        let Some(place) = self.panes.document.place(&self.root) else { return };
        self.work.start(move |post| {
            post.send(Event::Codes(document::count(&place, &tensor).map_err(|error| error.to_string())));
        });
    }

    /// Opens the document's program as a text; saving it puts it back.
    pub(super) fn edit_program(&mut self) {
        let Some(facts) = self.panes.document.facts.clone() else { return };
        let Some(program) = facts.program else { return self.message = "this document has no program of its own".into() };
        let name = facts.path.as_path().with_extension("program.nda");
        let Ok(path) = rel(&name) else { return };
        if self.root.join(path.as_path()).exists() {
            return self.message = format!("'{path}' is a file of its own; rename it to edit the document's program under that name");
        }
        let opened = match self.buffers.iter().position(|buffer| buffer.path == path) {
            Some(at) => {
                self.buffers[at].is_within(program);
                Ok(at)
            }
            None => Buffer::open_within(&self.root, path.clone(), &self.drafts, program).map(|buffer| {
                self.buffers.push(buffer);
                self.buffers.len() - 1
            }),
        };
        match opened {
            Ok(at) => {
                self.active = at;
                self.focus = super::Focus::Text;
                self.panes.document.edited.retain(|one| one.program != path);
                self.panes.document.edited.push(document::Edited { document: facts.path, file: facts.file, program: path, written: None });
                self.message = match self.buffers[at].disk {
                    Disk::Same => "ctrl+s converts the document with this program, checks it, and puts it back".into(),
                    Disk::Conflict => {
                        "the document's program has changed under this text: alt+d takes the document's, alt+w puts yours there".into()
                    }
                };
                self.look();
            }
            Err(error) => self.message = error.to_string(),
        }
    }

    /// Converts a document with its edited program, beside the view; what comes of it is checked before it replaces the old one.
    pub(super) fn put_back(&mut self, edited: document::Edited) {
        let Some((state, program)) = self.buffer().map(|buffer| (buffer.state(), buffer.now().to_string())) else { return };
        if let Some(one) = self.panes.document.edited.iter_mut().find(|one| one.program == edited.program) {
            one.written = Some((state, program.clone()));
        }
        let (asked, guarded, root, drafts) = (self.asked(), self.guarded.clone(), self.root.clone(), self.drafts.clone());
        self.message = "converting ...".into();
        self.work.start(move |post| {
            let done = helpers::converted(&asked, &drafts, &root, &edited.document, &program);
            // The command knows the program as its standard input.
            let said = |error: String| in_a_line(&error).replace("standard input", &edited.program.to_string());
            let refused = |error| format!("{} is as it was: {}; mend it, then ctrl+s again", edited.document, said(error));
            let done = done.map_err(refused).and_then(|bytes| {
                let saved = guarded.save(&edited.document, Some(edited.file), bytes, nda_guard::Mode::Plain);
                saved
                    .map(|change| format!("converted, checked, written; checkpoint {} takes it back", change.checkpoint))
                    .map_err(|e| e.to_string())
            });
            post.send(Event::PutBack(edited.program, done));
        });
    }

    pub(super) fn was_put_back(&mut self, program: &RelPath, words: String) {
        self.message = words;
        let Some(at) = self.panes.document.edited.iter().position(|one| one.program == *program) else { return };
        let document = self.panes.document.edited[at].document.clone();
        if let Some(facts) = document::read(&self.root, &document).ok().filter(|facts| facts.path == document) {
            self.panes.document.edited[at].file = facts.file;
            self.panes.document.facts = Some(facts);
        }
        let written = self.panes.document.edited[at].written.take();
        if let Some((buffer, (state, text))) = self.buffers.iter_mut().find(|buffer| buffer.path == *program).zip(written) {
            buffer.put_back(state, text);
        }
    }
}

/// A text file that is not too large; none if it is another one.
fn text_of(path: &Path) -> Option<String> {
    let is_small = path.metadata().is_ok_and(|metadata| metadata.len() <= FILE_BYTES);
    is_small.then(|| std::fs::read(path).ok()).flatten().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The places of a text in a file that is not open: a larger one is mapped, and what is not text has none. None if it is too large.
fn found_in(root: &Path, path: &Path, wanted: &str) -> Option<Vec<Hit>> {
    let place = root.join(path);
    let bytes = place.metadata().map_or(0, |metadata| metadata.len());
    if bytes <= FILE_BYTES {
        return Some(text_of(&place).map_or_else(Vec::new, |text| hits(path, &text, wanted)));
    }
    if bytes > MAPPED_BYTES {
        return None;
    }
    let mapped = mmap_guard::map_file(&place).ok()?;
    Some(std::str::from_utf8(&mapped).map_or_else(|_| Vec::new(), |text| hits(path, text, wanted)))
}

fn is_text(buffer: &Buffer, range: &Range<usize>, wanted: &str) -> bool {
    range.end <= buffer.now().bytes() && buffer.now().slice_bytes(range.clone()) == wanted.as_bytes()
}

/// The change of a file that is not open; none if its text is not where it was found.
fn replaced(root: &Path, path: &Path, ranges: &[Range<usize>], wanted: &str, by: &str) -> Option<FileChange> {
    let bytes = std::fs::read(root.join(path)).ok()?;
    let base = Hash::of(&bytes);
    let text = String::from_utf8(bytes).ok()?;
    let (mut after, mut at) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        if text.get(range.clone()) != Some(wanted) {
            return None;
        }
        after.push_str(&text[at..range.start]);
        after.push_str(by);
        at = range.end;
    }
    after.push_str(&text[at..]);
    let mode = crate::buffer::mode_of(&root.join(path));
    Some(FileChange { path: rel(path).ok()?, base: Some(base), after: Some(FileState { bytes: after.into_bytes(), mode }) })
}
