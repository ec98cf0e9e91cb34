//! Model, tokenizer, KV cache and sampling, generic over the GEMV back end.
