//! What is known of the project, read beside the view: its files, the heads of its waves, the tiles of its documents.

use super::{FILE_BYTES, text_of};
use crate::panes::stack::Stack;
use crate::panes::{PaneKind, waves};
use crate::studio::programs::Asked;
use crate::studio::{Event, Studio};
use crate::tree;
use nda_graph::{Facts, Kind, Product, Store};
use serde_json::Value;
use std::path::Path;

/// Endings of files that the graph is made of.
const ENDINGS: [&str; 8] = ["rs", "nda", "v", "sv", "vh", "vcd", "fst", "ndf"];
/// Bytes up to which a wave's head is read; its values are not.
const WAVE_BYTES: u64 = 256 << 20;

/// What one file says; none if it is too large or cannot be read.
fn facts(name: &str, whole: &Path, ending: &str) -> Option<Facts> {
    let is_within = |most: u64| whole.metadata().is_ok_and(|metadata| metadata.len() <= most);
    match ending {
        "ndf" => nda_graph::tensors(&std::fs::read(whole).ok()?).ok(),
        "vcd" | "fst" => {
            let variables = is_within(WAVE_BYTES).then(|| waves::names(whole).ok())??;
            Some(nda_graph::wave::symbols(variables.iter().map(|(scope, name)| (scope.as_str(), name.as_str()))))
        }
        _ => is_within(FILE_BYTES).then(|| text_of(whole))?.map(|text| Facts::of(name, &text)),
    }
}

impl Studio {
    /// Reads the project for its graph, beside the view.
    pub fn load_graph(&self) {
        let root = self.root.clone();
        self.work.start(move |post| {
            let (store, mut left_out) = (Store::default(), Vec::new());
            for path in tree::files(&root) {
                let Some(ending) = ENDINGS.into_iter().find(|known| path.extension().is_some_and(|ending| ending == *known)) else {
                    continue;
                };
                let name = path.to_string_lossy().into_owned();
                match facts(&name, &root.join(&path), ending) {
                    Some(facts) => store.set(&name, Some(facts)),
                    None => left_out.push(name),
                }
            }
            post.send(Event::Graph(store.snapshot(), left_out));
        });
    }

    /// Follows the product at the cursor down to the wave.
    pub(in crate::studio) fn stack(&mut self) {
        let tensors = self.tensors_at_cursor();
        if self.graph.is_none() {
            return self.message = "the project is still being read".into();
        }
        if tensors.is_empty() {
            return self.message = "no product stands here: put the cursor on a gemv or a tensor's name".into();
        }
        self.message.clear();
        self.panes.stack.tensors = tensors;
        self.follow_tensors();
        self.show_pane(PaneKind::Stack);
        self.ask_tiles();
    }

    /// The way of the tensors through what is known by now.
    fn follow_tensors(&mut self) {
        if let Some(graph) = &self.graph {
            self.panes.stack.stations = Stack::of(graph, &self.panes.stack.tensors).stations;
        }
    }

    /// Asks, once for each document, where a board holds its tensors.
    fn ask_tiles(&mut self) {
        let Some(graph) = &self.graph else { return };
        let places = self.panes.stack.tensors.iter().flat_map(|tensor| graph.definitions(tensor));
        let mut documents: Vec<String> = places.filter(|(kind, _)| *kind == Kind::Tensor).map(|(_, place)| place.file).collect();
        documents.retain(|document| self.tiles_asked.insert(document.clone()));
        for document in documents {
            let (asked, place) = (self.asked(), self.root.join(&document));
            self.work.start(move |post| {
                post.send(Event::Tiles(planned(&asked, &place, &document).map(|(board, facts)| (format!("{document} on {board}"), facts))));
            });
        }
    }

    pub(in crate::studio) fn have_tiles(&mut self, path: &str, facts: Facts) {
        if let Some(graph) = &self.graph {
            self.graph = Some(graph.with(path, Some(facts)).into());
            self.follow_tensors();
        }
    }
}

/// The tiles of a document on the board that the command plans for, and the board's name.
fn planned(asked: &Asked, place: &Path, document: &str) -> Result<(String, Facts), String> {
    let plan = asked.json(&["plan", &place.to_string_lossy(), "--json"], b"")?;
    let board = ["board", "config"].iter().find_map(|key| plan[*key].as_str()).unwrap_or("a board").to_owned();
    let product = |layer: &Value| {
        let number = |key: &str| layer[key].as_u64();
        Some(Product { name: layer["layer"].as_str()?.into(), first_word: number("first_word")?, words: number("words")? })
    };
    let products: Vec<Product> = plan["layers"].as_array().into_iter().flatten().filter_map(product).collect();
    let facts = nda_graph::tiles(&board, document, &products);
    Ok((board, facts))
}
