"""What the wheel promises, tried in the environment that it was installed into: check.py NDA ROOT.

Weights are read by another reader too (thirty lines of Python), products are multiplied by NumPy in 64 bits, and texts are compared with
what the command says."""

import gc
import itertools
import json
import pathlib
import pickle
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib

import nda
import numpy as np

NDA, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
TINY = ROOT / "models/tiny.ndf"
random = np.random.default_rng(1)


def vectors(cols: int) -> "list[np.ndarray]":
    fills = [np.full(cols, value, np.int8) for value in (-128, -1, 0, 127)]
    return fills + [random.integers(-128, 128, cols, np.int8) for _ in range(3)]


def golden(matrix: nda.Matrix, x: np.ndarray) -> np.ndarray:
    return x.astype(np.int64) @ matrix.codes().astype(np.int64).T


def weights_are_those_that_another_reader_finds() -> None:
    document = nda.Document(TINY)
    reader = ROOT / "host/ndf/examples/thirty_lines.py"
    lines = subprocess.run([sys.executable, reader, TINY], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {name: sums for name, *sums in map(str.split, lines)}
    assert set(found) == set(document.matrices + document.vectors) and len(found) > 30
    for name in document.matrices:
        matrix = document.matrix(name)
        floats = matrix.floats()
        assert [str(n) for n in matrix.shape] + [str(zlib.crc32(row.tobytes())) for row in floats] == found[name], name
        assert matrix.stacks == 1 and np.array_equal(floats, matrix.codes() * matrix.scales.reshape(-1, 1))
    for name in document.vectors:
        rows = np.atleast_2d(document.vector(name))
        assert [str(n) for n in rows.shape] + [str(zlib.crc32(row.tobytes())) for row in rows] == found[name], name
    info = json.loads(subprocess.run([NDA, "info", TINY, "--json"], check=True, capture_output=True, text=True).stdout)
    assert document.hash == info["hash"] and document.metadata["d_model"] == str(document.matrix("blk.0.q").shape[1])


def products_are_exact_on_every_device() -> None:
    document = nda.Document(TINY)
    for name in document.matrices:
        matrix = document.matrix(name)
        for x in vectors(matrix.shape[1]):
            assert np.array_equal(matrix.gemv(x), golden(matrix, x)), name
    x = random.integers(-2, 2, (5, 128), np.int8)
    for device in map(nda.Device, ("cpu:portable", "loopback:nano16", "sim")):
        for name in ("blk.0.q", "blk.1.down", "blk.0.gate"):
            matrix = document.matrix(name)
            for x in vectors(matrix.shape[1])[::3] + [random.integers(-8, 8, (3, matrix.shape[1]), np.int8)]:
                y = matrix.gemv(x, device=device)
                assert y.dtype == np.int32 and np.array_equal(y, golden(matrix, x)), (device, name)
                if x.max() < 8 and x.min() >= -8:
                    assert np.array_equal(matrix.gemv(x, device=device, activation="A4"), y)


def a_board_on_a_serial_port_gives_the_same_integers() -> None:
    board = subprocess.Popen([NDA, "board", "loopback", "--pty", "--config", "nano16"], stdout=subprocess.PIPE, text=True)
    try:
        assert board.stdout is not None
        port = next(word for line in board.stdout for word in line.split() if word.startswith("/dev/"))
        matrix = nda.Document(TINY).matrix("blk.0.k")
        with_port = nda.Device(f"serial:{port}")
        x = vectors(matrix.shape[1])[-1]
        assert np.array_equal(matrix.gemv(x, device=with_port), golden(matrix, x))
        with_port.close()
    finally:
        board.terminate()
        board.wait()


def arrays_are_used_where_they_lie() -> None:
    matrix = nda.Document(TINY).matrix("blk.0.q")
    rows, cols = matrix.shape
    x = random.integers(-128, 128, (4096, cols), np.int8)
    out = np.empty((4096, rows), np.int32)
    matrix.gemv(x, out=out)
    tracemalloc.start()
    assert matrix.gemv(x, out=out) is out
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(out, golden(matrix, x)) and peak < x.nbytes / 8, peak
    assert matrix.gemv(x[:0]).shape == (0, rows)


def said(*arguments: object) -> "tuple[str, list[int]]":
    line = [NDA, "run", TINY, "--json", *map(str, arguments)]
    answer = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    return answer["text"], answer["tokens"]


def texts_are_the_commands() -> None:
    document = nda.Document(TINY)
    for device in ("cpu", "loopback:nano16", "sim"):
        model = nda.Model(document, device)
        count = 300 if device == "cpu" else 8
        found = model.generate("She ", count)
        assert (found.text, found.tokens) == said("--prompt", "She ", "--backend", device, "--max-tokens", count)
        assert len(found.tokens) == count and (found.device_products > 0 or found.cycles > 0 or device == "cpu")
        drawn = model.generate("She ", 8, temperature=0.8, top_k=20, top_p=0.9, seed=7)
        options = ("--temperature", 0.8, "--top-k", 20, "--top-p", 0.9, "--seed", 7)
        assert (drawn.text, drawn.tokens) == said("--prompt", "She ", "--backend", device, "--max-tokens", 8, *options)
    whole = nda.Model(document, offload="token").generate("The rain ", 40)
    assert (whole.text, whole.tokens) == said("--prompt", "The rain ", "--offload", "token", "--max-tokens", 40)
    assert nda.Model(TINY, nda.Device("sim")).generate("The rain ", 12).tokens == whole.tokens[:12]


def logits_choose_the_tokens() -> None:
    for offload in ("gemv", "token"):
        model = nda.Model(TINY, offload=offload)
        prompt = model.encode("Once upon")
        logits = model.logits(prompt)
        assert logits.shape == (len(prompt), model.vocab_size) and logits.dtype == np.float32
        assert int(logits[-1].argmax()) == model.generate("Once upon", 1).tokens[0]
        assert model.decode(prompt) == "Once upon"


def other_threads_go_on() -> None:
    matrix = nda.Document(TINY).matrix("blk.0.gate")
    x = random.integers(-128, 128, (4_000, matrix.shape[1]), np.int8)
    out = np.empty((len(x), matrix.shape[0]), np.int32)
    took, begun = [], threading.Event()

    def work() -> None:
        device = nda.Device("cpu:portable")
        begun.set()
        start = time.perf_counter()
        matrix.gemv(x, out=out, device=device)
        took.append(time.perf_counter() - start)

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    longest, last = 0.0, time.perf_counter()
    while worker.is_alive():
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    worker.join()
    assert longest < took[0] / 2, f"a call of {took[0]:.3f} s stopped the other thread for {longest:.3f} s"


def threads_take_turns_and_weights_outlive_their_document() -> None:
    device = nda.Device("loopback:nano16")
    matrices = [nda.Document(TINY).matrix(name) for name in ("blk.0.q", "blk.1.q", "blk.0.q")]
    gc.collect()
    x = vectors(128)[-1]
    expected, found = [golden(matrix, x) for matrix in matrices], [[] for _ in matrices]
    turns = lambda k: [found[k].append(matrices[k].gemv(x, device=device)) for _ in range(5)]
    workers = [threading.Thread(target=turns, args=(k,)) for k in range(3)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    assert all(np.array_equal(y, wanted) for wanted, ys in zip(expected, found) for y in ys) and min(map(len, found)) == 5
    # A model takes the same device, and gives it back.
    text = nda.Model(TINY, device).generate("She ", 3).text
    assert text == nda.Model(TINY, device).generate("She ", 3).text
    assert np.array_equal(matrices[0].gemv(x, device=device), expected[0])


def fails(kind: type, words: str, call) -> None:  # type: ignore[no-untyped-def]
    try:
        call()
    except nda.Error as error:
        assert type(error) is kind and words in error.what, (type(error), error.what)
        assert str(error) == f"{error.what}\n  at: {error.at}\n  help: {error.help}" and error.at and error.help
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
        return
    raise AssertionError(f"{words}: nothing was raised")


def what_goes_wrong_is_said_with_the_next_step() -> None:
    document = nda.Document(TINY)
    matrix, model = document.matrix("blk.0.q"), nda.Model(document)
    x = np.zeros(128, np.int8)
    fails(nda.DocumentError, "No such file", lambda: nda.Document("gone.ndf"))
    fails(nda.DocumentError, "not an .ndf document", lambda: nda.Document(__file__))
    fails(nda.ArgumentError, "no matrix 'blk.9.q'", lambda: document.matrix("blk.9.q"))
    fails(nda.ArgumentError, "no vector 'blk.0.q'", lambda: document.vector("blk.0.q"))
    fails(nda.ArgumentError, "no stack 1", lambda: matrix.gemv(x, stack=1))
    fails(nda.ArgumentError, "stack cannot be -1", lambda: matrix.gemv(x, stack=-1))
    fails(nda.ArgumentError, "stack cannot be 18446744073709551616", lambda: matrix.codes(2**64))
    fails(nda.ArgumentError, "int8, got float64", lambda: matrix.gemv(x.astype(float)))  # type: ignore[arg-type]
    fails(nda.ArgumentError, "int8, got <class 'list'>", lambda: matrix.gemv([0] * 128))  # type: ignore[arg-type]
    fails(nda.ArgumentError, "one piece", lambda: matrix.gemv(np.zeros(256, np.int8)[::2]))
    fails(nda.ArgumentError, "one piece", lambda: matrix.gemv(np.zeros((128, 128), np.int8).T))
    fails(nda.ArgumentError, "does not fit", lambda: matrix.gemv(x[1:]))
    fails(nda.ArgumentError, "does not fit", lambda: matrix.gemv(x.reshape(1, 1, 128)))
    fails(nda.ArgumentError, "out has the shape", lambda: matrix.gemv(x, out=np.zeros(3, np.int32)))
    fails(nda.ArgumentError, "int32, got int64", lambda: matrix.gemv(x, out=np.zeros(128, np.int64)))  # type: ignore[arg-type]
    fails(nda.ArgumentError, "activation", lambda: matrix.gemv(x, activation="A9"))  # type: ignore[arg-type]
    fails(nda.ArgumentError, "is not an A2 activation", lambda: matrix.gemv(x + 5, activation="A2"))
    locked = np.zeros(128, np.int32)
    locked.flags.writeable = False
    fails(nda.ArgumentError, "", lambda: matrix.gemv(x, out=locked))
    fails(nda.ArgumentError, "gramophone", lambda: nda.Device("gramophone"))
    fails(nda.ArgumentError, "huge", lambda: nda.Device("sim:huge"))
    fails(nda.DeviceError, "/dev/gone", lambda: nda.Device("serial:/dev/gone"))
    fails(nda.ArgumentError, "'all'", lambda: nda.Model(document, offload="all"))  # type: ignore[arg-type]
    fails(nda.ArgumentError, "empty", lambda: model.generate(""))
    fails(nda.ArgumentError, "temperature", lambda: model.generate("a", temperature=float("nan")))
    fails(nda.ArgumentError, "more than 0 and at most 1", lambda: model.generate("a", top_p=1.5))
    fails(nda.ArgumentError, "nothing to draw", lambda: model.generate("a", top_k=0))
    fails(nda.ArgumentError, "max_tokens cannot be -1", lambda: model.generate("a", -1))
    fails(nda.ArgumentError, "max_tokens cannot be 1000", lambda: model.generate("a", 10**400))
    fails(nda.ArgumentError, "temperature cannot be 1000", lambda: model.generate("a", temperature=10**400))
    fails(nda.ArgumentError, "top_k cannot be -1", lambda: model.generate("a", top_k=-1))
    fails(nda.ArgumentError, "top_p cannot be 1000", lambda: model.generate("a", top_p=10**400))
    fails(nda.ArgumentError, "seed cannot be -1", lambda: model.generate("a", seed=-1))
    fails(nda.ArgumentError, "outside the context", lambda: model.generate("a" * 10_000))
    fails(nda.ArgumentError, "temperature alone", lambda: nda.Model(document, offload="token").generate("a", top_k=3))
    fails(nda.ArgumentError, "not in the vocabulary", lambda: model.logits([10**6]))
    fails(nda.ArgumentError, "not in the vocabulary", lambda: model.decode([10**6]))
    fails(nda.ArgumentError, "a token cannot be -1", lambda: model.logits([-1]))
    fails(nda.ArgumentError, "a token cannot be 4294967296", lambda: model.decode([2**32]))
    fails(nda.ArgumentError, "no tokens", lambda: model.logits([]))
    fails(nda.ArgumentError, "makes no whole tokens", lambda: nda.Model(document, "loopback:nano16", offload="token").generate("a", 1))
    fails(nda.ArgumentError, "in use", lambda: model.generate("a", 4, on_text=lambda _: model.generate("b")))
    # What a listener raises ends the text, and the model is good for the next one.
    pieces: "list[str]" = []

    def listen(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            raise KeyError("enough")

    try:
        model.generate("She ", 50, on_text=listen)
        raise AssertionError("the listener's exception was lost")
    except KeyError:
        assert len(pieces) == 3
    heard: "list[str]" = []
    assert model.generate("She ", 9, on_text=heard.append).text == "".join(heard)


def main() -> None:
    where = pathlib.Path(nda.__file__)
    assert where.is_relative_to(sys.prefix) and (where.parent / "py.typed").exists(), where
    claims = [value for name, value in globals().items() if callable(value) and getattr(value, "__annotations__", {}) == {"return": None}]
    for claim in itertools.takewhile(lambda claim: claim is not main, claims):
        start = time.perf_counter()
        claim()
        print(f"ok {claim.__name__.replace('_', ' ')} ({time.perf_counter() - start:.1f} s)", flush=True)


main()
