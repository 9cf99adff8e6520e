"""Every exception symgraph raises: what went wrong, the user's line, and the cure.

All of them derive from `SymgraphError`, and also from the built-in exception that a
NumPy or Theano user would catch (`TypeError`, `ValueError`, ...).
"""

from __future__ import annotations

import linecache
from types import TracebackType
from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """Where the user wrote something: a file, a line; the name scope and the device open there."""

    file: str
    line: int
    scope: str = ""
    device: str = ""

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        shown = f" `{text}`" if text else ""
        return f"{self.file}:{self.line}{shown}"


class SymgraphError(Exception):
    """Base of every error raised by symgraph.

    Errors of a call of a compiled function show the user's frames only; `whole_traceback` keeps
    all of them.
    """

    whole_traceback: TracebackType | None = None


class GraphTypeError(SymgraphError, TypeError):
    """An operand has a type (dtype, rank, kind of object) the operation cannot take."""


class AxisError(GraphTypeError, ValueError, IndexError):
    """A tensor does not have the axis that is named."""


class NotNumPyError(SymgraphError, TypeError):
    """A symbolic variable was used as if it were an array: `if x > 0`, `x[i] = v`, `list(x)`."""


class ShapeError(SymgraphError, ValueError):
    """Sizes that have to agree do not, when the graph is built or when it runs."""


class ParameterError(SymgraphError, ValueError):
    """A parameter of a random draw lies outside its domain, or a seed is none."""


class IndexRangeError(SymgraphError, IndexError):
    """An index lies outside the axis it indexes."""


class MatrixError(SymgraphError, np.linalg.LinAlgError):
    """A matrix has not got what a factorisation needs: it is singular, or not positive definite."""


class InputError(SymgraphError, TypeError):
    """A compiled function was called with arguments that do not fit its inputs."""


class InputTypeError(InputError):
    """A value passed for an input has the wrong dtype or rank."""


class InputShapeError(InputError, ValueError):
    """A value passed for an input has a size its declaration forbids."""


class MissingArgumentError(InputError):
    """A compiled function was called without a value for one of its inputs."""


class SurplusArgumentError(InputError):
    """A compiled function was called with more arguments, or other names, than it has inputs."""


class MemoryLimitError(SymgraphError, MemoryError):
    """A call would take more memory than the function may, however much is computed twice."""


class MissingInputError(SymgraphError, ValueError):
    """An output depends on a variable that is neither an input, shared nor constant."""


class UnusedInputError(SymgraphError, ValueError):
    """An input of `function` is not used by any output."""


class UpdateError(SymgraphError, TypeError):
    """An update names something that is not a shared variable, or has the wrong type."""


class DuplicateUpdateError(UpdateError, ValueError):
    """Two updates of one shared variable."""


class GradientError(SymgraphError):
    """Base of the errors of `grad`."""


class DisconnectedInputError(GradientError, ValueError):
    """A gradient was asked for with respect to a variable the cost does not depend on."""


class NullTypeGradError(GradientError, TypeError, AttributeError):
    """A gradient was asked for through an op that has none there.

    An AttributeError too: that is how programs ask whether an op has a method `grad`.
    """


class UnknownVariableError(GradientError, TypeError):
    """`wrt` holds something that is not a variable of a graph."""


class NonScalarCostError(GradientError, TypeError):
    """The cost of `grad` is not a scalar."""


class CheckError(SymgraphError, AssertionError):
    """A condition that the user asserted does not hold."""


class NanError(SymgraphError, FloatingPointError):
    """A NaN or infinity appeared where the user asked to watch for it."""


class RewriteError(SymgraphError):
    """A rewrite rule broke the graph, or did not settle within its budget."""


class VerifyError(SymgraphError, AssertionError):
    """A stage of the compiler changed the result, or broke a rule of its own language."""


class DeviceError(SymgraphError, RuntimeError):
    """Base of the errors of devices: a GPU is asked for, and cannot be used."""


class UnknownDeviceError(DeviceError, ValueError):
    """A name that no device has, or the number of a GPU beyond those that are there."""


class NoDeviceError(DeviceError):
    """A GPU is asked for on a machine without one, or without NVIDIA's driver."""


class MissingExtraError(DeviceError, ImportError):
    """A GPU is asked for, but the packages that symgraph needs for it are not installed."""


class OldDriverError(DeviceError):
    """NVIDIA's driver is older than the CUDA version of the packages installed."""


class DeviceMemoryError(DeviceError, MemoryError):
    """A device has not enough memory; the message lists the largest buffers in use."""


class DeviceMismatchError(InputError):
    """An array lies on another device than the one that is to compute with it."""


class ConfigError(SymgraphError, ValueError):
    """A flag that does not exist, or a value it cannot take."""


class ReplacedNameError(SymgraphError, NotImplementedError):
    """A name of Theano's internals was used that has no meaning here; the message says what has."""


class CacheError(SymgraphError, OSError):
    """The folder of compiled code cannot be trusted or used."""


class ExportError(SymgraphError, ValueError):
    """A graph cannot be written in the format asked for."""
