#!/usr/bin/env python3
"""llama.cpp's product of a 4096 x 4096 matrix by one vector, as a record that `nda bench --peers` takes.

Uses the ggml libraries that the package llama-cpp-python brings (requirements.txt beside this file) through ctypes.
Every form is checked first: the product of its quantized weights must be near that of the floats they come from.
Says SKIP and exits with 0 where the package is not there.
"""

import ctypes
import json
import pathlib
import sys
import time

ROWS = COLS = 4096
# Numbers of ggml's enum ggml_type, and the largest error against floats that the form's own precision explains.
FORMS = {"Q2_K": (10, 0.6), "TQ2_0": (35, 1e-2), "Q4_K": (12, 0.2)}
# Matrices in turn: one lies in L3, 64 do not.
LEVELS = {"L3": 1, "DRAM": 64}
SECONDS = 0.5


def libraries():
    import importlib.util

    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("llama-cpp-python is not installed")
    folder = pathlib.Path(list(spec.submodule_search_locations)[0]) / "lib"
    base = ctypes.CDLL(str(folder / "libggml-base.so"), mode=ctypes.RTLD_GLOBAL)
    cpu = ctypes.CDLL(str(folder / "libggml-cpu.so"), mode=ctypes.RTLD_GLOBAL)
    return base, cpu


class InitParams(ctypes.Structure):
    _fields_ = [("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


class Plan(ctypes.Structure):
    """ggml_cplan; room is left for fields that later versions add."""

    _fields_ = [
        ("work_size", ctypes.c_size_t),
        ("work_data", ctypes.c_void_p),
        ("n_threads", ctypes.c_int),
        ("threadpool", ctypes.c_void_p),
        ("abort_callback", ctypes.c_void_p),
        ("abort_data", ctypes.c_void_p),
        ("room", ctypes.c_uint8 * 64),
    ]


def declare(base, cpu):
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    base.ggml_init.argtypes, base.ggml_init.restype = [InitParams], pointer
    base.ggml_new_tensor_2d.argtypes, base.ggml_new_tensor_2d.restype = [pointer, number, ctypes.c_int64, ctypes.c_int64], pointer
    base.ggml_mul_mat.argtypes, base.ggml_mul_mat.restype = [pointer, pointer, pointer], pointer
    base.ggml_new_graph.argtypes, base.ggml_new_graph.restype = [pointer], pointer
    base.ggml_build_forward_expand.argtypes, base.ggml_build_forward_expand.restype = [pointer, pointer], None
    base.ggml_get_data.argtypes, base.ggml_get_data.restype = [pointer], pointer
    base.ggml_nbytes.argtypes, base.ggml_nbytes.restype = [pointer], size
    base.ggml_free.argtypes, base.ggml_free.restype = [pointer], None
    base.ggml_quantize_chunk.argtypes = [number, pointer, pointer, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, pointer]
    base.ggml_quantize_chunk.restype = size
    cpu.ggml_graph_plan.argtypes, cpu.ggml_graph_plan.restype = [pointer, number, pointer], Plan
    cpu.ggml_graph_compute.argtypes, cpu.ggml_graph_compute.restype = [pointer, ctypes.POINTER(Plan)], number
    cpu.ggml_cpu_init.argtypes, cpu.ggml_cpu_init.restype = [], None


def measure(base, cpu, np, name, level, threads):
    kind, tolerance = FORMS[name]
    count = LEVELS[level]
    random = np.random.default_rng(1)
    # Ternary weights times a scale: every form here can hold them.
    weights = (random.integers(-1, 2, (ROWS, COLS)) * 0.02).astype(np.float32)
    x = random.standard_normal(COLS).astype(np.float32)
    context = base.ggml_init(InitParams(count * (ROWS * COLS + (1 << 20)) + (16 << 20), None, False))
    graphs, first = [], None
    for _ in range(count):
        w = base.ggml_new_tensor_2d(context, kind, COLS, ROWS)
        if first is None:
            # Some forms refuse to be made without hints of importance; equal ones say nothing.
            hints = np.ones(COLS, dtype=np.float32)
            base.ggml_quantize_chunk(kind, weights.ctypes.data, base.ggml_get_data(w), 0, ROWS, COLS, hints.ctypes.data)
            first = w
        else:
            ctypes.memmove(base.ggml_get_data(w), base.ggml_get_data(first), base.ggml_nbytes(w))
        v = base.ggml_new_tensor_2d(context, 0, COLS, 1)
        ctypes.memmove(base.ggml_get_data(v), x.ctypes.data, x.nbytes)
        y = base.ggml_mul_mat(context, w, v)
        graph = base.ggml_new_graph(context)
        base.ggml_build_forward_expand(graph, y)
        graphs.append((graph, y))

    plan = cpu.ggml_graph_plan(graphs[0][0], threads, None)
    work = ctypes.create_string_buffer(plan.work_size + 64)
    plan.work_data = ctypes.addressof(work)

    def run(graph):
        if cpu.ggml_graph_compute(graph, ctypes.byref(plan)) != 0:
            raise RuntimeError(f"{name}: ggml refused the product")

    run(graphs[0][0])
    found = np.ctypeslib.as_array(ctypes.cast(base.ggml_get_data(graphs[0][1]), ctypes.POINTER(ctypes.c_float)), (ROWS,)).copy()
    expected = weights @ x
    error = float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    if not error < tolerance:
        raise RuntimeError(f"{name}: relative error {error:.3f} is more than {tolerance}; nothing was timed")
    samples, turn, begin = [], 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS or len(samples) < 7:
        start = time.perf_counter()
        run(graphs[turn % count][0])
        samples.append(time.perf_counter() - start)
        turn += 1
    base.ggml_free(context)
    median = sorted(samples)[len(samples) // 2]
    return {"name": f"llama.cpp {name}", "level": level, "threads": threads, "gmac_per_s": ROWS * COLS / median / 1e9, "error": error}


def main():
    try:
        import numpy as np

        base, cpu = libraries()
    except (ImportError, OSError) as reason:
        print(f"SKIP llama.cpp: {reason}; pip install -r bench/peers/requirements.txt", file=sys.stderr)
        print(json.dumps({"peers": []}))
        return
    declare(base, cpu)
    cpu.ggml_cpu_init()
    peers = []
    for name in FORMS:
        for level in LEVELS:
            for threads in (1, 2):
                peers.append(measure(base, cpu, np, name, level, threads))
                print(f"{peers[-1]}", file=sys.stderr)
    print(json.dumps({"peers": peers}, indent=1))


if __name__ == "__main__":
    main()
