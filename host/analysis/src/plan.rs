//! What `nda plan MODEL --json` says, layer by layer.

use serde_json::Value;
use std::fmt;

/// One fused layer on a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its tensors.
    pub parts: Vec<String>,
    /// Rows of all parts.
    pub rows: u64,
    /// Columns.
    pub cols: u64,
    /// Cycles of the array.
    pub run_cycles: u64,
    /// Bytes over the link, both ways.
    pub bytes: u64,
    /// Cycles of the link.
    pub link_cycles: u64,
    /// What takes longest: `link`, `array`, `cpu`.
    pub limit: String,
    /// Why it is not on the board, if it is not.
    pub reason: Option<String>,
}

/// The costs of a model's products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The configuration.
    pub config: String,
    /// Its layers, in the order in which a token meets them.
    pub layers: Vec<Layer>,
}

impl Plan {
    /// The plan of the command's JSON; fields that it does not have are zero or empty.
    pub fn of_json(value: &Value) -> Plan {
        let layer = |value: &Value| {
            let number = |key: &str| value[key].as_u64().unwrap_or(0);
            Layer {
                parts: parts(value["layer"].as_str().unwrap_or_default()),
                rows: number("rows"),
                cols: number("cols"),
                run_cycles: number("run_cycles"),
                bytes: number("bytes_out") + number("bytes_in"),
                link_cycles: number("link_cycles"),
                limit: value["limit"].as_str().unwrap_or_default().into(),
                reason: value["reason"].as_str().map(str::to_owned),
            }
        };
        let layers = value["layers"].as_array().map(|layers| layers.iter().map(layer).collect()).unwrap_or_default();
        Plan { config: value["config"].as_str().unwrap_or_default().into(), layers }
    }

    /// The layers that a product with these names may be, in order.
    pub fn layers_of(&self, names: &[String]) -> Vec<&Layer> {
        let is_one = |layer: &&Layer| {
            let mut values = Vec::new();
            layer.parts.len() == names.len() && names.iter().zip(&layer.parts).all(|(name, part)| matches(name, part, &mut values))
        };
        self.layers.iter().filter(is_one).collect()
    }

    /// The layer that a tensor is part of, by its name or by a name with holes.
    pub fn shape_of(&self, name: &str) -> Option<(u64, u64, bool)> {
        let mut found = self.layers.iter().flat_map(|layer| layer.parts.iter().map(move |part| (layer, part)));
        let (layer, _) = found.find(|(_, part)| matches(name, part, &mut Vec::new()))?;
        Some((layer.rows, layer.cols, layer.parts.len() > 1))
    }

    /// A few words on some layers, which are one product of the program; none if there are none. The limiting term stands first: what
    /// a narrow window cuts off is less important.
    pub fn summary(&self, layers: &[&Layer]) -> Option<String> {
        let first = layers.first()?;
        let times = if layers.len() == 1 { String::new() } else { format!("{} x ", layers.len()) };
        let shape = format!("{times}{} x {}", first.rows, first.cols);
        let on_board: Vec<&Layer> = layers.iter().copied().filter(|layer| layer.limit != "cpu").collect();
        if on_board.is_empty() {
            return Some(format!("{shape}, on the CPU"));
        }
        let sum = |of: fn(&Layer) -> u64| grouped(on_board.iter().map(|layer| of(layer)).sum());
        let (cycles, bytes, run) = (sum(Layer::limiting_cycles), sum(|l| l.bytes), sum(|l| l.run_cycles));
        let cpu = layers.len() - on_board.len();
        let cpu = if cpu == 0 { String::new() } else { format!(", {cpu} on the CPU") };
        Some(format!("limit {}, {cycles} cycles, {bytes} bytes, {run} run cycles, {shape}{cpu}", limits(&on_board)))
    }
}

impl Layer {
    /// Cycles of the term that limits it.
    fn limiting_cycles(&self) -> u64 {
        if self.limit == "link" { self.link_cycles } else { self.run_cycles }
    }
}

