//! Verilog that the element cores have in common.

/// A wire of `width` bits that counts the ones of an expression of `bits` bits.
pub(crate) fn popcount(name: &str, of: &str, bits: usize, width: usize) -> String {
    let terms: Vec<String> = (0..bits).map(|lane| format!("{{{width}'d0, {name}_bits[{lane}]}}")).collect();
    // Every term is wider than the sum by the bit itself; the sum is cut to what it can be at most.
    format!("wire [{}:0] {name}_bits = {of};\nwire [{}:0] {name} = {};\n", bits - 1, width - 1, terms.join(" + "))
}
