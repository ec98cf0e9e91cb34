//! Model files of others (GGUF, Hugging Face folders) as documents
