//! The head of a VCD file: scopes and variables. Values are not read.

use crate::facts::{Facts, Kind, Symbol};

pub(crate) fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut scopes: Vec<&str> = Vec::new();
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word {
            "$scope" => scopes.extend(words.nth(1)),
            "$upscope" => _ = scopes.pop(),
            "$var" => {
                // Type, width, code, name.
                let (code, name) = (words.nth(2).unwrap_or(""), words.next().unwrap_or(""));
                let mut symbol = Symbol::new(Kind::Wave, name, &scopes.join("."), 0);
                symbol.parts.push((code.into(), "code".into()));
                facts.add(symbol);
            }
            "$enddefinitions" => break,
            _ => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_their_scopes() {
        let text = "$date x $end $scope module top $end $var wire 1 ! clock $end $scope module array $end $var reg 24 \" result [23:0] $end
            $upscope $end $upscope $end $enddefinitions $end #0 1! $var wire 1 # late $end";
        let told: Vec<_> = facts(text).symbols.iter().map(|s| format!("{}:{}", s.within, s.name)).collect();
        assert_eq!(told, ["top:clock", "top.array:result"]);
    }
}
