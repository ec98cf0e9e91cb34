//! What is known of the program that is shown: faults, types, names, costs.

use super::{Event, REST, Studio};
use crate::panes::PaneKind;
use crate::panes::problems::Problem;
use crate::panes::search::counted;
use nda_analysis::{Analysis, Costs, Known, model_beside};
use serde_json::Value;
use std::ffi::OsString;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Bytes up to which a program is looked at with every key; a longer one when it rests.
const AT_ONCE_BYTES: usize = 64 << 10;

/// What is known of a program.
pub struct Insight {
    /// Faults, names, types.
    pub analysis: Analysis,
    /// Costs and shapes.
    pub known: Known,
    /// When it is to be looked at again.
    pub due: Option<Instant>,
}

/// Asks the command.
#[derive(Debug, Clone)]
pub struct Asked(pub OsString);

impl Asked {
    /// What the command prints for these arguments.
    ///
    /// # Errors
    /// What it says when it fails.
    pub fn text(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        self.bytes(arguments, input).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The same as bytes.
    ///
    /// # Errors
    /// What it says when it fails.
    pub fn bytes(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let mut command = Command::new(&self.0);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut start = || {
            let mut child = command.spawn()?;
            let pipe = child.stdin.take();
            std::thread::scope(|scope| {
                scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input)));
                child.wait_with_output()
            })
        };
        let output = start().map_err(|error| format!("'{}' cannot be started: {error}; set NDA to it", self.0.display()))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    }

    /// The same as JSON.
    ///
    /// # Errors
    /// What it says when it fails.
    pub fn json(&self, arguments: &[&str], input: &[u8]) -> Result<Value, String> {
        serde_json::from_str(&self.text(arguments, input)?).map_err(|error| error.to_string())
    }
}

/// What the command says when it fails, in a line: the first error, where it is, and the next step.
pub fn in_a_line(error: &str) -> String {
    let after = |signs: &[&str]| {
        let mut lines = error.lines().map(|line| line.trim_start_matches([' ', '=', '|']));
        lines.find_map(|line| signs.iter().find_map(|sign| line.strip_prefix(sign))).map(str::trim)
    };
    let what = after(&["error: "]).or(error.lines().next()).unwrap_or_default();
    let place = after(&["--> ", "at: "]).map_or(String::new(), |place| format!(", at {place}"));
    let help = after(&["help: "]).map_or(String::new(), |help| format!("; {help}"));
    format!("{what}{place}{help}")
}

impl Costs for Asked {
    fn plan(&self, model: &Path, program: &str) -> Result<Value, String> {
        self.json(&["plan", &model.to_string_lossy(), "--program", "-", "--json"], program.as_bytes())
    }

    fn graph(&self, model: &Path, program: &str) -> Result<Value, String> {
        self.json(&["plan", &model.to_string_lossy(), "--program", "-", "--json", "--graph"], program.as_bytes())
    }
}

/// The faults of a program, where they are.
fn problems(path: &Path, analysis: &Analysis) -> Vec<Problem> {
    let one = |fault: &nda_analysis::Diagnostic| Problem {
        path: path.to_path_buf(),
        place: nda_analysis::line_and_column(analysis.source(), fault.span.start),
        message: fault.message.clone(),
        hint: fault.hint.clone(),
    };
    analysis.faults().iter().map(one).collect()
}

impl Studio {
    /// The command, to be asked from another thread.
    pub(super) fn asked(&self) -> Asked {
        Asked(self.nda.clone())
    }

    /// The text has changed: looks at the program, at once or soon.
    pub(super) fn look(&mut self) {
        let Some(buffer) = self.buffer().filter(|buffer| buffer.is_program()) else { return };
        if buffer.now().bytes() <= AT_ONCE_BYTES {
            return self.analyse();
        }
        let path = buffer.path.clone();
        if let Some(insight) = self.insights.get_mut(&path) {
            insight.due = Some(Instant::now() + REST);
            return;
        }
        self.analyse();
    }

    /// Looks at the program now.
    pub(super) fn analyse(&mut self) {
        let Some(buffer) = self.buffer().filter(|buffer| buffer.is_program()) else { return };
        let (path, text) = (buffer.path.clone(), buffer.now().to_string());
        let known = self.insights.remove(&path).map(|insight| insight.known).unwrap_or_default();
        let analysis = Analysis::new(text);
        self.panes.problems.all = problems(path.as_path(), &analysis);
        self.insights.insert(path, Insight { analysis, known, due: None });
    }

