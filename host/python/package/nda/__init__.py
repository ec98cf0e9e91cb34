"""Documents, exact products and models of nda, with NumPy in and out.

    import nda, numpy

    document = nda.Document("models/tiny.ndf")
    matrix = document.matrix("blk.0.q")
    y = matrix.gemv(numpy.ones(matrix.shape[1], numpy.int8))             # int32, exact
    y = matrix.gemv(numpy.ones(matrix.shape[1], numpy.int8), device=nda.Device("sim"))
    print(nda.Model(document).generate("She ", 64).text)
"""

from ._errors import ArgumentError, DeviceError, DocumentError, Error, ModelError
from ._nda import Device, Document, Generation, Matrix, Model, __version__

__all__ = [
    "ArgumentError",
    "Device",
    "DeviceError",
    "Document",
    "DocumentError",
    "Error",
    "Generation",
    "Matrix",
    "Model",
    "ModelError",
    "__version__",
]
