"""The clock of drivers that measure themselves: POSIX's monotonic one, some 20 ns a call."""

from __future__ import annotations

import time

NAME = "clock"
IMPORTS = ("clock_gettime",)
MONOTONIC = getattr(time, "CLOCK_MONOTONIC", 1)
TEXT = f"""\
declare i32 @clock_gettime(i32, ptr)

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
"""
