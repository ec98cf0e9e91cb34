#!/usr/bin/env python3
"""ONNX Runtime's product of a 4096 x 4096 matrix by one vector, as a record that `nda bench --peers` takes.

The operator is MatMulNBits: weights of 2, 4 and 8 bits with a scale for every 32 of a row, activations quantized to 8 bits by the
runtime (accuracy level 4). Every form is checked first against the product of the very weights that were packed.
Says SKIP and exits with 0 where the packages (requirements-onnx.txt beside this file) are not there.
"""

import json
import sys
import time

ROWS = COLS = 4096
BLOCK = 32
# Bits of a weight, and the largest error against floats that quantized activations explain.
FORMS = {"2 bits": (2, 0.05), "4 bits": (4, 0.05), "8 bits": (8, 0.05)}
# Matrices in turn: one lies in L3, 64 do not.
LEVELS = {"L3": 1, "DRAM": 64}
SECONDS = 0.5


class Lacking(Exception):
    """This version of the runtime has no such operator."""


def pack(np, codes, bits):
    """Unsigned codes as the operator has them: [rows, blocks, bytes], the first code of a byte in its low bits."""
    each = 8 // bits
    grouped = codes.reshape(ROWS, COLS // BLOCK, BLOCK // each, each).astype(np.uint16)
    return sum(grouped[..., i] << (bits * i) for i in range(each)).astype(np.uint8)


def session(onnx, ort, np, bits, threads, count):
    """One graph of `count` products of one vector, each with a matrix of its own; and the weights of the first."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    middle = 1 << (bits - 1)
    nodes, constants, outputs, first = [], [], [], None
    scales = np.full((ROWS, COLS // BLOCK), 0.02, dtype=np.float32)
    constants.append(numpy_helper.from_array(scales.reshape(-1), "scales"))
    for i in range(count):
        codes = random.integers(0, 1 << bits, (ROWS, COLS), dtype=np.uint8)
        constants.append(numpy_helper.from_array(pack(np, codes, bits), f"w{i}"))
        if first is None:
            first = (codes.astype(np.float32) - middle) * np.float32(0.02)
        attributes = {"K": COLS, "N": ROWS, "bits": bits, "block_size": BLOCK, "accuracy_level": 4}
        nodes.append(helper.make_node("MatMulNBits", ["x", f"w{i}", "scales"], [f"y{i}"], domain="com.microsoft", **attributes))
        outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [1, ROWS]))
    graph = helper.make_graph(nodes, "products", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, COLS])], outputs, constants)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    try:
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]), first
    except Exception as reason:  # Its classes of exceptions are private.
        raise Lacking(reason) from reason


def measure(onnx, ort, np, name, level, threads):
    bits, tolerance = FORMS[name]
    count = LEVELS[level]
    made, weights = session(onnx, ort, np, bits, threads, count)
    x = np.random.default_rng(2).standard_normal((1, COLS)).astype(np.float32)
    names = [f"y{i}" for i in range(count)]
    found, expected = made.run(names, {"x": x})[0][0], weights @ x[0]
    error = float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    if not error < tolerance:
        raise RuntimeError(f"{name}: relative error {error:.3f} is more than {tolerance}; nothing was timed")
    samples, begin = [], time.perf_counter()
    while time.perf_counter() - begin < SECONDS or len(samples) < 7:
        start = time.perf_counter()
        made.run(names, {"x": x})
        samples.append((time.perf_counter() - start) / count)
    median = sorted(samples)[len(samples) // 2]
    return {"name": f"ONNX Runtime {name}", "level": level, "threads": threads, "gmac_per_s": ROWS * COLS / median / 1e9, "error": error}


def main():
    try:
        import numpy as np
        import onnx
        import onnxruntime as ort
    except ImportError as reason:
        print(f"SKIP ONNX Runtime: {reason}; pip install -r bench/peers/requirements-onnx.txt", file=sys.stderr)
        print(json.dumps({"peers": []}))
        return
    peers = []
    for name in FORMS:
        for level in LEVELS:
            for threads in (1, 2):
                try:
                    peers.append(measure(onnx, ort, np, name, level, threads))
                except Lacking as reason:
                    print(f"SKIP ONNX Runtime {name} in {level}: {reason}", file=sys.stderr)
                    continue
                print(f"{peers[-1]}", file=sys.stderr)
    print(json.dumps({"peers": peers}, indent=1))


if __name__ == "__main__":
    main()
