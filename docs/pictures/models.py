"""What bits cost in perplexity: measured, the record of a real model."""

from svg import Picture, records

RECORD = "docs/smollm2/report.json"
# The record's source, smollm2.gguf of SmolLM2-135M-Instruct: millions of weights and their bits (Q4_1, Q8_0; 'nda info').
MODEL, SOURCE = "SmolLM2-135M-Instruct", ((106.17, 5.0), (28.31, 8.5))


def perplexity():
    record = records(RECORD)
    rows = [row for row in record["rows"] if row["bits_per_weight"] < 32]
    floats = next(row for row in record["rows"] if row["weights"] == "f32")["perplexity"]
    source = sum(weights * bits for weights, bits in SOURCE) / sum(weights for weights, _ in SOURCE)
    below = f"measured: {MODEL}, {record['predicted_tokens']} tokens of Alice in Wonderland, windows of 512; {RECORD}"
    picture = Picture(900, 430, "Perplexity by bits per weight: lower and further left is better", below)
    left, right, top, bottom = 90, 850, 84, 370
    most = max(row["perplexity"] for row in rows)
    high = most + (most - floats) * 0.12
    bits = [row["bits_per_weight"] for row in rows] + [source]
    first, last = min(bits) - 0.5, max(bits) + 0.5
    x = lambda value: left + (value - first) / (last - first) * (right - left)
    y = lambda value: bottom - (value - floats + (high - floats) * 0.06) / ((high - floats) * 1.06) * (bottom - top)
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50) if (high - floats) / step <= 8)
    tick = step * int(floats / step + 1)
    while tick < high:
        picture.line([(left, y(tick)), (right, y(tick))], "edge", 1)
        picture.text(left - 8, y(tick) + 4, f"{tick:g}", "soft", 11.5, "end")
        tick += step
    for value in range(int(first) + 1, int(last) + 1):
        picture.line([(x(value), top), (x(value), bottom)], "edge", 1)
        picture.text(x(value), bottom + 18, value, "soft", 11.5, "middle")
    picture.text((left + right) / 2, bottom + 40, "bits per weight, all tensors of the document", "soft", 12, "middle")
    picture.line([(left, y(floats)), (right, y(floats))], "two", 2, dashes="6 4")
    picture.rect(x(source) - 6, y(floats) - 6, 12, 12, "two")
    picture.text(x(source), y(floats) - 14, f"the source, Q4_1 and Q8_0, computed in floats: {source:.2f} bits, {floats:.2f}", "two", 12, "middle")
    for row in sorted(rows, key=lambda row: row["weights"]):
        at = x(row["bits_per_weight"]), y(row["perplexity"])
        picture.add(f'<circle class="one" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="6"/>')
        picture.text(at[0] + 11, at[1] - 5, f"{row['weights']}: {row['perplexity']:.2f}", "ink b", 13)
    return picture


PICTURES = {"perplexity.svg": perplexity}
