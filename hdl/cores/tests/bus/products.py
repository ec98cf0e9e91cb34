"""What the tests of both buses share: matrices, vectors, how they are packed, and what must come out, in plain Python."""

import random

# Of each weight code: the planes' coefficients and the offset.
CODES = {"quaternary": ((3, 1), -2), "ternary": ((-1, 2), 0)}


class Product:
    """A matrix of random planes and a vector; rows and columns are filled up to whole groups and beats."""

    def __init__(self, seed, rows, cols, groups, beats, code, fill):
        self.code, self.array_rows, self.array_cols = code, rows, cols
        draw = random.Random(seed)
        self.groups, self.beats = groups, beats
        bit = {"random": lambda: draw.getrandbits(1), "zeros": lambda: 0, "ones": lambda: 1}[fill]
        self.planes = [[(bit(), bit()) for _ in range(beats * cols)] for _ in range(groups * rows)]
        value = {"random": lambda: draw.randrange(-128, 128), "zeros": lambda: -128, "ones": lambda: 127}[fill]
        self.x = [value() for _ in range(beats * cols)]

    def expected(self):
        (a, b), offset = CODES[self.code]
        weight = lambda planes: a * planes[0] + b * planes[1] + offset
        return [sum(weight(planes) * value for planes, value in zip(row, self.x)) for row in self.planes]

    def vector_bytes(self):
        return bytes(value & 255 for value in self.x)

    def weight_words(self):
        """Tile words, row group by row group: plane 0 of all rows, then plane 1."""
        words = []
        for group in range(self.groups):
            rows = self.planes[group * self.array_rows : (group + 1) * self.array_rows]
            for beat in range(self.beats):
                columns = range(beat * self.array_cols, (beat + 1) * self.array_cols)
                bits = [row[column][plane] for plane in (0, 1) for row in rows for column in columns]
                words.append(sum(bit << k for k, bit in enumerate(bits)))
        return words

    def weight_bytes(self):
        size = self.array_rows * self.array_cols // 4
        return b"".join(word.to_bytes(size, "little") for word in self.weight_words())


def cases(rows, cols):
    """Every code at both extremes and at random, for one result, for many, and for enough that weights must wait."""
    shapes = [(1, 1), (1, 5), (3, 1), (4, 3), (40, 1), (2, 256)]
    for number, (groups, beats) in enumerate(shapes):
        for code in CODES:
            for fill in ("random", "zeros", "ones") if beats < 256 else ("random", "ones"):
                yield Product(100 * number, rows, cols, groups, beats, code, fill)
