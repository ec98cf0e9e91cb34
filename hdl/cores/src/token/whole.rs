//! The token machine: the steps' machine, the attention beside its cache, the token selection. The table array and the tile store stand
//! beside it, because they are what an image without tokens has too.
//!
//! Handshake: `token_valid` with `token` and `token_want` (0: it is taken in, 1: its successor is chosen, 2: the head's row is
//! wanted) while `token_ready` stands. `made_valid` for a cycle with `made_token`; `logit_valid` with a word of `logits` and which
//! of them are tokens. `clear` before a new sequence, `abort` at any time: the sequence is lost then.
//!
//! Function: golden model `nda_spec::token::Machine`. Latency, in cycles: `nda_spec::token::cycles`. Cost (derived): the machine's, the
//! attention's and the selection's, 46,872 LUT4 and 139 MULT18X18D in token1024, as their headers state them.

use super::attention::{self, unit::unit};
use super::chooser::chooser;
use super::machine::machine;
use crate::netlist::{Module, Netlist, Value};
use nda_spec::token::{Map, Sizes, WORD, word_beats};
use nda_spec::width::ACC_BITS as SUM;
use std::sync::Arc;

/// Ports of the steps' machine that go through as they are.
const IN: [(&str, usize); 16] = [
    ("load_valid", 1),
    ("load_address", 20),
    ("load_data", 64),
    ("peek_valid", 1),
    ("peek_address", 20),
    ("clear", 1),
    ("abort", 1),
    ("act_byte_enable", 1),
    ("act_byte", 8),
    ("act_write_enable", 1),
    ("act_word", 16),
    ("act_read", 1),
    ("act_read_word", 16),
    ("token_valid", 1),
    ("token", 16),
    ("token_want", 2),
];
const OUT: [&str; 18] = [
    "token_ready",
    "token_done",
    "busy",
    "array_issue",
    "array_is_load",
    "array_is_first",
    "array_is_last",
    "array_ternary",
    "array_init",
    "tile_address",
    "x",
    "values",
    "logit_valid",
    "logit_last",
    "logit_word",
    "logit_keep",
    "peek_data",
    "last_token",
];
/// What the units beside the machine tell it, and which output says so.
const HEARD: [(&str, usize, &str); 6] = [
    ("mixed", 144, "mixed"),
    ("mixed_mantissa", 18, "mixed_mantissa"),
    ("mixed_exponent", 8, "mixed_exponent"),
    ("query_ready", 1, "ready"),
    ("score_done", 1, "score_done"),
    ("mix_done", 1, "mix_done"),
];

/// The machine of these sizes, beside an array of the given number of rows.
pub fn token_machine(sizes: &Sizes, map: &Map, attention: &attention::Sizes, rows: usize) -> Arc<Netlist> {
    let m = Module::new("token_machine");
    let inputs = IN.iter().map(|(name, bits)| (*name, m.input(name, *bits)));
    let inputs: Vec<(&str, Value)> = inputs.chain([("result", m.input("result", rows * SUM))]).collect();
    let input = |name: &str| inputs.iter().find(|(of, _)| *of == name).expect("one of them").1;
    let (is_greedy, inverse, seed) = (m.input("is_greedy", 1), m.input("inverse_temperature", 17), m.input("seed", 64));
    let heard: Vec<(&str, Value)> = HEARD.iter().map(|(name, bits, _)| (*name, m.forward(&format!("heard_{name}"), *bits))).collect();
    let made = m.forward("heard_made", 1);
    let ports = [&inputs[..], &heard[..], &[("made_valid", made), ("kv_ready", m.constant(1, 1))]].concat();
    let steps = m.part("steps", &machine(sizes, map, rows), &ports);
    let get = |name: &str| steps.get(name);

    let count = attention.count_bits();
    let ports = [
        // Beside the attention, a cycle late: a flush is long, and a new sequence has not begun.
        ("clear", m.always("what the attention forgets").register("forgets", input("clear") | get("flushes"))),
        ("advance", get("token_done")),
        ("score_start", get("score_start")),
        ("mix_start", get("mix_start")),
        ("ring", get("ring").fit(count)),
        ("window", get("window").fit(count)),
        ("layer", get("layer").fit(attention::LAYER_BITS)),
        ("constant", get("constant")),
        ("shift", get("score_shift").signed().extend(attention::EXPONENT_BITS).unsigned()),
        ("append_valid", get("append_valid")),
        ("append_values", get("values")),
        ("append_is_value", get("append_is_value")),
        ("append_layer", get("append_layer").fit(attention::LAYER_BITS)),
        ("codes_valid", get("query_valid")),
        ("codes", get("query_codes")),
        ("scale_valid", get("scale_valid")),
        ("scale_mantissa", get("scale_mantissa")),
        ("scale_exponent", get("scale_exponent")),
        ("mixed_read", get("mixed_read")),
        ("mixed_address", get("mixed_address").fit(nda_spec::width::index_bits(attention.heads * attention.head_dim / 8))),
    ];
    let unit = m.part("attention", &unit("attention", attention), &ports);
    heard.iter().zip(HEARD).for_each(|((_, wire), (.., output))| m.connect(*wire, unit.get(output)));

    let position =
        m.always("the position").feedback("position", 32, |q| input("clear").mux(m.constant(0, 32), get("token_done").mux(q.next(), q)));
    let ports = [
        ("start", get("token_starts")),
        ("seed", seed),
        ("position", position),
        ("is_greedy", is_greedy),
        ("inverse_temperature", inverse),
        ("logit_valid", get("logit_valid")),
        ("logit_last", get("logit_last")),
        ("logits", get("values")),
        ("logit_keep", get("logit_keep")),
    ];
    let choice = m.part("chooser", &chooser("chooser"), &ports);
    m.connect(made, choice.get("made_valid"));
    OUT.iter().for_each(|name| m.output(name, get(name)));
    row_ports(&m, rows, &get);
    m.output("made_valid", choice.get("made_valid"));
    m.output("made_token", choice.get("made_token"));
    m.finish()
}

/// The head's row for the memory of results, which takes as many values per cycle as the array has rows.
fn row_ports<'m>(m: &'m Module, rows: usize, get: &impl Fn(&str) -> Value<'m>) {
    let (values, keep) = (get("values"), get("logit_keep"));
    let part = |k: usize| {
        // A word's parts leave one after another; the one behind it comes no sooner than they have left.
        let later = |name: &str, value: Value<'m>| m.delayed(&format!("row_{name}_{k}"), value, k);
        let is_there = (get("logit_valid") & get("row_wanted") & keep.bit(k * rows)).named(&format!("row_comes_{k}"));
        let has_more = if (k + 1) * rows < WORD { keep.bit((k + 1) * rows) } else { m.constant(0, 1) };
        [
            later("valid", is_there),
            later("values", values.slice(k * rows * SUM, rows * SUM)),
            later("last", is_there & get("logit_last") & !has_more),
        ]
    };
    let parts: Vec<[Value; 3]> = (0..word_beats(rows)).map(part).collect();
    let any = |port: usize| parts[1..].iter().fold(parts[0][port], |any, part| any | part[port]);
    m.output("row_valid", any(0));
    m.output("row_last", any(2));
    m.output("row_values", parts[1..].iter().fold(parts[0][1], |of, part| part[0].mux(part[1], of)));
}
