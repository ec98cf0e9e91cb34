//! What a device's token machine is: page 1 of `IDENT`.

use super::IDENT_BYTES;
use crate::config::Geometry;
use crate::token::Sizes;
use crate::token::limits::Misbuilt;

/// Why a page describes no token machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenPageError {
    /// Not 64 bytes.
    #[error("the token machine's identification has {0} bytes, not {IDENT_BYTES}")]
    Length(usize),
    /// A number that no machine can have.
    #[error("the token machine's identification says {} {}, which must be {}", .0.value, .0.what, .0.rule)]
    Number(Misbuilt),
}

impl Sizes {
    /// The page's numbers in their order.
    const fn page(&self) -> [usize; 16] {
        [
            // Small numbers share a field: a page has sixteen.
            self.token_bytes | self.heads << 8 | self.head_dim << 16,
            self.queue_tokens,
            self.prompt_tokens,
            self.ring,
            self.layers,
            self.kv_width,
            self.wide_words,
            self.steps,
            self.constant_words,
            self.embedding_codes,
            self.embedding_scales,
            self.floors,
            self.gates,
            self.phases,
            self.matrices,
            self.weight_words,
        ]
    }

    /// The page: sixteen numbers of four bytes.
    ///
    /// # Panics
    /// If a number does not fit its field.
    pub fn to_page(&self) -> [u8; IDENT_BYTES] {
        let mut out = [0; IDENT_BYTES];
        for (field, value) in out.chunks_exact_mut(4).zip(self.page()) {
            field.copy_from_slice(&u32::try_from(value).expect("a size below 2^32").to_le_bytes());
        }
        out
    }

    /// The machine that a page describes, beside an array.
    ///
    /// # Errors
    /// [`TokenPageError`]: a page of another length, a number that cannot be.
    pub fn from_page(bytes: &[u8], g: &Geometry) -> Result<Sizes, TokenPageError> {
        let bytes: &[u8; IDENT_BYTES] = bytes.try_into().map_err(|_| TokenPageError::Length(bytes.len()))?;
        let at = |i: usize| u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]) as usize;
        let sizes = Sizes {
            token_bytes: at(0) & 255,
            heads: at(0) >> 8 & 255,
            head_dim: at(0) >> 16,
            queue_tokens: at(1),
            prompt_tokens: at(2),
            ring: at(3),
            layers: at(4),
            kv_width: at(5),
            wide_words: at(6),
            steps: at(7),
            constant_words: at(8),
            embedding_codes: at(9),
            embedding_scales: at(10),
            floors: at(11),
            gates: at(12),
            phases: at(13),
            matrices: at(14),
            weight_words: at(15),
        };
        sizes.check(g).map(|()| sizes).map_err(TokenPageError::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_survives_its_page_and_others_are_refused() {
        let g = crate::Config::named("token1024").unwrap().geometry;
        let numbers: Vec<u8> = [0x0020_0401_u32, 1024, 512, 102, 5, 128, 64, 100, 1000, 32_768, 1024, 8, 2, 16, 21, 200]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        let sizes = Sizes::from_page(&numbers, &g).unwrap();
        assert_eq!((sizes.ring, sizes.matrices, &sizes.to_page()[..]), (102, 21, &numbers[..]));
        assert_eq!(Sizes::from_page(&numbers[1..], &g), Err(TokenPageError::Length(63)));
        for (field, value) in [(0, 0x0400), (0, 0x0405), (1, 512), (1, 1025), (2, 0), (3, 0), (3, 1025), (9, 255)] {
            let mut bad = numbers.clone();
            bad[4 * field + usize::from(field == 9) * 3] = value as u8;
            bad[4 * field + 1] = if field == 9 { bad[4 * field + 1] } else { (value >> 8) as u8 };
            assert!(Sizes::from_page(&bad, &g).is_err(), "number {field} = {value}");
        }
    }
}
