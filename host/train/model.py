"""The tiny byte-level Llama and its quantization-aware linear layers.

Shapes: B windows, T positions, d model width, V = 256 byte values. Module names follow the
Hugging Face Llama convention, so `state_dict()` already has the names that converters expect.

Number formats are the project's contract: a quaternary code is one of -2, -1, +1, +2, a ternary
one of -1, 0, +1, with one f32 scale a row; activations in front of every quantized layer are A8,
int8 with one f32 scale a token (absmax), rounded half away from zero.
"""
import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

# Least-squares scale of the code book {-2,-1,1,2} on a Gaussian, in units of mean |w|.
QUATERNARY_SCALE = 0.8156
# |w| above this many scales is a 2: the middle between the levels 1 and 2.
QUATERNARY_THRESHOLD = 1.5
A8_MAX = 127
A8_SMALLEST_ABSMAX = 1e-8


@dataclass
class Config:
    """The model's shape. `weights` is quaternary, ternary or float; `head` likewise."""
    weights: str = "quaternary"
    head: str = "quaternary"
    vocab: int = 256
    d_model: int = 128
    n_layers: int = 5
    n_heads: int = 4
    ff: int = 384
    context: int = 512
    rope_theta: float = 10000.0
    rms_eps: float = 1e-5

    def dict(self):
        return asdict(self)


def a8(x):
    """int8 codes (as floats, exact integers) and f32 scales of x, one scale over the last axis.

    q = sign(x) * floor(|x| / s + 1/2), s = max(absmax, 1e-8) / 127: half away from zero, as
    `requantize` does in every back end (torch.round would send halves to even).
    """
    s = x.abs().amax(-1, keepdim=True).clamp_min(A8_SMALLEST_ABSMAX) / A8_MAX
    q = torch.sign(x) * torch.floor(x.abs() / s + 0.5)
    return q.clamp(-A8_MAX, A8_MAX), s


def quaternary(w):
    """Codes in {-2,-1,1,2} and scales (rows, 1) of w (rows, cols). Zero counts as positive."""
    m = w.abs()
    s = QUATERNARY_SCALE * m.mean(1, keepdim=True)
    s = s.clamp_min(1e-12)
    large = (m > QUATERNARY_THRESHOLD * s).to(w.dtype)
    return torch.where(w >= 0, 1.0, -1.0) * (1 + large), s


def ternary(w):
    """Codes in {-1,0,1} and scales (rows, 1): absmean (The Era of 1-bit LLMs, section 2, 2024)."""
    s = w.abs().mean(1, keepdim=True).clamp_min(1e-12)
    return torch.sign(w) * torch.floor(w.abs() / s + 0.5).clamp(max=1), s


class _CodedLinear(nn.Module):
    """y = (q . code) * scale_row * s_x, with straight-through gradients to x and to the latent w.

    The product runs on the integers themselves: they are exact in bf16, so training under autocast
    sees the same codes as the integer back ends.
    """
    code = None

    def __init__(self, cols, rows, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, cols) * std)

    def forward(self, x):
        with torch.no_grad():
            q, sx = a8(x.float())
            code, sw = type(self).code(self.weight)
        # Value q, gradient of x / sx: the straight-through estimator in units of the scale.
        xs, ws = x.float() / sx, self.weight / sw
        y = F.linear(xs + (q - xs).detach(), ws + (code - ws).detach())
        return y.float() * sw.squeeze(1) * sx


class QuaternaryLinear(_CodedLinear):
    code = staticmethod(quaternary)


class TernaryLinear(_CodedLinear):
    code = staticmethod(ternary)


class FloatLinear(nn.Module):
    """The twin's layer: same shape and start, no quantization of weights or activations."""

    def __init__(self, cols, rows, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, cols) * std)

    def forward(self, x):
        return F.linear(x, self.weight).float()


LINEAR = {"quaternary": QuaternaryLinear, "ternary": TernaryLinear, "float": FloatLinear}


