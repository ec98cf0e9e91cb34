//! Texts that are answered at once, in floats or in whole tokens, and whoever takes their tokens.

use nda_engine::{
    Choice, Cost, EngineError, Followed, Following, Part, Sequence, Session, TokenPart, TokenSession, TokenText, Wanted, real,
};

/// What a model computes its texts in. All texts of a server are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Floats,
    Integers,
}

/// One of the texts.
#[derive(Debug)]
pub(crate) enum SharedText {
    Floats(Sequence),
    Integers(TokenText),
}

impl SharedText {
    /// The tokens that have gone in.
    pub fn tokens(&self) -> &[u32] {
        match self {
            SharedText::Floats(sequence) => sequence.tokens(),
            SharedText::Integers(text) => text.tokens(),
        }
    }

    /// How many they are.
    pub fn position(&self) -> usize {
        self.tokens().len()
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        match self {
            SharedText::Floats(sequence) => sequence.clear(),
            SharedText::Integers(text) => text.clear(),
        }
    }

    /// Makes the beginning of `tokens` the text, as much of it as there is; returns how many tokens that is.
    pub fn resume(&mut self, tokens: &[u32]) -> usize {
        match self {
            SharedText::Floats(sequence) => sequence.resume(tokens),
            SharedText::Integers(text) => text.resume(tokens),
        }
    }

    /// How many of `tokens` the text begins with, if it can go on behind them: a ring of integers does not go back.
    pub fn common(&self, tokens: &[u32]) -> usize {
        let common = self.tokens().iter().zip(tokens).take_while(|(a, b)| a == b).count();
        match self {
            SharedText::Integers(text) if common < text.position() => 0,
            SharedText::Floats(_) | SharedText::Integers(_) => common,
        }
    }

    /// The text as one that is saved, if it is in floats or frames.
    pub fn sequence_mut(&mut self) -> Option<&mut Sequence> {
        if let SharedText::Floats(sequence) = self { Some(sequence) } else { None }
    }
}

/// What is asked for behind the tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing: they are a part of a prompt.
    Nothing,
    /// The logits of what follows the last one.
    Last,
    /// The logits of what follows each; of a text in floats.
    All,
    /// The token that follows, chosen where the logits are; of a text in whole tokens.
    Token(Choice),
}

/// What is answered: rows of logits, one after another, or a token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Logits(Vec<f32>),
    Token(u32),
}

/// What was answered, or why the text is as it was; in whole tokens it is empty then.
pub(crate) type Advanced = Result<Told, EngineError>;

/// What one text has in a step.
#[derive(Debug)]
pub(crate) struct Share<'s> {
    pub text: &'s mut SharedText,
    pub tokens: &'s [u32],
    pub asked: Asked,
}

impl Share<'_> {
    fn in_floats(&mut self) -> Option<Part<'_>> {
        let wanted = match self.asked {
            Asked::Nothing => Wanted::Nothing,
            Asked::Last | Asked::Token(_) => Wanted::Last,
            Asked::All => Wanted::All,
        };
        let tokens = self.tokens;
        self.text.sequence_mut().map(|sequence| Part { sequence, tokens, wanted })
    }

    fn in_integers(&mut self) -> Option<TokenPart<'_>> {
        let following = match self.asked {
            Asked::Nothing => Following::Nothing,
            Asked::Last | Asked::All => Following::Logits,
            Asked::Token(choice) => Following::Token(choice),
        };
        let tokens = self.tokens;
        if let SharedText::Integers(text) = &mut *self.text { Some(TokenPart { text, tokens, following }) } else { None }
    }
}

/// Whoever owns a model and takes tokens of several of its texts in one step.
pub(crate) trait Taker {
    /// Tokens of a step that are fastest, or keep nobody waiting for long.
    fn rows(&self) -> usize;

    /// Takes a step: to the bit what each text gets alone. All texts are of the model's kind.
    fn take(&mut self, shares: &mut [Share<'_>]) -> Vec<Advanced>;

    /// What products have cost so far.
    fn spent(&self) -> Cost;
}

impl Taker for Session<'_, '_> {
    fn rows(&self) -> usize {
        self.batch()
    }

    fn take(&mut self, shares: &mut [Share<'_>]) -> Vec<Advanced> {
        let mut parts: Vec<Part<'_>> = shares.iter_mut().filter_map(Share::in_floats).collect();
        self.advance(&mut parts).into_iter().map(|done| done.map(Told::Logits)).collect()
    }

    fn spent(&self) -> Cost {
        self.cost()
    }
}

impl Taker for TokenSession<'_, '_> {
    fn rows(&self) -> usize {
        self.step_tokens()
    }

    fn take(&mut self, shares: &mut [Share<'_>]) -> Vec<Advanced> {
        let mut parts: Vec<TokenPart<'_>> = shares.iter_mut().filter_map(Share::in_integers).collect();
        let told = |followed| match followed {
            Followed::Nothing => Told::Logits(Vec::new()),
            Followed::Logits(row) => Told::Logits(row.into_iter().map(real).collect()),
            Followed::Token(token) => Told::Token(token),
        };
        self.advance(&mut parts).into_iter().map(|done| done.map(told)).collect()
    }

    fn spent(&self) -> Cost {
        self.cost()
    }
}
