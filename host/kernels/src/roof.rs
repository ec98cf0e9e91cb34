//! Reading and nothing else: what a kernel that reads its weights once cannot be faster than.

/// The exclusive or of all words: every byte is read once, from front to back, with the widest loads that AVX2 has.
pub fn read(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2, as was found just now.
        return unsafe { wide(words) };
    }
    body(words)
}

/// [`body`] in registers of 256 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide(words: &[u64]) -> u64 {
    body(words)
}

/// Words that are taken at once: eight registers of 256 bits, so that no sum waits for the one before.
const LANES: usize = 32;

#[inline(always)]
fn body(words: &[u64]) -> u64 {
    let (chunks, rest) = words.as_chunks::<LANES>();
    let mut sums = [0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] ^= chunk[lane];
        }
    }
    sums.iter().chain(rest).fold(0, |all, word| all ^ word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_at_every_length() {
        let words: Vec<u64> = (0..200).map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        for count in 0..words.len() {
            assert_eq!(read(&words[..count]), words[..count].iter().fold(0, |all, word| all ^ word), "{count} words");
        }
    }
}
