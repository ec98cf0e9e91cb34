//! The emitted text as modules, and what is written into them.

use nda_cores::emit::units::units;

/// Emitted Verilog: whole modules, unchanged but for checks that were added.
#[derive(Debug, Clone)]
pub struct Verilog {
    text: String,
}

/// What a part expects of the emitted text and does not find: the core was changed, and its proof has to follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No such unit, or it is not emitted.
    #[error("unit '{unit}' is not emitted: {reason}; the proof in tests/formal has to follow the core")]
    Unit {
        /// Its name.
        unit: String,
        /// Why.
        reason: String,
    },
    /// The text has no such module.
    #[error("the emitted text has no module '{module}'; the proof in tests/formal has to follow the core")]
    Module {
        /// Its name.
        module: String,
    },
    /// The text does not have the place that a mutant changes.
    #[error("module text has no '{place}'; the mutant in tests/formal has to follow the core")]
    Place {
        /// What was looked for.
        place: String,
    },
}

impl Verilog {
    /// The emitted text of a unit of `nda_cores::emit::units`.
    ///
    /// # Errors
    /// [`TextError::Unit`].
    pub fn unit(name: &str) -> Result<Verilog, TextError> {
        let missing = |reason: String| TextError::Unit { unit: name.into(), reason };
        let all = units().map_err(|e| missing(e.to_string()))?;
        let (_, text) = all.into_iter().find(|u| u.0 == name).ok_or_else(|| missing("there is none of that name".into()))?;
        Ok(Verilog { text })
    }

    /// Any other text, such as a harness.
    pub fn new(text: impl Into<String>) -> Verilog {
        Verilog { text: text.into() }
    }

    /// One module alone.
    ///
    /// # Errors
    /// [`TextError::Module`].
    pub fn module(&self, name: &str) -> Result<Verilog, TextError> {
        let (start, end) = self.place(name)?;
        Ok(Verilog { text: self.text[start..end].to_string() + "\n" })
    }

    /// This text with statements at the end of a module.
    ///
    /// # Errors
    /// [`TextError::Module`].
    pub fn with_checks(&self, module: &str, checks: &str) -> Result<Verilog, TextError> {
        let (_, end) = self.place(module)?;
        let at = end - "endmodule".len();
        Ok(Verilog { text: format!("{}{checks}\n{}", &self.text[..at], &self.text[at..]) })
    }

    /// This text with a module's ports kept and its inside replaced: what it does is then an assumption of the proof.
    ///
    /// # Errors
    /// [`TextError::Module`].
    pub fn with_inside(&self, module: &str, inside: &str) -> Result<Verilog, TextError> {
        let (start, end) = self.place(module)?;
        let is_header = |line: &&str| ["module ", "input ", "output ", ");", "//"].iter().any(|word| line.trim_start().starts_with(word));
        let is_empty = |line: &&str| line.trim().is_empty();
        let header: Vec<&str> = self.text[start..end].lines().take_while(|line| is_header(line) || is_empty(line)).collect();
        Ok(Verilog { text: format!("{}{}\n{inside}\nendmodule{}", &self.text[..start], header.join("\n"), &self.text[end..]) })
    }

