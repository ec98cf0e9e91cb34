//! Conversations with a model: templates, sessions, a server of OpenAI's protocol
