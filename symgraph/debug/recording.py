"""`record`: the last calls of a function kept, and written to a file when one fails."""

from __future__ import annotations

import pickle
from collections import deque
from copy import deepcopy
from pathlib import Path
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import ConfigError
from symgraph.function import Function
from symgraph.mode import Mode, get_mode


@dataclass(frozen=True)
class Call:
    """One call: its arguments, and what the shared variables held before it.

    Random streams keep their state in shared variables, so a replay draws the same numbers.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shared: tuple[Any, ...]


class Recorder:
    """Calls a function and keeps the last calls; see `record`.

    Attributes
    ----------
    calls
        The last calls, the latest at the end.
    """

    def __init__(self, function: Function, count: int, path: Path) -> None:
        self.function, self.path = function, path
        self.calls: deque[Call] = deque(maxlen=count)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's results; an error carries a note where its replay file is."""
        stored = tuple(deepcopy(s.container.value) for s in self.function.get_shared())
        self.calls.append(Call(deepcopy(args), deepcopy(kwargs), stored))
        try:
            return self.function(*args, **kwargs)
        except Exception as error:
            self.save(self.path)
            error.add_note(f"symgraph.replay({str(self.path)!r}) does the last calls again")
            raise

    def save(self, path: str | Path) -> None:
        """Write the function and its last calls to a file that `replay` reads."""
        Path(path).write_bytes(pickle.dumps((self.function, list(self.calls))))


def record(
    function: Function, n: int = 10, path: str | Path = "symgraph-replay.pickle"
) -> Recorder:
    """Keep the last `n` calls of a function: arguments, shared values, states of random streams.

    Parameters
    ----------
    function
        A compiled function. Call what `record` returns in its place.
    n
        How many calls are kept.
    path
        Where they are written when a call fails; `Recorder.save` writes them at any time.

    Raises
    ------
    ConfigError
        `n` is below 1.

    >>> import symgraph.tensor as T
    >>> from symgraph.function import function
    >>> x = T.dscalar("x")
    >>> f = record(function([x], x * 2, mode="interpret"), n=2)
    >>> [f(value).item() for value in (1.0, 2.0, 3.0)]
    [2.0, 4.0, 6.0]
    >>> [call.args for call in f.calls]
    [(2.0,), (3.0,)]
    """
    if n < 1:
        raise ConfigError(f"a recorder keeps at least one call, not {n}")
    return Recorder(function, n, Path(path))


def replay(path: str | Path, mode: Mode | str | None = None) -> list[Any]:
    """Do the calls in a file of `record` again, from the values shared variables had then.

    Parameters
    ----------
    path
        The file. It is a pickle, so open only files of your own.
    mode
        Another mode to compile for: "interpret", "nanguard" or "verify" tell more.

    Returns
    -------
    The results of the calls; what failed then fails again here.
    """
    function, calls = pickle.loads(Path(path).read_bytes())
    if mode is not None:
        request = function.request
        request.mode = get_mode(mode)
        function = Function(request)
    results = []
    for call in calls:
        for shared, value in zip(function.get_shared(), call.shared, strict=True):
            shared.container.value = deepcopy(value)
        results.append(function(*call.args, **call.kwargs))
    return results
