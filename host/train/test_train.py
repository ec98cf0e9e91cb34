"""Checks of the quantizers, the straight-through gradient and the exported file.

    python3 test_train.py            # prints one line a claim; needs no corpus and no GPU
"""
import tempfile
from pathlib import Path

import torch
from safetensors.numpy import save_file

from export import Reference, metadata_of, tensors_of
from model import Config, Llama, QuaternaryLinear, TernaryLinear, a8, quaternary, ternary


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


def exported_file_gives_the_logits_of_the_model():
    torch.manual_seed(4)
    model = Llama(Config(d_model=64, n_layers=2, n_heads=2, ff=128, context=32))
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
                  exported_file_gives_the_logits_of_the_model):
        claim()
        print("ok", claim.__name__)


if __name__ == "__main__":
    main()
