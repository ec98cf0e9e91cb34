//! A prompt that goes on from tokens that were drawn.

use nda_engine::Tokenizer;

/// What a model draws need not be what its tokenizer makes of the same text, and taking an answer again token by token
/// would be slow. So if the text of what was `taken` ends between two of the prompt's tokens, the rest is appended to it.
pub(crate) fn continued(tokenizer: &Tokenizer, taken: &[u32], prompt: Vec<u32>) -> Vec<u32> {
    let taken_text = tokenizer.decode(taken);
    let (mut text, mut count) = (Vec::new(), 0);
    while count < prompt.len() && text.len() < taken_text.len() {
        tokenizer.decode_into(prompt[count], &mut text);
        count += 1;
    }
    let (before, rest) = prompt.split_at(count);
    let controls = |tokens: &[u32]| -> Vec<u32> { tokens.iter().copied().filter(|token| tokenizer.is_control(*token)).collect() };
    // Texts alone could take a control token for its spelling.
    if text == taken_text && controls(before) == controls(taken) { [taken, rest].concat() } else { prompt }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_ndf::{BytePairs, Merge, Tokenizer as Stored};

    #[test]
    fn a_prompt_goes_on_from_the_tokens_that_were_drawn_and_not_from_other_spellings() {
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        tokens.extend(["ab", "<e>"].map(|text| text.as_bytes().to_vec()));
        let merges = vec![Merge { left: 97, right: 98, merged: 256 }];
        let tokenizer =
            Tokenizer::new(&Stored::BytePairs(BytePairs { split: "none".into(), tokens, merges, specials: vec![257] })).unwrap();
        let go_on = |taken: &[u32], text: &str| continued(&tokenizer, taken, tokenizer.encode_with_controls(text).unwrap());
        assert_eq!(tokenizer.encode(b"abc").unwrap(), [256, 99]);
        // The model drew a and b one by one.
        assert_eq!(go_on(&[97, 98], "abc<e>ab"), [97, 98, 99, 257, 256]);
        assert_eq!(go_on(&[97, 98], "ab"), [97, 98]);
        assert_eq!(go_on(&[], "ab"), [256]);
        // Its text ends in the midst of a token, or is another, or only looks like a control token.
        assert_eq!(go_on(&[99, 97], "cab"), [99, 256]);
        assert_eq!(go_on(&[99, 100], "cab"), [99, 256]);
        assert_eq!(go_on(&[97, 98, 60, 101, 62], "ab<e>"), [256, 257]);
        assert_eq!(go_on(&[97, 98, 99, 99], "abc"), [256, 99]);
    }
}
