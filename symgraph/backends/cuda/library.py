"""Library calls: what on a device does the work of each routine: its libraries, or kernels of ours.

`ROUTINES` is the one place that says it, by class of op; what is not there is computed by the
CPU's routine (`coverage.py`). A function takes the device's libraries, the op and its inputs, and
gives the outputs, of which one at least has elements. It is written once, for CuPy on a card and
for NumPy where devices are simulated.

A function that cannot go on raises `LinAlgError`. Then the CPU's routine does it again, whose
report names the matrix that failed and why: so errors are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, log2, prod
from typing import Any, ClassVar

import numpy as np

from symgraph.backends.cuda.convolution import by_filters, by_images, convolve
from symgraph.backends.cuda.device import Device
from symgraph.backends.cuda.solvers import Tools
from symgraph.dataclass import dataclass
from symgraph.graph import Op
from symgraph.ops.convolution import Conv, ConvInputs, ConvWeights
from symgraph.ops.exponential import TERMS, Expm
from symgraph.ops.fourier import Fourier, RealFourier, RealInverse
from symgraph.ops.linalg import BatchedDot
from symgraph.ops.orthogonal import Qr
from symgraph.ops.search import SearchSorted
from symgraph.ops.solve import Det, LUFactor, LUSolve, SlogDet
from symgraph.ops.spectral import Eig, Eigh, Eigvalsh, SingularValues, Svd
from symgraph.ops.triangular import Cholesky, SolveTriangular

Outputs = tuple[Any, ...]


@dataclass(frozen=True)
class DeviceRoutine:
    """What does a routine's work on a device.

    Attributes
    ----------
    work
        A function of `Tools`, the op and its inputs that gives its outputs.
    library
        Whose routine it is on a card.
    fails
        Whether it may raise `LinAlgError`, and therefore waits for the device.
    recorded
        Whether calls of it can be recorded in a CUDA graph.
    sized
        Whether `work` is given the sizes of its first output, behind the op.
    """

    work: Callable[..., Outputs]
    library: str
    fails: bool = False
    recorded: bool = False
    sized: bool = False


@dataclass(frozen=True)
class Filling:
    """What fills its output itself: `launch` takes device, op, output, inputs."""

    launch: Callable[..., None]
    library: str = "a kernel of ours"
    fails: ClassVar[bool] = False
    recorded: ClassVar[bool] = True


def device_routine(op: Op) -> DeviceRoutine | Filling | None:
    """What does an op's work on a device, if there is something."""
    return ROUTINES.get(type(op))


# --- products ------------------------------------------------------------------------------------


def batched_dot(device: Device, op: BatchedDot, out: Any, a: Any, b: Any) -> None:
    """The products of all pairs; a batch of one matrix is not repeated in memory."""
    if any(prod(x.shape[:-2]) not in (1, prod(out.shape[:-2])) for x in (a, b)):
        a, b = for_each_pair(device.tools, a, b)
    if out.size:
        left, right, whole = (x.reshape(prod(x.shape[:-2]), *x.shape[-2:]) for x in (a, b, out))
        device.tools.products.multiply(left, right, whole, op.trans_a, op.trans_b)


# --- factors -------------------------------------------------------------------------------------


def cholesky(tools: Tools, op: Cholesky, a: Any) -> Outputs:
    """Of lower triangles."""
    return (tools.xp.linalg.cholesky(a),)


def solve_triangular(tools: Tools, op: SolveTriangular, a: Any, b: Any) -> Outputs:
    """Matrices for each right side."""
    if not op.unit:
        refuse_zeros(tools, a)
    a, b = for_each_pair(tools, a, b)
    return (tools.solvers.solve_triangular(a, b, op.lower, op.mode, op.unit),)


def lu_factor(tools: Tools, op: LUFactor, a: Any) -> Outputs:
    """Both factors, and exchanges counted from 0."""
    return tools.solvers.lu_factor(a)


def lu_solve(tools: Tools, op: LUSolve, lu: Any, pivots: Any, b: Any) -> Outputs:
    """From the factors of each matrix, for each right side."""
    refuse_zeros(tools, lu)
    rows = pivots[..., None]
    (lu, b), (rows, _) = for_each_pair(tools, lu, b), for_each_pair(tools, rows, b)
    return (tools.solvers.lu_solve(lu, rows[..., 0], b, op.mode),)


def refuse_zeros(tools: Tools, a: Any) -> None:
    """Triangular matrices with a zero on the diagonal are singular."""
    if bool((tools.xp.diagonal(a, axis1=-2, axis2=-1) == 0).any()):
        raise np.linalg.LinAlgError("a zero on the diagonal")


def for_each_pair(tools: Tools, a: Any, b: Any) -> tuple[Any, Any]:
    """Two batches of matrices with those of leading axes of size 1 repeated."""
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    wide = (tools.xp.broadcast_to(x, (*leading, *x.shape[-2:])) for x in (a, b))
    first, second = map(tools.xp.ascontiguousarray, wide)
    return first, second


def determinant(tools: Tools, op: Det, lu: Any, pivots: Any) -> Outputs:
    """The product of a diagonal, with the sign of the exchanges."""
    factors = tools.xp.diagonal(lu, axis1=-2, axis2=-1)
    return (factors.prod(axis=-1) * parity(tools, pivots, lu.dtype),)


def sign_and_logarithm(tools: Tools, op: SlogDet, lu: Any, pivots: Any) -> Outputs:
    """The sign of a determinant and the logarithm of its size."""
    factors = tools.xp.diagonal(lu, axis1=-2, axis2=-1)
    sizes = abs(factors)
    signs = factors / tools.xp.where(sizes == 0, 1, sizes).astype(sizes.dtype)
    return (
        signs.prod(axis=-1) * parity(tools, pivots, lu.dtype),
        tools.xp.log(sizes).sum(axis=-1),
    )


