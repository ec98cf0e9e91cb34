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
# The cache's levels: every integer to 6 from two stacks of quaternary codes with coefficients 2 and 1.
LEVEL_MAX = 6
# Share of a channel's magnitudes that saturate, as `nda convert` calibrates it.
SATURATED = 0.02
# Queries that attend together.
CHUNK = 64


@dataclass
class Config:
    """The model's shape. `weights` is quaternary, ternary or float; `head` likewise. `ring` and `kv` describe its cache."""
    weights: str = "quaternary"
    head: str = "quaternary"
    vocab: int = 256
    d_model: int = 128
    n_layers: int = 5
    n_heads: int = 4
    n_kv_heads: int = 2
    ff: int = 384
    context: int = 256
    # Positions that attention reaches, the newest one included.
    ring: int = 102
    # The cache's form: levels or float.
    kv: str = "levels"
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


def ring_mask(length, ring):
    """(length, length): 0 where a position attends to another, -inf elsewhere."""
    back = torch.arange(length)[:, None] - torch.arange(length)
    return torch.where((back >= 0) & (back < ring), 0.0, -math.inf)


def rotate(x, cos, sin):
    """Half-split form, as in Hugging Face's Llama: the pair is (x[i], x[i + head_dim/2])."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Levels(nn.Module):
    """Keys or values as the cache keeps them: levels of one constant per channel, which follows the data while training.

    `bound` (heads, head_dim) is what the largest level stands for: the magnitude that `SATURATED` of a channel's exceed.
    Two channels that RoPE turns into one another share it where `paired`, as keys do.
    """

    def __init__(self, heads, head_dim, paired):
        super().__init__()
        self.paired = paired
        # The quantile of a Gaussian: where the projections start.
        self.register_buffer("bound", torch.full((heads, head_dim), 2.33))

    @torch.no_grad()
    def follow(self, x):
        """Moves the bounds towards the quantile of x (B, heads, T, head_dim), by stochastic approximation (Robbins and Monro, 1951)."""
        beyond = (x.abs() > self.bound[:, None]).float().mean((0, 2))
        if self.paired:
            first, second = beyond.chunk(2, -1)
            beyond = torch.cat([first + second] * 2, -1) / 2
        self.bound.mul_(torch.exp(beyond - SATURATED))

    def forward(self, x):
        if self.training:
            self.follow(x)
        unit = self.bound[:, None] / LEVEL_MAX
        inside = (x / unit).clamp(-LEVEL_MAX, LEVEL_MAX)
        # Ties go up, as in the device's `KvForm::level`; the gradient is 0 where a value saturates.
        return (inside + (torch.floor(inside + 0.5) - inside).detach()) * unit


class Attention(nn.Module):
    def __init__(self, c, linear, std):
        super().__init__()
        d, head_dim = c.d_model, c.d_model // c.n_heads
        self.n_heads, self.n_kv_heads, self.kv, self.ring = c.n_heads, c.n_kv_heads, c.kv, c.ring
        kv_width = c.n_kv_heads * head_dim
        self.q_proj, self.k_proj, self.v_proj = linear(d, d, std), linear(d, kv_width, std), linear(d, kv_width, std)
        self.o_proj = linear(d, d, std / math.sqrt(2 * c.n_layers))
        self.keys, self.values = Levels(c.n_kv_heads, head_dim, True), Levels(c.n_kv_heads, head_dim, False)

    def forward(self, x, cos, sin, mask):
        B, T, D = x.shape

        def heads(z, n):
            return z.view(B, T, n, -1).transpose(1, 2)
        q, k = rotate(heads(self.q_proj(x), self.n_heads), cos, sin), rotate(heads(self.k_proj(x), self.n_kv_heads), cos, sin)
        v = heads(self.v_proj(x), self.n_kv_heads)
        if self.kv == "levels":
            k, v = self.keys(k), self.values(v)
        y = attend(q, k, v, mask, self.ring)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, D))


def attend(q, k, v, mask, ring):
    """Softmax attention of q (B, heads, T, head_dim) to k and v (B, kv_heads, T, head_dim); `mask` (T, T) is added to the scores.

    Queries go in chunks, each against the positions that its ring reaches: half the scores of a window of 256.
    """
    B, H, T, C = q.shape
    # The heads that share keys are further rows of one product.
    q = q.reshape(B, k.shape[1], -1, T, C)
    out = []
    for start in range(0, T, CHUNK):
        end = min(start + CHUNK, T)
        first = max(0, start - ring + 1) // 16 * 16
        shared = q[:, :, :, start:end].reshape(B, k.shape[1], -1, C)
        score = (shared @ k[:, :, first:end].transpose(-1, -2)).float().view(B, H, end - start, end - first) * C ** -0.5
        weight = torch.softmax(score + mask[start:end, first:end], -1).view(B, k.shape[1], -1, end - first)
        out.append((weight @ v[:, :, first:end]).view(B, H, end - start, C))
    return torch.cat(out, 2)


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

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
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
        self.register_buffer("mask", ring_mask(c.context, c.ring), persistent=False)

    def forward(self, tokens):
        T = tokens.shape[1]
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, self.cos[:T], self.sin[:T], self.mask[:T, :T])
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
    total, count, training = 0.0, 0, model.training
    model.eval()
    starts = list(range(0, len(data) - 1, context))
    full = [s for s in starts if s + context + 1 <= len(data)]
    groups = [full[i:i + batch] for i in range(0, len(full), batch)] + [[s] for s in starts if s not in set(full)]
    # What is compiled is compiled for training; other shapes and modes are not worth the wait.
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        for group in groups:
            length = min(context, len(data) - 1 - group[0])
            window = torch.stack([data[s:s + length + 1] for s in group]).to(device).long()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                logits = model(window[:, :-1])
            total += F.cross_entropy(logits.float().flatten(0, 1), window[:, 1:].flatten(), reduction="sum").double().item()
            count += window[:, 1:].numel()
    model.train(training)
    return total / count / math.log(2), count
