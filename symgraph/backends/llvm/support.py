"""What drivers call: checks of arguments, new arrays, the arena, the GIL, errors.

One module of hand-written LLVM, the same for all functions. It uses the C interfaces of Python
(C API, stable) and NumPy (C API, array object).
"""

from __future__ import annotations

from symgraph.backends import pool

# Bits of an array's flags (NumPy C API, "Array flags").
CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
OWN = CONTIGUOUS | 0x4 | ALIGNED | WRITEABLE  # an array with memory of its own, to be written
GIL = "{ ptr, i64 }"  # the saved thread state, null while the GIL is held; work done so far
# Scalar operations, some 0.05 ns each, after which a call lets other threads of Python run.
# Releasing and taking the GIL costs 0.05 us.
RELEASE_WORK = 40_000
SCRATCH = 7 * 2**17  # bytes that one share of a product packs its operands in
KEPT = 64  # blocks of them at most; there are as many as threads have ever computed at once

FUNCTIONS = (
    "accept", "refuse", "new_array", "take_output", "drop", "take_arena", "give_arena", "begin",
    "hold", "stop", "launch", "take_scratch", "give_scratch",
)  # fmt: skip
IMPORTS = (
    "array_type", "type_error", "stop_type", "PyArray_EquivTypes", "PyArray_New", "PyErr_SetString",
    "PyErr_SetObject", "Py_BuildValue", "Py_DecRef", "Py_IncRef", "PyEval_SaveThread",
    "PyEval_RestoreThread",
)  # fmt: skip

