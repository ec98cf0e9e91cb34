//! The canonical binary form.

use crate::fuzz::{Tape, program};
use nda_lang::binary::{BinaryError, changes, decode, encode, root};
use nda_lang::{format, parse};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const SOURCE: &str = "// doubles\nfn twice(n: int) -> int {\n    return n * 2;\n}\n\nfn main() -> int {\n    let x = twice(4); // eight\n    return x + 1;\n}\n";

fn bytes(source: &str) -> Vec<u8> {
    let (ast, errors) = parse(source);
    assert!(errors.is_empty(), "{errors:?}");
    encode(&ast)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn a_program_survives_the_way_to_binary_and_back(tape in prop::collection::vec(any::<u8>(), 0..300)) {
        let source = format(&parse(&program(Tape::new(tape))).0);
        let binary = bytes(&source);
        // The generator writes no comments, so the formatted source comes back letter for letter.
        prop_assert_eq!(decode(&binary).unwrap(), source);
    }

    #[test]
    fn arbitrary_bytes_are_refused_and_never_panic(noise in prop::collection::vec(any::<u8>(), 0..400), keep in 0_usize..80) {
        let mut forged = bytes(SOURCE);
        forged.truncate(keep);
        forged.extend(noise);
        prop_assert!(decode(&forged).is_err());
    }

    #[test]
    fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), to in 1_u8..=255) {
        let mut forged = bytes(SOURCE);
        let at = at.index(forged.len());
        forged[at] ^= to;
        prop_assert!(decode(&forged).is_err(), "byte {}", at);
    }
}

#[test]
fn every_cut_is_refused() {
    let whole = bytes(SOURCE);
    for end in 0..whole.len() {
        assert!(decode(&whole[..end]).is_err(), "{end} bytes");
    }
    assert!(decode(&[whole, vec![0]].concat()).is_err());
}

#[test]
fn comments_and_layout_do_not_change_the_hash_but_every_name_and_number_does() {
    let hash = |source: &str| root(&parse(source).0);
    let plain = hash(SOURCE);
    assert_eq!(plain, hash(&SOURCE.replace("// doubles\n", "").replace("    ", "\t").replace("// eight", "")));
    for (from, to) in
        [("* 2", "* 3"), ("twice", "double"), ("* 2", "+ 2"), ("x + 1", "1 + x"), ("n: int", "n: float"), ("-> int", "-> float")]
    {
        assert_ne!(plain, hash(&SOURCE.replace(from, to)), "{from} -> {to}");
    }
}

#[test]
fn a_changed_node_is_located_by_its_hash() {
    let (before, after) = (parse(SOURCE).0, parse(&SOURCE.replace("n * 2", "n * 3")).0);
    let found = changes(&before, &after);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, "program > function twice > block > return > binary > int");
    let (old, new) = (found[0].before.unwrap(), found[0].after.unwrap());
    assert_ne!(old.0, new.0);
    assert_eq!(&SOURCE[old.1.start as usize..old.1.end as usize], "2");
    assert!(changes(&before, &before).is_empty());
    let longer = parse(&SOURCE.replace("    return x + 1;", "    print(x);\n    return x + 1;")).0;
    let found = changes(&before, &longer);
    assert_eq!((found.len(), found[0].before, found[0].path.as_str()), (1, None, "program > function main > block > run"));
}

/// A few nodes that hold each other twice stand for more than any memory: refused, not followed.
#[test]
fn sharing_that_would_fill_memory_is_refused() {
    let mut source = "fn main() -> int {\n    return 1".to_string();
    // Balanced sums share their halves, so 2^20 ones are some twenty nodes; as a source they would be too long.
    let sum = (0..17).fold("1".to_string(), |half, _| format!("({half} + {half})"));
    source.push_str(&format!(" + {sum};\n}}\n"));
    let small = bytes(&source);
    assert!(small.len() < 20_000, "{} bytes", small.len());
    assert_eq!(decode(&small).unwrap_err(), BinaryError::TooLarge);
}
