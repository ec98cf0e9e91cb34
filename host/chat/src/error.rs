//! The errors of this crate's border.

use nda_engine::EngineError;
use std::io;
use std::net::SocketAddr;

/// Why a conversation cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The document says nothing of conversations.
    #[error("the document has no chat template")]
    NoTemplate,
    /// The template is none, or refuses these messages.
    #[error("the chat template fails: {reason}")]
    Template {
        /// What the template engine or the template itself says.
        reason: String,
    },
    /// A grammar, or a schema, that an answer cannot be held to.
    #[error("the grammar fails: {reason}")]
    Grammar {
        /// What is wrong with it.
        reason: String,
    },
    /// A token must come, and none may.
    #[error("no token may come next: every one that the grammar allows is forbidden")]
    Forbidden,
    /// More tokens than the model has positions for.
    #[error("the prompt has {tokens} tokens, but the model's context has {context}")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Positions that there are.
        context: usize,
    },
    /// Bytes that are not a saved conversation of this model.
    #[error("{0}")]
    Saved(#[source] nda_engine::saved::FileError),
    /// A text in whole tokens, whose cache stays where the tokens are made.
    #[error("whole tokens keep no conversation in a file")]
    NotSaved,
    /// The model or its back end failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The server's address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// An address that others reach, and no key to ask them for.
    #[error("{address} can be reached from other machines, and there is no API key")]
    Unguarded {
        /// The address.
        address: SocketAddr,
    },
    /// An origin that no header can name.
    #[error("'{origin}' is not an origin of pages")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The system refuses what a server or an interactive program needs.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl ChatError {
    /// Where it happened, a few words.
    pub fn place(&self) -> String {
        match self {
            ChatError::NoTemplate | ChatError::Template { .. } => "metadata 'chat_template' (frame 0)".into(),
            ChatError::Grammar { .. } | ChatError::Forbidden => "the grammar".into(),
            ChatError::TooLong { .. } => "the KV cache".into(),
            ChatError::Saved(_) | ChatError::NotSaved => "the saved conversation".into(),
            ChatError::Engine(error) => error.place(),
            ChatError::Listen { address, .. } | ChatError::Unguarded { address } => address.to_string(),
            ChatError::Origin { .. } => "--cors".into(),
            ChatError::System { .. } => "this process".into(),
        }
    }

    /// The next step for a person, one line.
    pub fn help(&self) -> &'static str {
        match self {
            ChatError::NoTemplate => {
                "use a model that was trained for conversations, or continue plain text with 'nda run' or /v1/completions"
            }
            ChatError::Template { .. } => "say it in turns that the template takes; 'nda info FILE' shows the template",
            ChatError::Grammar { .. } => "mend the grammar or the schema; docs/server.md says which are known",
            ChatError::Forbidden => "forbid fewer tokens in 'logit_bias', or allow more in the grammar",
            ChatError::TooLong { .. } => "say less, or begin a new conversation",
            ChatError::Saved(nda_engine::saved::FileError::Foreign { .. }) => "resume it with the model and the '--kv' that saved it",
            ChatError::Saved(_) => "restore the file from where it came; 'nda kv check FILE' says what is wrong with it",
            ChatError::NotSaved => "use --offload gemv",
            ChatError::Engine(error) => error.help(),
            ChatError::Listen { .. } => "choose another port with '--port', or end what listens there",
            ChatError::Unguarded { .. } => "give a key with '--api-key-file' or in NDA_API_KEY, or listen on 127.0.0.1",
            ChatError::Origin { .. } => "give one such as https://chat.example, or '*' for every page",
            ChatError::System { .. } => "check the limits of this user: open files, threads",
        }
    }
}
