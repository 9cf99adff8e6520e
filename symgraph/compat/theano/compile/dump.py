"""`theano.function_dump`: what `function` is asked for, in a file."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

__all__ = ["function_dump"]


def function_dump(
    filename: Any, inputs: Any, outputs: Any = None, mode: Any = None, **options: Any
) -> None:
    """Write the arguments of `function` to a file, without compiling anything.

    `theano.function(**pickle.load(file))` makes the function, perhaps on another machine. The
    options are those of `function`; `extra_tag_to_remove` is taken for Theano's sake.
    """
    options.pop("extra_tag_to_remove", None)
    asked = {"inputs": inputs, "outputs": outputs, "mode": mode, **options}
    Path(filename).write_bytes(pickle.dumps(asked))
