"""The words of generated kernels: those of `simulated.py` under the simulator, else `card.py`'s."""

from __future__ import annotations

from symgraph.backends.cuda.device import SIMULATED
from symgraph.later import Later

_words = Later(f"symgraph.backends.cuda.{'simulated' if SIMULATED else 'card'}")
__all__ = list(_words.__all__)
globals().update({name: getattr(_words, name) for name in __all__})
