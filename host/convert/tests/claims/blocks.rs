//! Every type of a GGUF file's numbers against the Python package `gguf`, bit by bit.

use nda_convert::gguf::Kind;

/// Written by blocks.py, which says what stands where.
const BLOCKS: &[u8] = include_bytes!("blocks.bin");

#[test]
fn every_type_is_dequantized_as_the_package_gguf_does_it_to_the_last_bit() {
    let mut rest = BLOCKS;
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken
    };
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut seen = Vec::new();
    // Those that the package does not know have tests beside their code.
    let others = [Kind::I2S, Kind::Q1_0, Kind::Q2_0, Kind::Q2_0Of128];
    while seen.len() < Kind::all().count() - others.len() {
        let [number, bytes, floats] = [word(take(4)), word(take(4)), word(take(4))];
        let kind = Kind::from_number(number).unwrap_or_else(|| panic!("type {number} is not read"));
        let found = kind.floats(take(bytes as usize));
        assert_eq!(found.len(), floats as usize, "{}", kind.name());
        let wanted = take(4 * floats as usize).chunks_exact(4).map(word);
        for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            assert_eq!(found.to_bits(), wanted, "{}, value {index}: {found} for {}", kind.name(), f32::from_bits(wanted));
        }
        assert!(!seen.contains(&number), "{} twice", kind.name());
        seen.push(number);
    }
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
}

#[test]
fn ternary_codes_times_their_scales_are_the_floats() {
    // Every byte of TQ1_0 means five digits; of TQ2_0 all but those with a code 3.
    for (kind, bytes) in [(Kind::Tq1_0, 54_usize), (Kind::Tq2_0, 66)] {
        let allowed: Vec<u8> = (0..=255).filter(|byte: &u8| kind == Kind::Tq1_0 || (0..4).all(|at| byte >> (2 * at) & 3 != 3)).collect();
        let mut block: Vec<u8> = (0..bytes).map(|at| allowed[at * 37 % allowed.len()]).collect();
        let scale = half_bits(0.375);
        block[bytes - 2..].copy_from_slice(&scale);
        let stored = kind.ternary("w", &block).unwrap();
        assert_eq!(stored.scales, [0.375]);
        let floats: Vec<f32> = stored.codes.iter().map(|code| 0.375 * f32::from(*code)).collect();
        assert_eq!(kind.floats(&block), floats, "{}", kind.name());
        assert!([-1, 0, 1].iter().all(|code| stored.codes.contains(code)), "{}", kind.name());
    }
}

fn half_bits(value: f32) -> [u8; 2] {
    half::f16::from_f32(value).to_le_bytes()
}