def parity(tools: Tools, pivots: Any, dtype: Any) -> Any:
    """1 for an even number of exchanges, -1 for an odd one."""
    exchanged = pivots != tools.xp.arange(pivots.shape[-1])
    return (1 - 2 * (exchanged.sum(axis=-1) % 2)).astype(dtype)


# --- spectra -------------------------------------------------------------------------------------


def eigh(tools: Tools, op: Eigh, a: Any) -> Outputs:
    """Of the transpose, which is how the CPU's routine calls LAPACK."""
    w, v = tools.xp.linalg.eigh(a.swapaxes(-1, -2), UPLO="U" if op.lower else "L")
    return w, v.conj()


def eigvalsh(tools: Tools, op: Eigvalsh, a: Any) -> Outputs:
    """Of one triangle."""
    return (tools.xp.linalg.eigvalsh(a, UPLO="L" if op.lower else "U"),)


def eig(tools: Tools, op: Eig, a: Any) -> Outputs:
    """Of complex matrices."""
    w, v = tools.xp.linalg.eig(a)
    return w, v


def svd(tools: Tools, op: Svd, a: Any) -> Outputs:
    """Of the transpose, which is how the CPU's routine calls LAPACK."""
    v, s, u = tools.xp.linalg.svd(a.swapaxes(-1, -2), full_matrices=op.full)
    return u.swapaxes(-1, -2), s, v.swapaxes(-1, -2)


def singular_values(tools: Tools, op: SingularValues, a: Any) -> Outputs:
    """Without vectors."""
    return (tools.xp.linalg.svd(a, compute_uv=False),)


def qr(tools: Tools, op: Qr, a: Any) -> Outputs:
    """Of matrices of any form."""
    q, r = tools.xp.linalg.qr(a, "complete" if op.complete else "reduced")
    return q, r


def expm(tools: Tools, op: Expm, a: Any) -> Outputs:
    """Taylor's series of matrices halved until they are small, squared as often."""
    xp = tools.xp
    largest = float(abs(a).sum(axis=-2).max()) if a.size else 0.0
    halvings = ceil(log2(largest)) + 1 if 0.5 < largest < np.inf else 0
    small = a / 2.0**halvings
    term = total = xp.broadcast_to(xp.eye(a.shape[-1], dtype=a.dtype), a.shape)
    for k in range(1, TERMS):
        term = xp.matmul(term, small) / k
        total = total + term
    for _ in range(halvings):
        total = xp.matmul(total, total)
    return (total,)


# --- Fourier transforms --------------------------------------------------------------------------


def fourier(tools: Tools, op: Fourier, x: Any) -> Outputs:
    """Both ways, not scaled."""
    if op.inverse:
        return (tools.fft.ifftn(x, axes=op.axes, norm="forward"),)
    return (tools.fft.fftn(x, axes=op.axes),)


def real_fourier(tools: Tools, op: RealFourier, shape: Sequence[int], x: Any) -> Outputs:
    """Of real numbers; half of a spectrum."""
    if not x.size:
        return (tools.xp.zeros(shape, np.result_type(x.dtype, np.complex64)),)
    return (tools.fft.rfft(x, axis=op.axis),)


def real_inverse(tools: Tools, op: RealInverse, shape: Sequence[int], x: Any) -> Outputs:
    """The way back, not scaled."""
    return (tools.fft.irfft(x, shape[op.axis], op.axis, norm="forward"),)


# --- places --------------------------------------------------------------------------------------


def search_sorted(tools: Tools, op: SearchSorted, ordered: Any, values: Any) -> Outputs:
    """By bisection."""
    return (tools.xp.searchsorted(ordered, values, "right" if op.right else "left"),)


ROUTINES: dict[type[Op], DeviceRoutine | Filling] = {
    Conv: Filling(convolve),
    ConvInputs: Filling(by_images),
    ConvWeights: Filling(by_filters),
    BatchedDot: Filling(batched_dot, "cuBLAS"),
    Cholesky: DeviceRoutine(cholesky, "cuSOLVER", fails=True),
    SolveTriangular: DeviceRoutine(solve_triangular, "cuBLAS", fails=True),
    LUFactor: DeviceRoutine(lu_factor, "cuSOLVER"),
    LUSolve: DeviceRoutine(lu_solve, "cuSOLVER", fails=True),
    Det: DeviceRoutine(determinant, "CuPy"),
    SlogDet: DeviceRoutine(sign_and_logarithm, "CuPy"),
    Eigh: DeviceRoutine(eigh, "cuSOLVER", fails=True),
    Eigvalsh: DeviceRoutine(eigvalsh, "cuSOLVER", fails=True),
    Eig: DeviceRoutine(eig, "cuSOLVER", fails=True),
    Svd: DeviceRoutine(svd, "cuSOLVER", fails=True),
    SingularValues: DeviceRoutine(singular_values, "cuSOLVER", fails=True),
    Qr: DeviceRoutine(qr, "cuSOLVER"),
    Expm: DeviceRoutine(expm, "cuBLAS"),
    Fourier: DeviceRoutine(fourier, "cuFFT"),
    RealFourier: DeviceRoutine(real_fourier, "cuFFT", sized=True),
    RealInverse: DeviceRoutine(real_inverse, "cuFFT", sized=True),
    SearchSorted: DeviceRoutine(search_sorted, "CuPy", recorded=True),
}
