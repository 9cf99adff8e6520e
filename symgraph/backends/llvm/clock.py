"""The clock of drivers that measure themselves.

On x86 it is the processor's counter of cycles, which takes 8 ns to read and runs at one rate on all
processors of this century's second decade and later; elsewhere POSIX's monotonic clock, 30 ns.
"""

from __future__ import annotations

import platform
import time

NAME, TALLY = "clock", "tally"
FUNCTIONS = (NAME, TALLY, "ticks")
IMPORTS = ("clock_gettime",)
MONOTONIC = getattr(time, "CLOCK_MONOTONIC", 1)
HAS_COUNTER = platform.machine() in ("x86_64", "AMD64")
READ = "@llvm.readcyclecounter" if HAS_COUNTER else f"@{NAME}"  # what drivers call
TEXT = f"""\
declare i32 @clock_gettime(i32, ptr)
declare i64 @llvm.readcyclecounter()

; Nanoseconds since some time in the past.
define i64 @{NAME}() nounwind {{
  %time = alloca [2 x i64]
  call i32 @clock_gettime(i32 {MONOTONIC}, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000000000
  %now = add i64 %whole, %rest
  ret i64 %now
}}

; Add the first `count` words of `own` to those of `shared`.
define void @{TALLY}(ptr %shared, ptr %own, i64 %count) nounwind {{
entry:
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %following, %next ]
  %from = getelementptr i64, ptr %own, i64 %n
  %to = getelementptr i64, ptr %shared, i64 %n
  %more = load i64, ptr %from
  %sum = load i64, ptr %to
  %whole = add i64 %sum, %more
  store i64 %whole, ptr %to
  %following = add nuw i64 %n, 1
  %on = icmp ult i64 %following, %count
  br i1 %on, label %next, label %end
end:
  ret void
}}

; The processor's counter.
define i64 @ticks() nounwind {{
  %now = call i64 @llvm.readcyclecounter()
  ret i64 %now
}}
"""
