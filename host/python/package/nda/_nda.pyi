"""Types of the compiled module; its objects are found in `nda`."""

import os
from collections.abc import Callable, Sequence
from typing import Literal, Optional, Union, final

import numpy as np
import numpy.typing as npt

__all__ = ["Device", "Document", "Matrix", "Generation", "Model", "__version__"]

__version__: str

@final
class Document:
    """A document: an .ndf file, mapped and checked to its last byte."""

    def __new__(cls, path: Union[str, os.PathLike[str]]) -> Document: ...
    @property
    def path(self) -> str:
        """Where it came from."""
    @property
    def hash(self) -> str:
        """The hash that covers every byte of it, in hexadecimal digits."""
    @property
    def metadata(self) -> dict[str, str]:
        """Texts by key."""
    @property
    def program(self) -> Optional[str]:
        """The program's source, if there is one."""
    @property
    def matrices(self) -> list[str]:
        """Names of all matrices."""
    @property
    def grids(self) -> list[str]:
        """Names of all group-quantized matrices."""
    @property
    def vectors(self) -> list[str]:
        """Names of all vectors and tables."""
    def matrix(self, name: str) -> Matrix:
        """A matrix by its name."""
    def vector(self, name: str) -> npt.NDArray[np.float32]:
        """The floats of a vector or table, as an array of one or two dimensions."""

@final
class Matrix:
    """A matrix of a document: stacked bit planes with scales."""

    @property
    def name(self) -> str:
        """Its name."""
    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
    @property
    def code(self) -> str:
        """The name of the code of its weights."""
    @property
    def stacks(self) -> int:
        """How many stacks of integers are added up, each with scales of its own."""
    @property
    def scales(self) -> npt.NDArray[np.float32]:
        """The scales, a row per stack."""
    def codes(self, stack: int = 0) -> npt.NDArray[np.int8]:
        """The integers of a stack."""
    def floats(self) -> npt.NDArray[np.float32]:
        """The whole matrix as floats: all stacks with their scales, and the outliers."""
    def gemv(
        self,
        x: npt.NDArray[np.int8],
        *,
        stack: int = 0,
        device: Optional[Device] = None,
        activation: Literal["A8", "A4", "A2"] = "A8",
        out: Optional[npt.NDArray[np.int32]] = None,
    ) -> npt.NDArray[np.int32]:
        """The exact product of a stack's integers with a vector, or with every row of x.

        Neither array is copied: x is read and the result is written where they lie. Scales are not applied."""

@final
class Device:
    """A back end: this machine's processor ('cpu'), a simulated board ('sim'), a board on a serial port ('serial:/dev/ttyUSB0').

    It has the weights of one document or model at a time: whoever comes next finds it empty. Threads wait for one another."""

    def __new__(cls, name: str = "cpu") -> Device: ...
    @property
    def name(self) -> str:
        """Its name in full."""
    def close(self) -> None:
        """Gives back port, threads and memory; the next use opens it again."""

@final
class Model:
    """A document's model on a device.

    offload says what a device does of it: 'gemv' is products alone, 'token' whole tokens; None is whole tokens where the device
    has a machine for them, and products elsewhere."""

    def __new__(
        cls,
        document: Union[Document, str, os.PathLike[str]],
        device: Optional[Union[Device, str]] = None,
        *,
        offload: Optional[Literal["gemv", "token"]] = None,
    ) -> Model: ...
    @property
    def device(self) -> Device:
        """Who multiplies."""
    @property
    def vocab_size(self) -> int:
        """Tokens that the model knows."""
    @property
    def context(self) -> int:
        """Positions that a text may have."""
    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; bytes that are no UTF-8 become U+FFFD."""
    def generate(
        self,
        prompt: str,
        max_tokens: int = 128,
        *,
        temperature: float = 0.0,
        top_k: Optional[int] = None,
        top_p: Optional[float] = None,
        seed: int = 0,
        on_text: Optional[Callable[[str], object]] = None,
    ) -> Generation:
        """Continues a prompt. on_text is called with each piece as it comes; what it raises ends the text."""
    def logits(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """The logits of what follows every one of some tokens, a row per token."""

@final
class Generation:
    """A text that a model has made."""

    @property
    def text(self) -> str:
        """The text after the prompt."""
    @property
    def tokens(self) -> list[int]:
        """Its tokens."""
    @property
    def slides(self) -> int:
        """How often the context was full, and its newer half was taken again."""
    @property
    def seconds(self) -> float:
        """How long prompt and text took together."""
    @property
    def device_products(self) -> int:
        """Products that a board or a GPU multiplied."""
    @property
    def cpu_products(self) -> int:
        """Products that this machine's processor multiplied."""
    @property
    def cycles(self) -> int:
        """Cycles of the device, link included; 0 where nobody counts."""