/// What limits some layers, as the plan says it of each: one word, or each word with the number of its layers.
fn limits(layers: &[&Layer]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for layer in layers {
        match counts.iter_mut().find(|(limit, _)| *limit == layer.limit) {
            Some((_, count)) => *count += 1,
            None => counts.push((&layer.limit, 1)),
        }
    }
    match counts.as_slice() {
        [(limit, _)] => (*limit).to_owned(),
        _ => counts.iter().map(|(limit, count)| format!("{limit} ({count})")).collect::<Vec<_>>().join(" and "),
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layer { parts, rows, cols, run_cycles, bytes, link_cycles, limit, reason } = self;
        let name = parts.join("+");
        if let Some(reason) = reason {
            return write!(f, "{name}: {rows} x {cols}, on the CPU: {reason}");
        }
        write!(
            f,
            "{name}: {rows} x {cols}, {} run cycles, {} bytes, {} link cycles, limit {limit}",
            grouped(*run_cycles),
            grouped(*bytes),
            grouped(*link_cycles)
        )
    }
}

/// The tensors of a fused layer: `blk.0.q+k+v` names those of one block, the first one in full.
fn parts(layer: &str) -> Vec<String> {
    let (first, rest) = layer.split_once('+').unwrap_or((layer, ""));
    let block = first.rsplit_once('.').map_or(String::new(), |(block, _)| format!("{block}."));
    let others = rest.split('+').filter(|part| !part.is_empty());
    let whole = others.map(|part| if part.contains('.') { part.to_owned() } else { format!("{block}{part}") });
    [first.to_owned()].into_iter().chain(whole).collect()
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whether a name with holes, which stand for numbers, is a tensor's. A hole has the same number in every name of a product: `values` holds
/// those that are known.
fn matches(name: &str, tensor: &str, values: &mut Vec<(String, String)>) -> bool {
    let Some((before, rest)) = name.split_once('{') else { return name == tensor };
    let Some((hole, after)) = rest.split_once('}') else { return false };
    let Some(tail) = tensor.strip_prefix(before) else { return false };
    let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, tail) = tail.split_at(digits);
    if number.is_empty() {
        return false;
    }
    match values.iter().find(|(known, _)| known == hole) {
        Some((_, known)) if known != number => return false,
        Some(_) => {}
        None => values.push((hole.into(), number.into())),
    }
    matches(after, tail, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_one_number_in_all_names_of_a_product() {
        assert_eq!(parts("blk.0.q+k+v"), ["blk.0.q", "blk.0.k", "blk.0.v"]);
        assert_eq!((parts("head"), parts("a.b+c.d")), (vec!["head".into()], vec!["a.b".into(), "c.d".into()]));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let layer = |parts: &[&str]| Layer {
            parts: names(parts),
            rows: 2,
            cols: 3,
            run_cycles: 5,
            bytes: 7,
            link_cycles: 6,
            limit: "link".into(),
            reason: None,
        };
        let plan = Plan {
            config: "c".into(),
            layers: vec![layer(&["blk.0.q", "blk.0.k"]), layer(&["blk.1.q", "blk.0.k"]), layer(&["blk.12.q", "blk.12.k"])],
        };
        let found = plan.layers_of(&names(&["blk.{i}.q", "blk.{i}.k"]));
        assert_eq!(found.iter().map(|layer| layer.parts[0].as_str()).collect::<Vec<_>>(), ["blk.0.q", "blk.12.q"]);
        assert_eq!(plan.summary(&found).unwrap(), "limit link, 12 cycles, 14 bytes, 10 run cycles, 2 x 2 x 3");
        let array = Layer { limit: "array".into(), run_cycles: 9, ..layer(&["head"]) };
        let (one, cpu) = (layer(&["head"]), Layer { limit: "cpu".into(), ..layer(&["head"]) });
        assert_eq!(
            plan.summary(&[&one, &array, &cpu]).unwrap(),
            "limit link (1) and array (1), 15 cycles, 14 bytes, 14 run cycles, 3 x 2 x 3, 1 on the CPU"
        );
        assert!(plan.layers_of(&names(&["blk.{i}.q"])).is_empty() && plan.summary(&[]).is_none());
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
    }
}