    /// This text with a memory seen through one word of it, `watched`, at an address that is any, `watch`: what is written there
    /// stands there, and a read of another word may give anything. What holds of this text holds of every word of the memory, as
    /// long as no word is read in the cycle that writes it.
    ///
    /// # Errors
    /// [`TextError::Place`] if the text has no memory of that name, those bits and those address bits.
    pub fn with_one_word(&self, memory: &str, bits: usize, address_bits: usize) -> Result<Verilog, TextError> {
        let declared = format!("reg [{}:0] {memory} [0:{}];", bits - 1, (1_usize << address_bits) - 1);
        let word = format!(
            "(* anyconst *) wire [{}:0] watch;\n(* anyseq *) wire [{top}:0] other;\nreg [{top}:0] watched = 0;",
            address_bits - 1,
            top = bits - 1,
        );
        let mut rest = self.replaced(&declared, &word)?.text;
        let (mut text, access) = (String::new(), format!("{memory}["));
        while let Some(at) = rest.find(&access) {
            let missing = || TextError::Place { place: format!("a whole access of {memory}") };
            let (before, inside) = (&rest[..at], &rest[at + access.len()..]);
            let depth = |c: char| i32::from(c == '[') - i32::from(c == ']');
            let mut open = 1;
            let close = inside.find(|c| {
                open += depth(c);
                open == 0
            });
            let close = close.ok_or_else(missing)?;
            let (address, after) = (&inside[..close], &inside[close + 1..]);
            text += before;
            let mut next = after;
            match after.trim_start().strip_prefix("<=") {
                Some(write) => {
                    let end = write.find(';').ok_or_else(missing)?;
                    text += &format!("begin if (({address}) == watch) watched <={}; end", &write[..end]);
                    next = &write[end + 1..];
                }
                None => text += &format!("((({address}) == watch) ? watched : other)"),
            }
            rest = next.to_string();
        }
        Ok(Verilog { text: text + &rest })
    }

    /// Both texts.
    #[must_use]
    pub fn and(mut self, other: &Verilog) -> Verilog {
        self.text += "\n";
        self.text += &other.text;
        self
    }

    /// This text with the first `place` replaced.
    ///
    /// # Errors
    /// [`TextError::Place`].
    pub fn replaced(&self, place: &str, by: &str) -> Result<Verilog, TextError> {
        match self.text.contains(place) {
            true => Ok(Verilog { text: self.text.replacen(place, by, 1) }),
            false => Err(TextError::Place { place: place.into() }),
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn place(&self, module: &str) -> Result<(usize, usize), TextError> {
        let missing = || TextError::Module { module: module.into() };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let ends = |at: usize, m: &str| !self.text[at + m.len()..].chars().next().is_some_and(is_name);
        let start = self.text.match_indices(&format!("module {module}")).find(|(at, m)| ends(*at, m)).ok_or_else(missing)?.0;
        let length = self.text[start..].find("endmodule").ok_or_else(missing)?;
        Ok((start, start + length + "endmodule".len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_is_seen_through_one_word() {
        let text = Verilog::new("reg [7:0] mem [0:15];\nif (w) mem[a[4:1]] <= d[0]; else q <= mem[b];\n");
        let seen = text.with_one_word("mem", 8, 4).unwrap();
        let lines: Vec<&str> = seen.text().lines().collect();
        assert_eq!(lines[2], "reg [7:0] watched = 0;");
        assert_eq!(lines[3], "if (w) begin if ((a[4:1]) == watch) watched <= d[0]; end else q <= (((b) == watch) ? watched : other);");
        assert!(text.with_one_word("mem", 8, 5).is_err() && text.with_one_word("memory", 8, 4).is_err());
    }

    #[test]
    fn modules_are_found_by_their_whole_name_and_checks_stand_at_their_end() {
        let text = Verilog::new("module a_b(x);\n input x;\nwire y;\nendmodule\nmodule a(x);\n input x;\nwire z;\nendmodule\n");
        assert_eq!(text.module("a").unwrap().text(), "module a(x);\n input x;\nwire z;\nendmodule\n");
        assert!(text.with_checks("a", "check").unwrap().text().contains("wire z;\ncheck\nendmodule"));
        let hollow = text.with_inside("a_b", "free").unwrap();
        assert!(hollow.text().starts_with("module a_b(x);\n input x;\nfree\nendmodule\nmodule a(x);"));
        assert_eq!(text.module("b").unwrap_err(), TextError::Module { module: "b".into() });
        assert_eq!(text.replaced("w", "v").unwrap().text().matches("vire").count(), 1);
    }
}
