//! The modules that cores' own texts bring along: whose they are, and what they are called.

use super::{EmitError, Module};
use std::collections::BTreeMap;

/// Gives the modules that a core's own text brings along, `gemv_array$row`, names below the core that uses them,
/// `top$engine$array$row`: from here on they are modules like all others. Cores whose texts are the same share a name, and each
/// has its own modules then.
pub(super) fn place_parts(modules: Vec<Module>) -> Result<Vec<Module>, EmitError> {
    let (all, mut cores): (Vec<Module>, Vec<Module>) = modules.into_iter().partition(is_part);
    let mut stems: BTreeMap<String, Vec<Module>> = BTreeMap::new();
    let mut differing = Vec::new();
    for part in all {
        let parts = stems.entry(stem(&part.name).to_string()).or_default();
        match parts.iter().find(|other| other.name == part.name) {
            Some(other) if other.lines != part.lines => differing.push(stem(&part.name).to_string()),
            Some(_) => {}
            None => parts.push(part),
        }
    }
    let mut placed = Vec::new();
    for (stem, parts) in stems {
        let prefix = format!("{stem}$");
        let uses = |core: &Module| core.lines.iter().any(|line| line.trim_start().starts_with(&prefix));
        let owners: Vec<(usize, &mut Module)> = cores.iter_mut().enumerate().filter(|(_, core)| uses(core)).collect();
        if owners.is_empty() || differing.contains(&stem) {
            return Err(EmitError::Part { owners: owners.len(), stem });
        }
        for (at, owner) in owners {
            let below = format!("{}$", owner.name);
            let place = |text: &String| text.replace(&prefix, &below);
            placed.extend(parts.iter().map(|p| (at, Module { name: place(&p.name), lines: p.lines.iter().map(place).collect() })));
            owner.lines = owner.lines.iter().map(place).collect();
        }
    }
    // In the cores' order, whatever the stems are called.
    placed.sort_by_key(|(at, _)| *at);
    cores.extend(placed.into_iter().map(|(_, part)| part));
    Ok(cores)
}

/// Whether a core's own text brought the module along.
fn is_part(module: &Module) -> bool {
    module.name != "top" && !module.name.starts_with("top$")
}

fn stem(name: &str) -> &str {
    name.split('$').next().unwrap_or(name)
}
