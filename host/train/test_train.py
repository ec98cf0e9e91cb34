"""Checks of the quantizers, the straight-through gradient and the exported file.

    python3 test_train.py            # prints one line a claim; needs no corpus and no GPU
"""
import tempfile
from pathlib import Path

import torch
from safetensors.numpy import save_file

from export import Reference, metadata_of, tensors_of
from model import (LEVEL_MAX, SATURATED, Config, Levels, Llama, QuaternaryLinear, TernaryLinear, a8, attend, quaternary, ring_mask,
                   ternary)
from train import start_from


def a8_rounds_half_away_from_zero():
    # absmax 127 makes the scale 1, so these halves are exact.
    q, s = a8(torch.tensor([127.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49, 0.0]))
    assert s.item() == 1 and q.tolist() == [127, 1, -1, 2, -2, 3, -3, 0, 0], q


def a8_of_zeros_is_zeros():
    q, s = a8(torch.zeros(3, 4))
    assert q.abs().max() == 0 and bool((s > 0).all())


def codes_are_in_their_books_and_scales_are_per_row():
    w = torch.randn(64, 128, generator=torch.Generator().manual_seed(1))
    for rule, book in ((quaternary, {-2, -1, 1, 2}), (ternary, {-1, 0, 1})):
        code, scale = rule(w)
        assert set(code.unique().int().tolist()) == book and scale.shape == (64, 1)


def codes_of_a_quantized_matrix_give_the_same_signs():
    w = torch.randn(8, 64, generator=torch.Generator().manual_seed(2))
    code, scale = quaternary(w)
    assert torch.equal(torch.sign(code), torch.where(w >= 0, 1.0, -1.0))
    assert torch.equal(quaternary(w * 8)[0], code)  # a power of two moves the scale alone


def forward_is_the_integer_product_and_the_gradient_goes_straight_through():
    for kind in (QuaternaryLinear, TernaryLinear):
        torch.manual_seed(3)
        layer = kind(64, 32, 0.1)
        x = torch.randn(5, 64, requires_grad=True)
        y = layer(x)
        q, sx = a8(x.detach())
        code, sw = kind.code(layer.weight.detach())
        exact = (q.long() @ code.long().T).float() * sw.squeeze(1) * sx
        assert torch.allclose(y, exact, rtol=1e-5, atol=1e-6), (y - exact).abs().max()
        g = torch.randn_like(y)
        y.backward(g)
        assert torch.allclose(x.grad, g @ (code * sw), rtol=1e-4, atol=1e-5)
        assert torch.allclose(layer.weight.grad, g.T @ (q * sx), rtol=1e-4, atol=1e-5)


def levels_are_integers_to_six_of_a_constant_and_ties_go_up():
    levels = Levels(1, 2, False).eval()
    levels.bound.fill_(6.0)
    x = torch.tensor([-9.0, -0.5, 0.5, 1.49, -1.5, 5.6, 7.0, 0.0]).view(1, 1, 4, 2).requires_grad_()
    y = levels(x)
    assert y.flatten().tolist() == [-6, 0, 1, 1, -1, 6, 6, 0], y
    y.sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 1, 1, 1, 1, 0, 1], x.grad  # nothing where a value saturates


def bounds_follow_the_quantile_of_a_channel_and_pairs_share_theirs():
    generator = torch.Generator().manual_seed(5)
    spread = torch.tensor([1.0, 10.0, 0.1, 1.0])
    for paired in (False, True):
        levels = Levels(1, 4, paired)
        for _ in range(400):
            x = torch.randn(4, 1, 256, 4, generator=generator) * spread
            y = levels(x)
        beyond = (x.abs() > levels.bound[:, None]).float().mean((0, 1, 2))
        if paired:
            assert torch.equal(levels.bound[0, :2], levels.bound[0, 2:])
            beyond = (beyond[:2] + beyond[2:]) / 2
        assert bool((beyond - SATURATED).abs().max() < 0.02), beyond
        codes = y * LEVEL_MAX / levels.bound[:, None]
        assert bool((codes - codes.round()).abs().max() < 1e-4) and codes.abs().max() <= LEVEL_MAX + 1e-4


def attention_in_chunks_is_that_of_the_whole_window():
    generator = torch.Generator().manual_seed(6)
    for T in (1, 63, 64, 65, 200):
        for ring in (1, 16, 102, 256):
            q, k, v = (torch.randn(2, heads, T, 8, generator=generator) for heads in (4, 2, 2))
            mask = ring_mask(256, ring)[:T, :T]
            shared = [z.repeat_interleave(2, 1) for z in (k, v)]
            whole = torch.nn.functional.scaled_dot_product_attention(q, *shared, attn_mask=mask)
            assert torch.allclose(attend(q, k, v, mask, ring), whole, atol=1e-5), (T, ring)


def a_byte_outside_the_ring_of_every_block_changes_no_logits():
    torch.manual_seed(7)
    model = Llama(Config(d_model=64, n_layers=2, n_heads=2, n_kv_heads=1, ff=128, context=64, ring=8)).eval()
    text = torch.randint(256, (1, 64))
    other = text.clone()
    other[0, 0] ^= 1
    with torch.no_grad():
        a, b = model(text), model(other)
    # Two blocks reach seven positions back each.
    assert torch.equal(a[:, 15:], b[:, 15:]) and not torch.equal(a[:, :15], b[:, :15])


def heads_that_become_one_start_as_their_mean():
    torch.manual_seed(8)
    shape = dict(d_model=64, n_layers=1, n_heads=4, ff=128, context=32)
    old, new = Llama(Config(**shape, n_kv_heads=4)), Llama(Config(**shape, n_kv_heads=2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        save_file(tensors_of(old), path)
        start_from(new, path)
    code, scale = quaternary(old.model.layers[0].self_attn.k_proj.weight.detach())
    heads = (code * scale).view(2, 2, 16, 64)
    assert torch.allclose(new.model.layers[0].self_attn.k_proj.weight.view(2, 16, 64), heads.mean(1))
    assert torch.equal(new.model.embed_tokens.weight, old.model.embed_tokens.weight)


def exported_file_gives_the_logits_of_the_model():
    torch.manual_seed(4)
    model = Llama(Config(d_model=64, n_layers=2, n_heads=4, n_kv_heads=2, ff=128, context=32, ring=8, kv="float"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        save_file(tensors_of(model), path, metadata_of(model, dict(step=0, tokens=0, arguments={}), {}))
        reference, prompt = Reference(path), list(b"It is a truth")
        for byte in prompt:
            logits = reference.token(byte)
    with torch.no_grad():
        other = model(torch.tensor([prompt]))[0, -1].numpy()
    assert abs(other - logits).max() < 0.05, abs(other - logits).max()


def main():
    for claim in (a8_rounds_half_away_from_zero, a8_of_zeros_is_zeros, codes_are_in_their_books_and_scales_are_per_row,
                  codes_of_a_quantized_matrix_give_the_same_signs,
                  forward_is_the_integer_product_and_the_gradient_goes_straight_through,
                  levels_are_integers_to_six_of_a_constant_and_ties_go_up,
                  bounds_follow_the_quantile_of_a_channel_and_pairs_share_theirs, attention_in_chunks_is_that_of_the_whole_window,
                  a_byte_outside_the_ring_of_every_block_changes_no_logits, heads_that_become_one_start_as_their_mean,
                  exported_file_gives_the_logits_of_the_model):
        claim()
        print("ok", claim.__name__)


if __name__ == "__main__":
    main()
