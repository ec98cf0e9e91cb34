//! Which tokens begin and end a text.

use crate::error::EngineError;

/// Which tokens begin and end a text, as a document's metadata say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    begin: Option<u32>,
    begins_plain_text: bool,
    ends: Vec<u32>,
}

impl Bounds {
    /// Reads the optional keys `bos_token` (a number), `add_bos` (a flag, `false` unless given) and `eos_tokens`
    /// (numbers, separated by commas).
    ///
    /// # Errors
    /// A value that is none, a token that is not in the vocabulary, or `add_bos` without a token to add.
    pub fn from_metadata<'a>(get: impl Fn(&str) -> Option<&'a str>, vocab_size: usize) -> Result<Bounds, EngineError> {
        let bad = |key: &'static str, value: &str, rule: &'static str| EngineError::BadMetadata { key, value: value.into(), rule };
        let token = |text: &str| text.trim().parse::<u32>().ok().filter(|token| (*token as usize) < vocab_size);
        let mut bounds = Bounds::default();
        if let Some(value) = get("bos_token") {
            bounds.begin = Some(token(value).ok_or_else(|| bad("bos_token", value, "the number of a token of the vocabulary"))?);
        }
        if let Some(value) = get("eos_tokens") {
            let ends: Option<Vec<u32>> = value.split(',').map(token).collect();
            bounds.ends = ends.ok_or_else(|| bad("eos_tokens", value, "numbers of tokens of the vocabulary, separated by commas"))?;
        }
        bounds.begins_plain_text = match get("add_bos") {
            None | Some("false") => false,
            Some("true") if bounds.begin.is_some() => true,
            Some(value) => return Err(bad("add_bos", value, "'false', or 'true' beside a 'bos_token'")),
        };
        Ok(bounds)
    }

    /// The token that begins a text.
    pub fn begin(&self) -> Option<u32> {
        self.begin
    }

    /// The tokens that end a text.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Whether a token ends a text.
    pub fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// The tokens of a plain text with the one in front that the model expects there, if it does.
    pub fn plain(&self, mut tokens: Vec<u32>) -> Vec<u32> {
        if let Some(begin) = self.begin.filter(|begin| self.begins_plain_text && tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &'static str)]) -> Result<Bounds, EngineError> {
        Bounds::from_metadata(|key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v), 10)
    }

    #[test]
    fn a_plain_text_begins_once_with_its_token() {
        let bounds = read(&[("bos_token", "1"), ("add_bos", "true"), ("eos_tokens", "2, 9")]).unwrap();
        assert_eq!((bounds.begin(), bounds.ends()), (Some(1), &[2, 9][..]));
        assert_eq!((bounds.plain(vec![5]), bounds.plain(vec![1, 5]), bounds.plain(vec![])), (vec![1, 5], vec![1, 5], vec![1]));
        let silent = read(&[("bos_token", "1"), ("add_bos", "false")]).unwrap();
        assert_eq!((silent.plain(vec![5]), silent.is_end(9)), (vec![5], false));
        assert_eq!(read(&[]).unwrap(), Bounds::default());
    }

    #[test]
    fn nonsense_is_refused_by_its_key() {
        for (key, value) in
            [("bos_token", "x"), ("bos_token", "10"), ("eos_tokens", "1,,2"), ("eos_tokens", ""), ("add_bos", "true"), ("add_bos", "1")]
        {
            assert!(matches!(read(&[(key, value)]), Err(EngineError::BadMetadata { key: k, .. }) if k == key), "{key} = {value}");
        }
    }
}
