"""The clock of drivers that measure themselves.

On x86 it is the processor's counter of cycles, which takes 8 ns to read and runs at one rate on all
processors of this century's second decade and later; elsewhere POSIX's monotonic clock, 30 ns.
"""

from __future__ import annotations

import platform
import time

NAME = "clock"
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

; The processor's counter.
define i64 @ticks() nounwind {{
  %now = call i64 @llvm.readcyclecounter()
  ret i64 %now
}}
"""
