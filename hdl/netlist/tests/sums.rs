//! Sums of many against integers: counts of ones, multiplication by constants.

use nda_netlist::{Evaluation, Module};

#[test]
fn ones_are_counted_in_words_of_every_length() {
    for bits in [1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64] {
        let m = Module::new("ones");
        let a = m.input("a", bits);
        m.output("ones", (!a).popcount("clear"));
        let mut e = Evaluation::new(&m.finish());
        let all = u64::MAX >> (64 - bits);
        let some = (0..200_u64).map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15) & all);
        for word in [0, all, 1, 1 << (bits - 1)].into_iter().chain(some) {
            e.set("a", &[word]);
            assert_eq!(e.get("ones"), u64::from((!word & all).count_ones()), "{word:x} of {bits} bits");
        }
    }
}

#[test]
fn a_constant_times_a_number_is_the_product_modulo_the_width() {
    let bits = 39;
    let modulo = |number: i64| number as u64 & (u64::MAX >> (64 - bits));
    for factor in [0, 1, -1, 2, 3, -3, 7, 3 << 14, -49_140, 65_535, -65_536, (1 << 38) - 1] {
        let m = Module::new("product");
        m.output("product", m.input("a", bits).signed().times_constant(factor).unsigned());
        let netlist = m.finish();
        assert!(!netlist.top_verilog("product_top").contains('*'));
        let mut e = Evaluation::new(&netlist);
        for number in [0, 1, -1, 2, 4_194_303, -4_194_303, (1 << 38) - 1, -(1 << 38), 12_345_678_901] {
            e.set("a", &[modulo(number)]);
            assert_eq!(e.get("product"), modulo(number.wrapping_mul(factor)), "{number} * {factor}");
        }
    }
}

#[test]
#[should_panic(expected = "a plain number times 3")]
fn a_factor_needs_a_signed_number() {
    let m = Module::new("bad");
    let _ = m.input("a", 3).times_constant(3);
}
