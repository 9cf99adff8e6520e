"""Products of complex matrices: a row-major `gemm` over SciPy's BLAS, a module for each dtype.

    gemm_DTYPE(m, n, k, alpha, a, lda, trans_a, b, ldb, trans_b, beta, c, ldc) -> i64

C = alpha op(A) op(B) + beta C, where op(A) is (m, k), op(B) (k, n), C (m, n); op(X) is X' where its
`trans` is true. `ld*` are the elements from one stored row to the next. With beta == 0 C is only
written, NaN or not; sizes may be 0. Returns 0, or 1 with nothing done when a size does not fit
BLAS's 32-bit integers. A single row or column goes through gemv.

BLAS is column-major, where a row-major matrix is its own transpose; so C = op(A) op(B) is asked for
as C' = op(B)' op(A)'. The routines are described in the reference BLAS, netlib.org/blas.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Body, Needs
from symgraph.backends.llvm.words import TYPES

LARGEST_INT = 2**31 - 1
LETTERS = {"complex64": "c", "complex128": "z"}
HEAD = (
    "define i64 @{name}(i64 %m, i64 %n, i64 %k, {kind} %alpha, ptr %a, i64 %lda, i1 %trans_a,"
    " ptr %b, i64 %ldb, i1 %trans_b, {kind} %beta, ptr %c, i64 %ldc) nounwind {{\nentry:"
)


def product_text(dtype: str) -> str:
    """The module for a dtype."""
    return _Product(dtype).text()


class _Product:
    """Writes the function for one dtype."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.kind, self.letter = dtype, TYPES[dtype], LETTERS[dtype]
        self.body = Body(Needs(), {})
        self.places: dict[str, str] = {}

    def text(self) -> str:
        body, kind = self.body, self.kind
        for name, type_ in (("alpha", kind), ("beta", kind)):
            self.places[name] = body.get(f"alloca {type_}")
            body.do(f"store {type_} %{name}, ptr {self.places[name]}")
        self.scratch = [body.get("alloca i32") for _ in range(6)]
        self.letters = [body.get("alloca i8") for _ in range(2)]
        # BLAS refuses a leading dimension of 0, which the row of an empty matrix may have.
        self.lda, self.ldb, self.ldc = (
            body.intrinsic("smax", "i64", f"%{x}", "1") for x in ("lda", "ldb", "ldc")
        )
        self._check()
        self._choose()
        head = HEAD.format(name=f"gemm_{self.dtype}", kind=kind)
        return "\n".join([head, *body.lines, "}", body.needs.text(), ""])

    def _check(self) -> None:
        """Return 1 if a size is too large."""
        body = self.body
        most = "%m"
        for size in ("%n", "%k", self.lda, self.ldb, self.ldc):
            most = body.intrinsic("smax", "i64", most, size)
        fits = body.get(f"icmp sle i64 {most}, {LARGEST_INT}")
        body.branch(fits, "fits", "large")
        body.begin("large")
        body.do("ret i64 1")
        body.begin("fits")

    def _choose(self) -> None:
        """gemv leaves C as it is when k is 0, gemm multiplies it by beta."""
        body = self.body
        some = body.get("icmp sgt i64 %k, 0")
        for size, label, following, write in (
            ("%n", "column", "not.column", self._column),
            ("%m", "row", "matrix", self._row),
        ):
            one = body.get(f"icmp eq i64 {size}, 1")
            body.branch(body.get(f"and i1 {some}, {one}"), label, following)
            body.begin(label)
            write()
            body.do("ret i64 0")
            body.begin(following)
        self._matrix()
        body.do("ret i64 0")

    def _matrix(self) -> None:
        trans = self._letter(0, "%trans_b"), self._letter(1, "%trans_a")
        sizes = [self._int(n, size) for n, size in enumerate(("%n", "%m", "%k"))]
        left, right = ("%b", self._int(3, self.ldb)), ("%a", self._int(4, self.lda))
        result = (self.places["beta"], "%c", self._int(5, self.ldc))
        self._call("gemm", *trans, *sizes, self.places["alpha"], *left, *right, *result)

    def _column(self) -> None:
        """Multiply by one column: C = op(A) b."""
        step = self.body.get(f"select i1 %trans_b, i64 1, i64 {self.ldb}")
        straight = self.body.get("xor i1 %trans_a, true")
        self._vector(straight, "%m", ("%a", self.lda), ("%b", step), self.ldc)

    def _row(self) -> None:
        """Multiply one row: C' = op(B)' a."""
        step = self.body.get(f"select i1 %trans_a, i64 {self.lda}, i64 1")
        self._vector("%trans_b", "%n", ("%b", self.ldb), ("%a", step), "1")

    def _vector(
        self, trans: str, length: str, matrix: tuple[str, str], x: tuple[str, str], step: str
    ) -> None:
        """Set y = op(matrix) x: the matrix as BLAS sees it, y of `length`, x of k elements."""
        rows = self.body.get(f"select i1 {trans}, i64 %k, i64 {length}")
        columns = self.body.get(f"select i1 {trans}, i64 {length}, i64 %k")
        shape = (self._letter(0, trans), self._int(0, rows), self._int(1, columns))
        factor = (self.places["alpha"], matrix[0], self._int(2, matrix[1]))
        result = (self.places["beta"], "%c", self._int(4, step))
        self._call("gemv", *shape, *factor, x[0], self._int(3, x[1]), *result)

    def _call(self, routine: str, *pointers: str) -> None:
        self.body.run(f"@blas_{self.letter}{routine}", *(("ptr", p) for p in pointers))

    def _int(self, place: int, size: str) -> str:
        """The address of a size as BLAS reads it."""
        word = self.body.get(f"trunc i64 {size} to i32")
        self.body.do(f"store i32 {word}, ptr {self.scratch[place]}")
        return self.scratch[place]

    def _letter(self, place: int, transposed: str) -> str:
        letter = self.body.get(f"select i1 {transposed}, i8 {ord('T')}, i8 {ord('N')}")
        self.body.do(f"store i8 {letter}, ptr {self.letters[place]}")
        return self.letters[place]
