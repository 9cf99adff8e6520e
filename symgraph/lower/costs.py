"""The numbers by which lowering decides: what may fuse, what is computed twice, how work is cut.

Costs are counted in scalar steps, an addition of one element each: some 0.05 ns where vectors are
used. What a launch must be worth to be shared out is decided where threads are
(`backends/threads.py`). Times are sums of (4096, 4096) float32 along axis 0, on one thread of an
AMD EPYC.
"""

from __future__ import annotations

# --- what one kernel holds (group.py, sink.py) ---------------------------------------------------

LARGEST_GROUP = 96  # nodes; longer kernels compile slower than they run faster
MOST_READ = 24  # variables a group reads; more streams than that no processor prefetches
SIBLINGS = 8  # how many groups of the same space are asked whether they read the same

# --- to compute again, or to keep (kernels.py) ---------------------------------------------------

COSTLY_WEIGHT = 8  # steps an exponential counts for
CHEAP = 2  # steps; a dearer value that a later phase needs is kept in memory

# --- how reductions are cut (chunks.py, columns.py) ----------------------------------------------

CHUNK_WORK = 16384  # steps a chunk should be worth, which is about a microsecond
MOST_CHUNKS = 32  # enough for the threads of a processor, few enough to be combined by one
COLUMN_BLOCK = 2048  # columns: accumulators of 8 bytes in the first caches; 1024 took 10% more
CHUNK_ROWS = 64  # of a chunk at least: its accumulators are little beside what it reads
ROWS_AT_ONCE = 8  # rows accumulators are read and written once for: 3.3 ms; 4 took 3.8, 32 took 7
LIGHT = 12  # steps of an element beyond which accumulators cost little
