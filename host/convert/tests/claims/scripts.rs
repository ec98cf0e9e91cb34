//! A text of more than a megabyte in all scripts, with emoji and odd spaces: what tokenizers are compared on.

use nda_spec::random::Random;

/// Characters of a piece: a difference is found without reading a megabyte.
pub const PIECE: usize = 400;
/// Characters of the text: a little more than a megabyte of UTF-8.
const CHARACTERS: usize = 570_000;

/// Runs of characters that all were assigned by 2016 (Unicode 9), so that no two libraries' tables differ in them: letters, marks,
/// numbers and signs of every script that has a run.
const RUNS: [(u32, u32); 96] = [
    (0x21, 0x7e),
    (0xa1, 0xac),
    (0xae, 0x17f),
    (0x180, 0x24f),
    (0x250, 0x2af),
    (0x2b0, 0x2ff),
    (0x300, 0x36f),
    (0x388, 0x38a),
    (0x38e, 0x3a1),
    (0x3a3, 0x3ff),
    (0x400, 0x52f),
    (0x531, 0x556),
    (0x561, 0x587),
    (0x591, 0x5c7),
    (0x5d0, 0x5ea),
    (0x620, 0x6dc),
    (0x6de, 0x70d),
    (0x710, 0x74a),
    (0x74d, 0x7b1),
    (0x7c0, 0x7fa),
    (0x800, 0x82d),
    (0x840, 0x85b),
    (0x900, 0x97f),
    (0x985, 0x98c),
    (0x993, 0x9a8),
    (0x9e6, 0x9fb),
    (0xa13, 0xa28),
    (0xa66, 0xa75),
    (0xa93, 0xaa8),
    (0xae6, 0xaf0),
    (0xb13, 0xb28),
    (0xb66, 0xb77),
    (0xbae, 0xbb9),
    (0xbe6, 0xbfa),
    (0xc12, 0xc28),
    (0xc66, 0xc6f),
    (0xcaa, 0xcb3),
    (0xd12, 0xd3a),
    (0xd66, 0xd7f),
    (0xd9a, 0xdb1),
    (0xe01, 0xe3a),
    (0xe3f, 0xe5b),
    (0xea1, 0xea3),
    (0xed0, 0xed9),
    (0xf00, 0xf47),
    (0x1000, 0x10c5),
    (0x10d0, 0x10fa),
    (0x1100, 0x1248),
    (0x1290, 0x12b0),
    (0x13a0, 0x13f5),
    (0x1400, 0x169c),
    (0x16a0, 0x16f8),
    (0x1780, 0x17dd),
    (0x1820, 0x1877),
    (0x1980, 0x19ab),
    (0x1b00, 0x1b4b),
    (0x1c00, 0x1c37),
    (0x1d00, 0x1df5),
    (0x1e00, 0x1f15),
    (0x1f80, 0x1fb4),
    (0x2010, 0x2027),
    (0x2030, 0x205e),
    (0x2070, 0x2071),
    (0x20a0, 0x20be),
    (0x2100, 0x218b),
    (0x2190, 0x23fe),
    (0x2460, 0x2b73),
    (0x2c00, 0x2c2e),
    (0x2c60, 0x2cf3),
    (0x2d30, 0x2d67),
    (0x2e80, 0x2e99),
    (0x2f00, 0x2fd5),
    (0x3001, 0x303f),
    (0x3041, 0x3096),
    (0x3099, 0x30ff),
    (0x3105, 0x312d),
    (0x3131, 0x318e),
    (0x3220, 0x32fe),
    (0x3400, 0x4db5),
    (0x4dc0, 0x9fd5),
    (0xa000, 0xa48c),
    (0xa4d0, 0xa62b),
    (0xa640, 0xa6f7),
    (0xa8e0, 0xa8fd),
    (0xa980, 0xa9cd),
    (0xac00, 0xd7a3),
    (0xf900, 0xfa6d),
    (0xfe30, 0xfe52),
    (0xff01, 0xffbe),
    (0x10000, 0x1000b),
    (0x10330, 0x1034a),
    (0x10400, 0x1049d),
    (0x12000, 0x12399),
    (0x1d400, 0x1d454),
    (0x1f300, 0x1f6d2),
    (0x20000, 0x2a6d6),
];

const PLAIN: [&str; 17] = [
    "don't",
    "I'll",
    "WE'VE",
    "it's",
    "can't",
    "3.14159",
    "10000",
    "2nd",
    "x=y+1;",
    "foo_bar()",
    "http://a.b/c?d=e%20",
    "naïve",
    "façade",
    "Straße",
    "<|im_start|>",
    "e\u{301}",
    "\u{1100}\u{1161}",
];

const EMOJI: [&str; 5] =
    ["\u{1f44d}\u{1f3fd}", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", "\u{1f1e9}\u{1f1ea}", "\u{2764}\u{fe0f}", "1\u{fe0f}\u{20e3}"];

const SPACES: [&str; 11] = ["  ", "\n", "\n\n", "\t", " \n ", "\r\n", "\u{a0}", "\u{3000}", "\u{2003}", "      ", "\n\n\n\t"];

/// The text: always the same.
pub fn text() -> String {
    let mut random = Random::new(20_261_121);
    let (mut text, mut characters) = (String::new(), 0);
    while characters < CHARACTERS {
        let before = text.len();
        match random.below(100) {
            0..30 => text.push_str(PLAIN[random.below(PLAIN.len())]),
            30..35 => text.push_str(EMOJI[random.below(EMOJI.len())]),
            35..40 => text.push_str(&random.below(1_000_000_000).to_string()),
            _ => {
                let (first, last) = RUNS[random.below(RUNS.len())];
                for _ in 0..=random.below(8) {
                    text.extend(char::from_u32(first + random.below((last - first + 1) as usize) as u32));
                }
            }
        }
        // Half of the words are followed by a plain space.
        text.push_str(if random.below(2) == 0 { " " } else { SPACES[random.below(SPACES.len())] });
        characters += text[before..].chars().count();
    }
    text
}

/// The text cut into pieces.
pub fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(PIECE).map(|piece| piece.iter().collect()).collect()
}

/// FNV-1a of 64 bits over the numbers as 32 bits, little endian (Fowler, Noll and Vo).
pub fn fnv(ids: &[u32]) -> String {
    let step = |value: u64, byte: u8| (value ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", ids.iter().flat_map(|id| id.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, step))
}