class RMSNorm(nn.Module):
    def __init__(self, d, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d)), eps

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(config, length, device=None):
    """cos and sin, each (length, head_dim / 2)."""
    half = config.d_model // config.n_heads // 2
    frequency = config.rope_theta ** (-torch.arange(half, dtype=torch.float32, device=device) / half)
    angle = torch.arange(length, dtype=torch.float32, device=device)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """Half-split form, as in Hugging Face's Llama: the pair is (x[i], x[i + head_dim/2])."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Attention(nn.Module):
    def __init__(self, c, linear, std):
        super().__init__()
        d = c.d_model
        self.n_heads = c.n_heads
        self.q_proj, self.k_proj, self.v_proj = linear(d, d, std), linear(d, d, std), linear(d, d, std)
        self.o_proj = linear(d, d, std / math.sqrt(2 * c.n_layers))

    def forward(self, x, cos, sin):
        B, T, D = x.shape

        def heads(z):
            return z.view(B, T, self.n_heads, -1).transpose(1, 2)
        q, k, v = rotate(heads(self.q_proj(x)), cos, sin), rotate(heads(self.k_proj(x)), cos, sin), heads(self.v_proj(x))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, D))


class MLP(nn.Module):
    def __init__(self, c, linear, std):
        super().__init__()
        self.gate_proj, self.up_proj = linear(c.d_model, c.ff, std), linear(c.d_model, c.ff, std)
        self.down_proj = linear(c.ff, c.d_model, c.ff ** -0.5 / math.sqrt(2 * c.n_layers))

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c, linear):
        super().__init__()
        std = c.d_model ** -0.5
        self.input_layernorm = RMSNorm(c.d_model, c.rms_eps)
        self.self_attn = Attention(c, linear, std)
        self.post_attention_layernorm = RMSNorm(c.d_model, c.rms_eps)
        self.mlp = MLP(c, linear, std)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Logits (B, T, V) of bytes (B, T)."""

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c.vocab, c.d_model)
        nn.init.normal_(self.model.embed_tokens.weight, std=0.02 * math.sqrt(c.d_model))
        self.model.layers = nn.ModuleList(Layer(c, LINEAR[c.weights]) for _ in range(c.n_layers))
        self.model.norm = RMSNorm(c.d_model, c.rms_eps)
        self.lm_head = LINEAR[c.head](c.d_model, c.vocab, 0.5 * c.d_model ** -0.5)
        cos, sin = rope_tables(c, c.context)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens):
        T = tokens.shape[1]
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, self.cos[:T], self.sin[:T])
        return self.lm_head(self.model.norm(x))

    def coded_layers(self):
        """(name, layer) of every quantized linear layer."""
        return [(n, m) for n, m in self.named_modules() if isinstance(m, _CodedLinear)]


def bits_per_byte(model, data, batch=32, autocast=False):
    """Mean bits a byte over `data` (1-D uint8 tensor), in consecutive fresh windows of the context.

    Window k predicts bytes k*context+1 .. (k+1)*context from the bytes before them inside the
    window, so every byte but the file's first counts once and the first ones of each window have
    little to go on: the honest, slightly pessimistic form. Returns (bits a byte, bytes predicted).
    """
    context, device = model.config.context, next(model.parameters()).device
    total, count = 0.0, 0
    starts = list(range(0, len(data) - 1, context))
    full = [s for s in starts if s + context + 1 <= len(data)]
    groups = [full[i:i + batch] for i in range(0, len(full), batch)] + [[s] for s in starts if s not in set(full)]
    with torch.no_grad():
        for group in groups:
            length = min(context, len(data) - 1 - group[0])
            window = torch.stack([data[s:s + length + 1] for s in group]).to(device).long()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                logits = model(window[:, :-1])
            total += F.cross_entropy(logits.float().flatten(0, 1), window[:, 1:].flatten(), reduction="sum").double().item()
            count += window[:, 1:].numel()
    return total / count / math.log(2), count
