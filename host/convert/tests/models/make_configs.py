"""Writes configs/: the config.json that the package transformers writes for the models of make.py.

    python make_configs.py    (transformers 5.24.0)

Numbers and answers are those of make.py; the file's name is the case's, with the architecture behind it where it is not the case's own.
"""

import tempfile
from pathlib import Path

import transformers as t

import make

HERE = Path(__file__).parent
OURS = dict(
    hidden_size=make.D, num_attention_heads=2, num_key_value_heads=1, head_dim=make.HEAD_DIM, num_hidden_layers=1,
    intermediate_size=make.FF, vocab_size=make.VOCABULARY, max_position_embeddings=make.CONTEXT, rms_norm_eps=1e-6,
    tie_word_embeddings=True, bos_token_id=132, eos_token_id=134,
)
WITHOUT_HEAD_DIM = {key: value for key, value in OURS.items() if key != "head_dim"}
rope = lambda **rules: {"rope_parameters": {"rope_theta": 10000.0, **rules}}
CONFIGS = {
    "llama": t.LlamaConfig(**OURS),
    "llama.mistral": t.MistralConfig(**OURS, sliding_window=None),
    "llama-biases": t.LlamaConfig(**OURS, attention_bias=True),
    "qwen2": t.Qwen2Config(**WITHOUT_HEAD_DIM),
    "qwen3": t.Qwen3Config(**OURS | dict(num_attention_heads=4, num_key_value_heads=2)),
    "gemma3": t.Gemma3TextConfig(**OURS | dict(num_hidden_layers=6), sliding_window=16, query_pre_attn_scalar=make.HEAD_DIM),
    "linear": t.LlamaConfig(**OURS, **rope(rope_type="linear", factor=4.0)),
    "yarn": t.LlamaConfig(**OURS, **rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)),
    "llama-frequencies": t.LlamaConfig(
        **OURS,
        **rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64),
    ),
}

if __name__ == "__main__":
    (HERE / "configs").mkdir(exist_ok=True)
    for name, config in CONFIGS.items():
        with tempfile.TemporaryDirectory() as folder:
            config.save_pretrained(folder)
            (HERE / "configs" / f"{name}.json").write_text((Path(folder) / "config.json").read_text())
