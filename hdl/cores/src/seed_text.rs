//! Verilog that the element cores have in common.

/// A wire of `width` bits that counts the ones of an expression of `bits` bits.
pub(crate) fn popcount(name: &str, of: &str, bits: usize, width: usize) -> String {
    let terms: Vec<String> = (0..bits).map(|lane| format!("{{{width}'d0, {name}_bits[{lane}]}}")).collect();
    // Every term is wider than the sum by the bit itself; the sum is cut to what it can be at most.
    format!("wire [{}:0] {name}_bits = {of};\nwire [{}:0] {name} = {};\n", bits - 1, width - 1, terms.join(" + "))
}

/// `factor * name` of a signed wire as shifts and sums: no tool takes a multiplier for it. The factor's digits are -1, 0 and 1
/// with no two beside each other (Reitwiesner, 1960), which are the fewest terms.
pub(crate) fn times(name: &str, factor: i64) -> String {
    let (mut rest, mut shift, mut terms) = (factor, 0, String::new());
    while rest != 0 {
        if rest % 2 != 0 {
            let digit = 2 - rest.rem_euclid(4);
            terms += &format!(" {} ({name} <<< {shift})", if digit > 0 { '+' } else { '-' });
            rest -= digit;
        }
        (rest, shift) = (rest / 2, shift + 1);
    }
    format!("(0{terms})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_become_signed_digits() {
        assert_eq!(times("n", 0), "(0)");
        assert_eq!(times("n", 3 << 14), "(0 - (n <<< 14) + (n <<< 16))");
        assert_eq!(times("n", -49_140), "(0 - (n <<< 2) + (n <<< 4) + (n <<< 14) - (n <<< 16))");
    }
}
