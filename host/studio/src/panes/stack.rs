//! One way through the stack: a product, its tensor, its tiles on a board, the core that multiplies, the Verilog of that, the wave.

use super::Act;
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use nda_graph::{Graph, Kind};
use std::path::PathBuf;

/// A station on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Which layer of the stack.
    pub layer: &'static str,
    /// What is there.
    pub what: String,
    /// Where it is; none if it is not a place in a file.
    pub place: Option<(PathBuf, usize)>,
    /// Of a wave: the variable, with its scopes.
    pub variable: Option<String>,
}

impl Station {
    fn new(layer: &'static str, what: impl Into<String>, place: Option<(PathBuf, usize)>) -> Station {
        Station { layer, what: what.into(), place, variable: None }
    }
}

/// The way of one or more tensors.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// The stations, from the program down.
    pub stations: Vec<Station>,
    /// The tensors that are followed.
    pub tensors: Vec<String>,
    /// Files of the project that are too large or cannot be read: what they have is not on the way.
    pub left_out: Vec<String>,
}

impl Stack {
    /// The way of some tensors through what is known of the project.
    pub fn of(graph: &Graph, tensors: &[String]) -> Stack {
        let mut stations = Vec::new();
        for tensor in tensors {
            let shown = graph.shows(tensor);
            for place in &shown.programs {
                let what = format!("{tensor} in {}", place.within);
                stations.push(Station::new("program", what, Some((place.file.clone().into(), place.line as usize))));
            }
            for (kind, place) in graph.definitions(tensor).into_iter().filter(|(kind, _)| *kind == Kind::Tensor) {
                stations.push(Station::new(kind.name(), tensor, Some((place.file.into(), 0))));
            }
            stations.extend(shown.tiles.iter().map(|tile| Station::new("tiles", tile, None)));
        }
        let shown = tensors.first().map(|tensor| graph.shows(tensor)).unwrap_or_default();
        for signal in &shown.signals {
            let module = signal.split('.').next().unwrap_or_default();
            for core in graph.emitted_from(module) {
                stations.extend(places(graph, core, Kind::Core).map(|place| Station::new("core", core, Some(place))));
            }
            stations.extend(places(graph, module, Kind::Module).map(|place| Station::new("verilog", signal, Some(place))));
        }
        for wave in &shown.waves {
            let Some((file, variable)) = wave.rsplit_once(": ") else { continue };
            stations.push(Station { variable: Some(variable.into()), ..Station::new("wave", wave, Some((file.into(), 0))) });
        }
        stations.dedup();
        Stack { stations, ..Stack::default() }
    }

    /// A row for each station.
    pub fn rows(&self) -> Vec<Row> {
        if self.stations.is_empty() {
            return vec![Row::new("F6 on a product follows it; the project is still being read if it is large", Ink::Dim)];
        }
        let rows = self.stations.iter().map(|one| {
            let place = match &one.place {
                Some((path, 0)) => format!("  {}", path.display()),
                Some((path, line)) => format!("  {}:{line}", path.display()),
                None => String::new(),
            };
            Row::new(format!("{:<8} ", one.layer), Ink::Accent).and(one.what.clone(), Ink::Text).and(place, Ink::Dim)
        });
        let left_out = self.left_out.iter().map(|path| Row::new(format!("left out, too large or not readable: {path}"), Ink::Fault));
        rows.chain(left_out).collect()
    }

    /// Goes to a station.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        let station = self.stations.get(chosen).filter(|_| key == Key::Enter)?;
        let (path, line) = station.place.clone()?;
        Some(match &station.variable {
            Some(variable) => Act::ShowWave(path, variable.clone()),
            None => Act::Show(path, line.max(1), 1),
        })
    }
}

fn places<'g>(graph: &'g Graph, name: &str, wanted: Kind) -> impl Iterator<Item = (PathBuf, usize)> + use<'g> {
    let found = graph.definitions(name).into_iter().filter(move |(kind, _)| *kind == wanted);
    found.map(|(_, place)| (place.file.into(), place.line as usize))
}