SUPPORT = """\
@array_type = external global i8
@type_error = external global ptr
@stop_type = external global i8
@refusal = internal constant [{refusal_size} x i8] c"{refusal}\\00"
@symgraph_pool = external global [{words} x i64]
@scratch = internal global [{kept} x ptr] zeroinitializer
@report = internal constant [6 x i8] c"(LLL)\\00"

declare i8 @PyArray_EquivTypes(ptr, ptr)
declare ptr @PyArray_New(ptr, i32, ptr, i32, ptr, ptr, i32, i32, ptr)
declare void @PyErr_SetString(ptr, ptr)
declare void @PyErr_SetObject(ptr, ptr)
declare ptr @Py_BuildValue(ptr, ...)
declare void @Py_DecRef(ptr)
declare void @Py_IncRef(ptr)
declare ptr @PyEval_SaveThread()
declare ptr @malloc(i64)
declare void @free(ptr)
declare void @PyEval_RestoreThread(ptr)

; Whether an object is a row-major, aligned array of a type and rank; `flags` says what else.
define i1 @accept(ptr %array, ptr %descr, i32 %rank, i32 %flags) nounwind {{
entry:
  %type.at = getelementptr i8, ptr %array, i64 {type}
  %kind = load ptr, ptr %type.at
  %exact = icmp eq ptr %kind, @array_type
  br i1 %exact, label %array.is, label %no
array.is:
  %rank.at = getelementptr i8, ptr %array, i64 {rank}
  %found = load i32, ptr %rank.at
  %same.rank = icmp eq i32 %found, %rank
  %flags.at = getelementptr i8, ptr %array, i64 {flags}
  %bits = load i32, ptr %flags.at
  %set = and i32 %bits, %flags
  %all = icmp eq i32 %set, %flags
  %fits = and i1 %same.rank, %all
  br i1 %fits, label %laid.out, label %no
laid.out:
  %descr.at = getelementptr i8, ptr %array, i64 {descr}
  %own = load ptr, ptr %descr.at
  %same = icmp eq ptr %own, %descr
  br i1 %same, label %yes, label %other
other:
  %equal = call i8 @PyArray_EquivTypes(ptr %own, ptr %descr)
  %equivalent = icmp ne i8 %equal, 0
  ret i1 %equivalent
yes:
  ret i1 true
no:
  ret i1 false
}}

; A TypeError for arguments that are no such arrays.
define void @refuse() nounwind {{
  %kind = load ptr, ptr @type_error
  call void @PyErr_SetString(ptr %kind, ptr @refusal)
  ret void
}}

; A new array; null, and an error set, where there is no memory.
define ptr @new_array(i32 %rank, ptr %dims, i32 %kind) nounwind {{
  %made = call ptr @PyArray_New(ptr @array_type, i32 %rank, ptr %dims, i32 %kind, ptr null,
    ptr null, i32 0, i32 0, ptr null)
  ret ptr %made
}}

; An array for an output whose memory the function keeps: one of the two it kept, if it has the
; sizes and nothing else refers to it, else a new one, which takes the place of the older one. The
; GIL is held.
define ptr @take_output(ptr %owner, i64 %first, i32 %rank, ptr %dims, i32 %kind, ptr %descr)
  nounwind {{
entry:
  %data.at = getelementptr i8, ptr %owner, i64 {data}
  %data = load ptr, ptr %data.at
  %older.at = getelementptr ptr, ptr %data, i64 %first
  %newer.at = getelementptr ptr, ptr %older.at, i64 1
  %older = load ptr, ptr %older.at
  %older.fits = call i1 @is_free(ptr %older, i32 %rank, ptr %dims, ptr %descr)
  br i1 %older.fits, label %use, label %second
second:
  %newer = load ptr, ptr %newer.at
  %newer.fits = call i1 @is_free(ptr %newer, i32 %rank, ptr %dims, ptr %descr)
  br i1 %newer.fits, label %use, label %make
use:
  %kept = phi ptr [ %older, %entry ], [ %newer, %second ]
  call void @Py_IncRef(ptr %kept)
  ret ptr %kept
make:
  %made = call ptr @new_array(i32 %rank, ptr %dims, i32 %kind)
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %end, label %keep
keep:
  call void @Py_IncRef(ptr %made)
  store ptr %newer, ptr %older.at
  store ptr %made, ptr %newer.at
  %none = icmp eq ptr %older, null
  br i1 %none, label %end, label %release
release:
  call void @Py_DecRef(ptr %older)
  br label %end
end:
  ret ptr %made
}}

; Whether a kept array has these sizes, and only the function refers to it.
define internal i1 @is_free(ptr %array, i32 %rank, ptr %dims, ptr %descr) nounwind {{
entry:
  %none = icmp eq ptr %array, null
  br i1 %none, label %no, label %is
is:
  %count = load i32, ptr %array
  %alone = icmp eq i32 %count, 1
  br i1 %alone, label %look, label %no
look:
  %fits = call i1 @accept(ptr %array, ptr %descr, i32 %rank, i32 {writable})
  br i1 %fits, label %sizes, label %no
sizes:
  %dims.at = getelementptr i8, ptr %array, i64 {dims}
  %own = load ptr, ptr %dims.at
  br label %head
head:
  %i = phi i32 [ 0, %sizes ], [ %next, %one ]
  %more = icmp slt i32 %i, %rank
  br i1 %more, label %one, label %yes
one:
  %mine.at = getelementptr i64, ptr %own, i32 %i
  %mine = load i64, ptr %mine.at
  %wanted.at = getelementptr i64, ptr %dims, i32 %i
  %wanted = load i64, ptr %wanted.at
  %same = icmp eq i64 %mine, %wanted
  %next = add i32 %i, 1
  br i1 %same, label %head, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; Drop the references in a list.
define void @drop(ptr %list, i64 %count) nounwind {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %after ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %end
one:
  %at = getelementptr ptr, ptr %list, i64 %i
  %object = load ptr, ptr %at
  %none = icmp eq ptr %object, null
  br i1 %none, label %after, label %release
release:
  call void @Py_DecRef(ptr %object)
  br label %after
after:
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}

; Memory for temporaries: the array that the function keeps if no other call is using it and it is
; large enough, else a new one.
define ptr @take_arena(ptr %owner, i64 %bytes) nounwind {{
entry:
  %data.at = getelementptr i8, ptr %owner, i64 {data}
  %slot = load ptr, ptr %data.at
  %kept = atomicrmw xchg ptr %slot, ptr null seq_cst
  %none = icmp eq ptr %kept, null
  br i1 %none, label %make, label %look
look:
  %dims.at = getelementptr i8, ptr %kept, i64 {dims}
  %dims = load ptr, ptr %dims.at
  %size = load i64, ptr %dims
  %enough = icmp sge i64 %size, %bytes
  br i1 %enough, label %use, label %small
use:
  ret ptr %kept
small:
  call void @Py_DecRef(ptr %kept)
  br label %make
make:
  %length = alloca i64
  store i64 %bytes, ptr %length
  %made = call ptr @PyArray_New(ptr @array_type, i32 1, ptr %length, i32 2, ptr null,
    ptr null, i32 0, i32 0, ptr null)
  ret ptr %made
}}

; Give memory back for the next call.
define void @give_arena(ptr %owner, ptr %arena) nounwind {{
entry:
  %nothing = icmp eq ptr %arena, null
  br i1 %nothing, label %end, label %give
give:
  %data.at = getelementptr i8, ptr %owner, i64 {data}
  %slot = load ptr, ptr %data.at
  %other = atomicrmw xchg ptr %slot, ptr %arena seq_cst
  %none = icmp eq ptr %other, null
  br i1 %none, label %end, label %surplus
surplus:
  call void @Py_DecRef(ptr %other)
  br label %end
end:
  ret void
}}

; Before a step of so much work: release the GIL once there has been enough.
define void @begin(ptr %gil, i64 %work) nounwind {{
entry:
  %saved = load ptr, ptr %gil
  %held = icmp eq ptr %saved, null
  br i1 %held, label %count, label %end
count:
  %sum.at = getelementptr {gil}, ptr %gil, i64 0, i32 1
  %before = load i64, ptr %sum.at
  %sum = add i64 %before, %work
  store i64 %sum, ptr %sum.at
  %enough = icmp sge i64 %sum, {release}
  br i1 %enough, label %release, label %end
release:
  %state = call ptr @PyEval_SaveThread()
  store ptr %state, ptr %gil
  br label %end
end:
  ret void
}}

; Before Python's objects are touched: take the GIL again.
define void @hold(ptr %gil) nounwind {{
entry:
  %saved = load ptr, ptr %gil
  %held = icmp eq ptr %saved, null
  br i1 %held, label %end, label %take
take:
  store ptr null, ptr %gil
  call void @PyEval_RestoreThread(ptr %saved)
  br label %end
end:
  ret void
}}

; Run a kernel over range(n): through the pool when there is work enough, else by one call.
define void @launch(ptr %kernel, ptr %block, i64 %n, i64 %work) nounwind {{
entry:
  %least.at = getelementptr i64, ptr @symgraph_pool, i64 {min_work}
  %least = load i64, ptr %least.at
  %many = icmp sge i64 %work, %least
  br i1 %many, label %share.out, label %alone
share.out:
  %run.at = getelementptr i64, ptr @symgraph_pool, i64 {run}
  %run = load ptr, ptr %run.at
  call i64 %run(ptr %kernel, ptr %block, i64 %n, i64 %work)
  ret void
alone:
  call void %kernel(ptr %block, i64 0, i64 %n, i64 0)
  ret void
}}

; Memory for the packed operands of one share of a product: kept in a list, since memory that is new
; has to be cleared first. It begins at a cache line; the word before it says what to free.
define ptr @take_scratch() nounwind {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %one ]
  %more = icmp slt i64 %i, {kept}
  br i1 %more, label %one, label %make
one:
  %at = getelementptr ptr, ptr @scratch, i64 %i
  %found = atomicrmw xchg ptr %at, ptr null seq_cst
  %none = icmp eq ptr %found, null
  %next = add i64 %i, 1
  br i1 %none, label %head, label %use
use:
  ret ptr %found
make:
  %raw = call ptr @malloc(i64 {scratch})
  %word = ptrtoint ptr %raw to i64
  %beyond = add i64 %word, 127
  %line = and i64 %beyond, -64
  %begin = inttoptr i64 %line to ptr
  %before = getelementptr ptr, ptr %begin, i64 -1
  store ptr %raw, ptr %before
  ret ptr %begin
}}

define void @give_scratch(ptr %begin) nounwind {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %one ]
  %more = icmp slt i64 %i, {kept}
  br i1 %more, label %one, label %surplus
one:
  %at = getelementptr ptr, ptr @scratch, i64 %i
  %tried = cmpxchg ptr %at, ptr null, ptr %begin seq_cst seq_cst
  %done = extractvalue {{ ptr, i1 }} %tried, 1
  %next = add i64 %i, 1
  br i1 %done, label %end, label %head
surplus:
  %before = getelementptr ptr, ptr %begin, i64 -1
  %raw = load ptr, ptr %before
  call void @free(ptr %raw)
  br label %end
end:
  ret void
}}

; A guard failed: raise Stop(code, first, second).
define void @stop(ptr %gil, i64 %code, i64 %first, i64 %second) nounwind {{
entry:
  call void @hold(ptr %gil)
  %words = call ptr (ptr, ...) @Py_BuildValue(ptr @report, i64 %code, i64 %first, i64 %second)
  %made = icmp eq ptr %words, null
  br i1 %made, label %end, label %raise
raise:
  call void @PyErr_SetObject(ptr @stop_type, ptr %words)
  call void @Py_DecRef(ptr %words)
  br label %end
end:
  ret void
}}
"""
REFUSAL = "an argument is no row-major, aligned array of its type"
HEAD = object.__basicsize__  # what every Python object begins with; its type comes last
FIELDS = {
    "type": HEAD - 8, "data": HEAD, "rank": HEAD + 8, "dims": HEAD + 16, "descr": HEAD + 40,
    "flags": HEAD + 48,
}  # fmt: skip


def support_text() -> str:
    """The module."""
    sizes = {"refusal_size": len(REFUSAL) + 1, "refusal": REFUSAL, "gil": GIL}
    memory = {"kept": KEPT, "scratch": SCRATCH + 128, "writable": OWN}
    words = {"words": pool.WORDS, "min_work": pool.MIN_WORK, "run": pool.RUN}
    return SUPPORT.format(**FIELDS, **sizes, **words, **memory, release=RELEASE_WORK)
