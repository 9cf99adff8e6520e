"""What can be seen of a compiled function: its graphs, its code, the memory a call takes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from symgraph.backends.llvm import target
from symgraph.footprint import Footprint
from symgraph.graph import Graph, Pictured, Variable
from symgraph.later import Later, LaterMethod
from symgraph.limit import predict, values_of
from symgraph.memory import Plan
from symgraph.pipeline import Trace
from symgraph.request import In, Out, Request
from symgraph.runners import Native, Runner, Task, Warm
from symgraph.shared import SharedVariable
from symgraph.spread import OnGpu

numba_side = Later("symgraph.backends.numba.side")


class Inspected(Pictured):
    """A function that was compiled from a request, as those see it who look inside."""

    request: Request
    inputs: list[In]
    outputs: list[Variable]
    shared: list[SharedVariable]
    _trace: Trace
    _task: Task
    _run: Runner

    report = LaterMethod("symgraph.show.report", "report")  # a page about it
    explain = LaterMethod("symgraph.show.remarks", "explain")
    suspect = LaterMethod("symgraph.debug.doubt", "suspect")  # what makes results differ

    @abstractmethod
    def arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The arguments in order, keywords and defaults put in their places."""

    @property
    def trace(self) -> Trace:
        """What the compiler's stages made; made now for a function that was found whole."""
        self._whole()
        return self._trace

    def _whole(self) -> Runner:
        """What runs the task, with the program it was made from."""
        return self._run.full if isinstance(self._run, Warm) else self._run

    @property
    def graph(self) -> Graph:
        """The rewritten graph."""
        task = self.trace.stages["canonical"]
        return Graph(task.inputs, task.roots)

    @property
    def maker(self) -> SimpleNamespace:
        """What Theano's programs look for here: `fgraph`, the rewritten graph, and `mode`."""
        return SimpleNamespace(
            fgraph=self.graph,
            mode=self.request.mode,
            inputs=self.inputs,
            outputs=[
                Out(var, borrow=n in self.request.form.borrowed)
                for n, var in enumerate(self.outputs)
            ],
            profile=None,
        )

    @property
    def stages(self) -> dict[str, Any]:
        """What each stage of the compiler made."""
        return self.trace.stages

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage of the compiler took."""
        return self._trace.seconds

    @property
    def kernels(self) -> list[Any]:
        """The kernels, in the order of their first use."""
        return self.trace.kernels

    def memory(self, shapes: Sequence[Any] | Mapping[Any, Any] = ()) -> Footprint:
        """The memory that a call takes, in bytes, found without running it.

        Parameters
        ----------
        shapes
            For each input a shape, or a value: a list in their order, or a dict by name or
            variable. Sizes that follow from the value of an integer need the value.

        Returns
        -------
        A `Footprint`: `peak` is the most held at a time, arguments and shared variables included;
        `held` lists every block with its size and the user's line; `print` shows them.

        >>> import symgraph as sg, symgraph.tensor as T
        >>> x = T.fmatrix("x")
        >>> f = sg.function([x], T.exp(x).sum(0))
        >>> f.memory([(1000, 500)]).total("argument")
        2000000
        """
        given = [_as_value(item) for item in self._in_order(shapes)]
        given += [shared.container.value for shared in self.shared]
        sizes = [v if isinstance(v, tuple) else np.shape(v) for v in given]
        return predict(self._whole(), self._task, sizes, values_of(self._task, given))

    def _in_order(self, shapes: Sequence[Any] | Mapping[Any, Any]) -> Sequence[Any]:
        """One item for each input, given by position, name or variable."""
        if not isinstance(shapes, Mapping):
            return self.arguments(shapes, {})
        keys = {spec.variable: spec.key for spec in self.inputs}
        return self.arguments((), {str(keys.get(k, k)): item for k, item in shapes.items()})

    def source(self) -> str:
        """The generated code as Python text that numba could run; see `Mode(backend="numba")`.

        What runs on a GPU is text for numba.cuda.
        """
        programs = zip(self.trace.plans, self.trace.titles, self._texts_of_gpus(), strict=True)
        return "\n".join(
            numba_side.module_text(plan, title) if text is None else text
            for plan, title, text in programs
        )

    def _texts_of_gpus(self) -> list[str | None]:
        """For each program its text for a GPU, None for those on the CPU."""
        runners = self.trace.runners
        texts: dict[Any, Any] = {r.native: r.native.entry for r in runners if isinstance(r, OnGpu)}
        natives = [r for r in runners if isinstance(r, Native)]
        return [str(texts[native].text) if native in texts else None for native in natives]

    def _plans(self) -> list[Plan]:
        """The programs that run on the CPU."""
        programs = zip(self.trace.plans, self._texts_of_gpus(), strict=True)
        return [plan for plan, text in programs if text is None]

    def llvm(self) -> str:
        """The generated code of the CPU as LLVM's text, before it is optimised."""
        return "\n".join(target.write(plan).llvm() for plan in self._plans())

    def assembly(self) -> str:
        """The kernels of the CPU in the processor's assembly language."""
        return "\n".join(target.write(plan).assembly() for plan in self._plans())


def _as_value(item: Any) -> Any:
    """A shape as a tuple; a value as an array."""
    if isinstance(item, tuple | list) and all(isinstance(n, int) for n in item):
        return tuple(item)
    return np.asarray(item)