    /// Asks beside the view what the program's products cost.
    pub(super) fn ask_costs(&mut self) {
        let Some(buffer) = self.buffer().filter(|buffer| buffer.is_program()) else { return };
        let (path, program, asked) = (buffer.path.clone(), buffer.now().to_string(), self.asked());
        let Some(model) = model_beside(&buffer.place) else { return };
        self.work.start(move |post| {
            if let Some(known) = Known::ask(&asked, &model, &program) {
                post.send(Event::Costs(path, Box::new(known)));
            }
        });
    }

    /// Says what the name at the cursor is.
    pub(super) fn hover(&mut self) {
        let Some(at) = self.buffer().map(|buffer| buffer.cursor().head) else { return };
        let hover = self.insight().and_then(|insight| insight.analysis.hover(at, &insight.known.plan, &insight.known.shapes));
        match hover {
            Some(hover) => {
                self.message = hover.code.clone();
                self.panes.hover = Some(hover);
                self.panes.show(PaneKind::Hover);
            }
            None => self.message = "nothing is known of what stands here".into(),
        }
    }

    pub(super) fn go_to_definition(&mut self) {
        let Some(at) = self.buffer().map(|buffer| buffer.cursor().head) else { return };
        let span = self.insight().and_then(|insight| insight.analysis.definition(at)).map(|definition| definition.span);
        match span {
            Some(span) => {
                if let Some(buffer) = self.buffer_mut() {
                    buffer.set_cursors(vec![crate::cursor::Cursor::over(span.start as usize, span.end as usize)]);
                }
                self.follow();
            }
            None => self.go_to_symbol(),
        }
    }

    /// Where the project declares the word at the cursor.
    fn go_to_symbol(&mut self) {
        let Some(buffer) = self.buffer() else { return };
        let word = buffer.now().slice(crate::cursor::word_at(buffer.now(), buffer.cursor().head));
        let place =
            self.graph.as_ref().and_then(|graph| graph.definitions(&word).into_iter().map(|(_, place)| place).find(|place| place.line > 0));
        match place {
            Some(place) => self.show(Path::new(&place.file), place.line as usize, 1),
            None => self.message = format!("nothing in this project declares '{word}'"),
        }
    }

    pub(super) fn rename(&mut self, name: &str) {
        let Some(at) = self.buffer().map(|buffer| buffer.cursor().head) else { return };
        let Some(insight) = self.insight() else { return self.message = "names of .nda programs alone are renamed".into() };
        match insight.analysis.rename(at, name) {
            Ok(places) => {
                let edits: Vec<(Range<usize>, String)> =
                    places.into_iter().map(|span| (span.start as usize..span.end as usize, name.to_owned())).collect();
                let count = edits.len();
                if let Some(buffer) = self.buffer_mut() {
                    buffer.apply(&edits);
                }
                self.look();
                self.message = counted(count, "place");
            }
            Err(error) => self.message = error.to_string(),
        }
    }

    pub(super) fn format(&mut self) {
        let Some(insight) = self.insight() else { return self.message = ".nda programs alone are formatted".into() };
        let Some(text) = insight.analysis.formatted() else {
            return self.message = "the program's form is broken: mend the faults first".into();
        };
        if let Some(buffer) = self.buffer_mut() {
            let (line, column) = buffer.place_of_cursor();
            let end = buffer.now().bytes();
            if buffer.now().to_string() != text {
                buffer.apply(&[(0..end, text)]);
                buffer.go_to(line, column);
            }
        }
        self.look();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_a_line_says_what_where_and_the_next_step() {
        let said = "error: expected ';', found 'return'\n --> p.nda:2:14\n  |\n2 |     let x = 3\n  = help: a statement ends with ';'\n\nerror: other";
        assert_eq!(in_a_line(said), "expected ';', found 'return', at p.nda:2:14; a statement ends with ';'");
        assert_eq!(in_a_line("error: no tensor\n  at: p.nda:2:12\n  help: mend it"), "no tensor, at p.nda:2:12; mend it");
        assert_eq!((in_a_line("plain\nmore"), in_a_line("")), ("plain".into(), String::new()));
    }
}
