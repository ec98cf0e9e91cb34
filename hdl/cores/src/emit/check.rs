//! What a module's text must keep: names, widths, drivers.

use super::Module;
use super::error::{EmitError, MAX_BITS};
use std::collections::BTreeSet;

/// A declaration: kind ("input wire", "output reg", "reg", "wire", "localparam"), width and name.
pub(super) fn declaration(line: &str) -> Option<(&str, usize, &str)> {
    let line = line.trim();
    let kinds = ["input wire", "output reg", "output wire", "localparam", "reg", "wire"];
    let kind = kinds.into_iter().find(|k| line.strip_prefix(k).is_some_and(|rest| rest.starts_with([' ', '['])))?;
    let rest = line[kind.len()..].trim_start().trim_start_matches("signed").trim_start();
    let (bits, rest) = match rest.strip_prefix('[') {
        Some(range) => {
            let (range, rest) = range.split_once(']')?;
            (range.split_once(':')?.0.trim().parse::<usize>().ok()? + 1, rest)
        }
        None => (1, rest),
    };
    let name = rest.trim_start().split(|c: char| !is_name(c)).next()?;
    (!name.is_empty()).then_some((kind, bits, name))
}

pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

pub(super) fn check(module: &Module) -> Result<(), EmitError> {
    let body = module.lines.join("\n");
    let name = || module.name.clone();
    let code = strip_comments(&body);
    // A module has statements or instances of others; ports and nothing else are a forgotten #[hdl_gen].
    let has_statement = words(&code).any(|w| ["always", "assign", "initial"].contains(&w)) || code.contains(&format!("{}$", module.name));
    if !has_statement {
        return Err(EmitError::Empty { module: name() });
    }
    // rust-hdl checks three of the field names; an instance is called as its field is.
    let instances = code.lines().filter_map(|line| line.trim().strip_prefix(&format!("{}$", module.name))?.split_once(' '));
    if let Some((_, instance)) =
        instances.map(|(kind, rest)| (kind, rest.split('(').next().unwrap_or_default().trim())).find(|(_, i)| is_keyword(i))
    {
        return Err(EmitError::Keyword { module: name(), name: instance.into() });
    }
    let used: BTreeSet<&str> = words(&code).collect();
    let mut declared: BTreeSet<&str> = BTreeSet::new();
    for line in code.lines() {
        for statement in line.split_inclusive(';') {
            let Some((kind, bits, signal)) = declaration(statement) else { continue };
            declared.insert(signal);
            if is_keyword(signal) {
                return Err(EmitError::Keyword { module: name(), name: signal.into() });
            }
            if bits > MAX_BITS {
                return Err(EmitError::Width { module: name(), name: signal.into(), bits });
            }
            let driven = match kind {
                "output reg" | "reg" => is_assigned(&code, signal),
                "output wire" => is_assigned(&code, signal) || code.contains(&format!("({signal})")),
                "wire" => statement.contains('=') || is_assigned(&code, signal) || code.contains(&format!("({signal})")),
                _ => true,
            };
            if !driven {
                return Err(EmitError::Undriven { module: name(), signal: signal.into() });
            }
        }
    }
    // A single capital letter is what a const generic used as a value leaves behind.
    match used.iter().find(|w| w.len() <= 2 && w.chars().all(|c| c.is_ascii_uppercase()) && !declared.contains(**w)) {
        Some(word) => Err(EmitError::Undeclared { module: name(), name: word.to_string() }),
        None => Ok(()),
    }
}

pub(super) fn strip_comments(text: &str) -> String {
    text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The names in a text; numbers' digits after an apostrophe are not names.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let quoted = |at: usize| at > 0 && text.as_bytes()[at - 1] == b'\'';
    text.split(|c: char| !is_name(c)).filter(move |w| {
        let at = w.as_ptr() as usize - text.as_ptr() as usize;
        !w.is_empty() && !quoted(at) && !w.as_bytes()[0].is_ascii_digit()
    })
}

/// Whether a statement gives `signal` a value: `signal =`, `signal <=`, `signal[..] <=`.
pub(super) fn is_assigned(code: &str, signal: &str) -> bool {
    code.match_indices(signal).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_none_or(|c| !is_name(c));
        let mut after = code[at + signal.len()..].chars().peekable();
        if !before || after.peek().is_some_and(|&c| is_name(c)) {
            return false;
        }
        let mut rest = code[at + signal.len()..].trim_start();
        while let Some(tail) = rest.strip_prefix('[') {
            rest = tail.split_once(']').map_or("", |(_, after)| after).trim_start();
        }
        (rest.starts_with('=') && !rest.starts_with("==")) || rest.starts_with("<=")
    })
}

/// Keywords of Verilog-2005 and SystemVerilog that a field could be called.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &str = " accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins binsof bit \
        break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const constraint context continue cover \
        covergroup coverpoint cross deassign default defparam design disable dist do edge else end endcase endmodule enum event expect export extends \
        extern final first_match for force foreach forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone implements implies \
        import incdir include initial inout input inside instance int integer interface intersect join large liblist library local localparam logic \
        longint macromodule matches medium modport module nand negedge new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package \
        packed parameter pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup pure rand randc randcase randsequence \
        rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran s_always scalared sequence shortint shortreal signed \
        small soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1 table tagged task this throughout time \
        timeprecision timeunit tran tri tri0 tri1 triand trior trireg type typedef union unique unsigned until untyped use uwire var vectored virtual \
        void wait wand weak weak0 weak1 while wildcard wire with within wor xnor xor ";
    KEYWORDS.contains(&format!(" {name} "))
}
