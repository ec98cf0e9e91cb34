//! The Rust side of the models: a table of their functions, and what each board says of itself, for tests that compare it
//! with what came over the wire.

use crate::models::Models;
use std::fs;
use std::path::Path;

/// Writes models.rs and idents.rs.
pub fn write(models: &Models, out: &Path) -> Result<(), String> {
    let names = || models.all.iter().map(|model| &model.name);
    let externs: String = names().map(|n| format!("    fn nda_model_{n}() -> *const Api;\n")).collect();
    let table: String = names().map(|n| format!("    (\"{n}\", nda_model_{n}),\n")).collect();
    let code = format!(
        "unsafe extern \"C\" {{\n{externs}}}\n\
         /// Every model: its name and its functions.\n\
         pub(crate) static MODELS: [(&str, unsafe extern \"C\" fn() -> *const Api); {}] = [\n{table}];\n",
        models.all.len()
    );
    write_if_changed(&out.join("models.rs"), &code)?;
    let builds: String = models.builds.iter().map(|b| format!("    (\"{}\", \"{}\", {:#018x}),\n", b.config, b.port, b.hash)).collect();
    let idents = format!(
        "/// Configuration, port and build hash of every simulated board.\npub static BUILDS: [(&str, &str, u64); {}] = [\n{builds}];\n",
        models.builds.len()
    );
    write_if_changed(&out.join("idents.rs"), &idents)
}

fn write_if_changed(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
