//! What products cost: asked in the background, because it takes longer than a key.

use crate::{Plan, Shapes};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Who knows what a model's products cost: the command's `nda plan`.
pub trait Costs: Send + Sync {
    /// The plan of a model with this program, as `nda plan --json` has it.
    ///
    /// # Errors
    /// What it says when it fails.
    fn plan(&self, model: &Path, program: &str) -> Result<Value, String>;

    /// The graph of a token of a model with this program, as `nda plan --graph --json` has it.
    ///
    /// # Errors
    /// What it says when it fails: a program without a graph.
    fn graph(&self, model: &Path, program: &str) -> Result<Value, String>;
}

/// What is known of a program's products.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Costs.
    pub plan: Plan,
    /// Shapes.
    pub shapes: Shapes,
}

impl Known {
    /// Asks. A program that does not compile has no costs: then what is known stays.
    pub fn ask(costs: &dyn Costs, model: &Path, program: &str) -> Option<Known> {
        let plan = Plan::of_json(&costs.plan(model, program).ok()?);
        let shapes = costs.graph(model, program).map(|graph| Shapes::of_json(program, &graph)).unwrap_or_default();
        Some(Known { plan, shapes })
    }
}

/// The model that a program belongs to: the document of its name beside it, or the only one there.
pub fn model_beside(program: &Path) -> Option<PathBuf> {
    let own = program.with_extension("ndf");
    if own.is_file() {
        return Some(own);
    }
    let folder = program.parent()?.read_dir().ok()?;
    let paths = folder.flatten().map(|entry| entry.path());
    let mut documents = paths.filter(|path| path.extension().is_some_and(|ending| ending == "ndf") && path.is_file());
    documents.next().filter(|_| documents.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_the_model_of_its_name_or_the_only_one() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a.nda");
        let file = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(model_beside(&program), None);
        file("b.ndf");
        assert_eq!(model_beside(&program), Some(folder.path().join("b.ndf")));
        file("c.ndf");
        assert_eq!(model_beside(&program), None);
        file("a.ndf");
        assert_eq!(model_beside(&program), Some(folder.path().join("a.ndf")));
    }
}
