"""The native half of the thread pool: sharing out a range, waiting, waking.

All state is in one block of int64 words (see the constants). A launch packs `ticket`, number of
shares and next free share into the word STATE; whoever adds one to it owns that share. The ticket
makes a worker that woke up late fail to take a share of a newer launch with old parameters. The
launching thread takes shares like any worker and waits only for shares that others have begun, so
a worker that never gets a core costs nothing.

Every access is sequentially consistent: the sleep protocols compare two words written by two
threads (Dekker), which weaker orders would break.
"""

from __future__ import annotations

import platform
import re

# Words that are written by different threads lie in different cache lines (8 words).
MIN_WORK, RUN, MAX_SHARES, GRAIN, SPIN, WAKE_WORK = 0, 1, 2, 3, 4, 5
STATE = 8
LEFT = 16
BUSY, FUNCTION, DATA, EXTENT, MISSED = 24, 25, 26, 27, 28
SLEEPERS, STOP, WAITING = 32, 33, 34
MUTEX, WAKE, DONE = 40, 48, 56
WORDS = 64
PATIENCE = 10  # how much longer a launch looks for its last shares than a worker for new ones
POOL = "symgraph_pool"  # the symbol of the words that all launches share
ENTRIES = ("pool_run", "pool_work")
IMPORTS = (
    "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_wait", "pthread_cond_broadcast",
    "sched_yield",
)  # fmt: skip
X86 = platform.machine() in ("x86_64", "AMD64")

TEXT = """\
@symgraph_pool = external global [64 x i64]

declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @sched_yield()
declare i64 @llvm.smin.i64(i64, i64)
{declare_pause}

define internal i1 @has_shares(i64 %state) alwaysinline {{
  %next = and i64 %state, 65535
  %shifted = lshr i64 %state, 16
  %shares = and i64 %shifted, 65535
  %some = icmp slt i64 %next, %shares
  ret i1 %some
}}

define internal i1 @work_or_end() {{
  %state = load atomic i64, ptr <STATE> seq_cst, align 8
  %some = call i1 @has_shares(i64 %state)
  %stop = load atomic i64, ptr <STOP> seq_cst, align 8
  %ending = icmp ne i64 %stop, 0
  %either = or i1 %some, %ending
  ret i1 %either
}}

define internal void @run_share(ptr %function, ptr %data, i64 %n, i64 %share, i64 %shares) {{
  %low = mul i64 %n, %share
  %lo = sdiv i64 %low, %shares
  %following = add i64 %share, 1
  %high = mul i64 %n, %following
  %hi = sdiv i64 %high, %shares
  call void %function(ptr %data, i64 %lo, i64 %hi, i64 %share)
  ret void
}}

define internal void @wake_up(ptr %sleepers, ptr %condition) {{
entry:
  %count = load atomic i64, ptr %sleepers seq_cst, align 8
  %some = icmp sgt i64 %count, 0
  br i1 %some, label %wake, label %end
wake:
  call i32 @pthread_mutex_lock(ptr <MUTEX>)
  call i32 @pthread_cond_broadcast(ptr %condition)
  call i32 @pthread_mutex_unlock(ptr <MUTEX>)
  br label %end
end:
  ret void
}}

define internal void @take_shares() {{
entry:
  br label %look
look:
  %state = load atomic i64, ptr <STATE> seq_cst, align 8
  %some = call i1 @has_shares(i64 %state)
  br i1 %some, label %try, label %end
try:
  %function = load atomic ptr, ptr <FUNCTION> seq_cst, align 8
  %data = load atomic ptr, ptr <DATA> seq_cst, align 8
  %n = load atomic i64, ptr <EXTENT> seq_cst, align 8
  %taken = add i64 %state, 1
  %answer = cmpxchg ptr <STATE>, i64 %state, i64 %taken seq_cst seq_cst
  %mine = extractvalue {{ i64, i1 }} %answer, 1
  br i1 %mine, label %run, label %look
run:
  %share = and i64 %state, 65535
  %shifted = lshr i64 %state, 16
  %shares = and i64 %shifted, 65535
  call void @run_share(ptr %function, ptr %data, i64 %n, i64 %share, i64 %shares)
  %left = atomicrmw add ptr <LEFT>, i64 -1 seq_cst
  %last = icmp eq i64 %left, 1
  br i1 %last, label %tell, label %look
tell:
  call void @wake_up(ptr <WAITING>, ptr <DONE>)
  br label %look
end:
  ret void
}}

; Between two looks: a pause, and now and then the core is offered. Where cores are few, the thread
; that is waited for may have to run on this one.
define internal void @let_others(i64 %looks) {{
entry:
  {pause}
  %part = and i64 %looks, 31
  %due = icmp eq i64 %part, 0
  br i1 %due, label %offer, label %end
offer:
  call i32 @sched_yield()
  br label %end
end:
  ret void
}}

; While a launch is under way the next one is near: falling asleep then would cost a wake-up at
; each launch of a sequence of long ones.
define internal void @wait_for_shares() {{
entry:
  %spin = load atomic i64, ptr <SPIN> seq_cst, align 8
  br label %head
head:
  %looks = phi i64 [ %spin, %entry ], [ %fewer, %again ]
  %turns = phi i64 [ 0, %entry ], [ %turn, %again ]
  %patient = icmp sgt i64 %looks, 0
  br i1 %patient, label %look, label %sleep
look:
  %ready = call i1 @work_or_end()
  br i1 %ready, label %end, label %again
again:
  %busy = load atomic i64, ptr <BUSY> seq_cst, align 8
  %less = sub i64 1, %busy
  %fewer = sub i64 %looks, %less
  %turn = add i64 %turns, 1
  call void @let_others(i64 %turn)
  br label %head
sleep:
  call i32 @pthread_mutex_lock(ptr <MUTEX>)
  atomicrmw add ptr <SLEEPERS>, i64 1 seq_cst
  br label %check
check:
  %now = call i1 @work_or_end()
  br i1 %now, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr <WAKE>, ptr <MUTEX>)
  br label %check
awake:
  atomicrmw add ptr <SLEEPERS>, i64 -1 seq_cst
  call i32 @pthread_mutex_unlock(ptr <MUTEX>)
  br label %end
end:
  ret void
}}

define internal void @wait_for_others() {{
entry:
  %spin = load atomic i64, ptr <SPIN> seq_cst, align 8
  %looks = mul i64 %spin, {patience}
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %again ]
  %patient = icmp slt i64 %i, %looks
  br i1 %patient, label %look, label %sleep
look:
  %left = load atomic i64, ptr <LEFT> seq_cst, align 8
  %done = icmp eq i64 %left, 0
  br i1 %done, label %end, label %again
again:
  %next = add i64 %i, 1
  call void @let_others(i64 %next)
  br label %head
sleep:
  call i32 @pthread_mutex_lock(ptr <MUTEX>)
  atomicrmw add ptr <WAITING>, i64 1 seq_cst
  br label %check
check:
  %still = load atomic i64, ptr <LEFT> seq_cst, align 8
  %over = icmp eq i64 %still, 0
  br i1 %over, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr <DONE>, ptr <MUTEX>)
  br label %check
awake:
  atomicrmw add ptr <WAITING>, i64 -1 seq_cst
  call i32 @pthread_mutex_unlock(ptr <MUTEX>)
  br label %end
end:
  ret void
}}

; Wake the sleeping workers once the work done without them has come to be worth it.
define internal void @perhaps_wake(i64 %work) {{
entry:
  %sleeping = load atomic i64, ptr <SLEEPERS> seq_cst, align 8
  %some = icmp sgt i64 %sleeping, 0
  br i1 %some, label %count, label %end
count:
  %before = load atomic i64, ptr <MISSED> seq_cst, align 8
  %missed = add i64 %before, %work
  %enough = load atomic i64, ptr <WAKE_WORK> seq_cst, align 8
  %due = icmp sge i64 %missed, %enough
  %kept = select i1 %due, i64 0, i64 %missed
  store atomic i64 %kept, ptr <MISSED> seq_cst, align 8
  br i1 %due, label %wake, label %end
wake:
  call void @wake_up(ptr <SLEEPERS>, ptr <WAKE>)
  br label %end
end:
  ret void
}}

; Work until STOP is set: what a worker thread does.
define void @pool_work() {{
entry:
  br label %head
head:
  %stop = load atomic i64, ptr <STOP> seq_cst, align 8
  %ending = icmp ne i64 %stop, 0
  br i1 %ending, label %end, label %on
on:
  call void @take_shares()
  call void @wait_for_shares()
  br label %head
end:
  ret void
}}

; Run `function(data, lo, hi, share)` over range(n); the number of shares. The shares depend on n,
; work and the size of the pool only, so results that depend on them do not change when another
; thread keeps the workers busy.
define i64 @pool_run(ptr %function, ptr %data, i64 %n, i64 %work) {{
entry:
  %most = load atomic i64, ptr <MAX_SHARES> seq_cst, align 8
  %grain = load atomic i64, ptr <GRAIN> seq_cst, align 8
  %grains = sdiv i64 %work, %grain
  %worth = add i64 %grains, 1
  %limit = call i64 @llvm.smin.i64(i64 %most, i64 %worth)
  %shares = call i64 @llvm.smin.i64(i64 %n, i64 %limit)
  %answer = cmpxchg ptr <BUSY>, i64 0, i64 1 seq_cst seq_cst
  %mine = extractvalue {{ i64, i1 }} %answer, 1
  br i1 %mine, label %share.out, label %alone
alone:
  %share = phi i64 [ 0, %entry ], [ %next, %one ]
  %more = icmp slt i64 %share, %shares
  br i1 %more, label %one, label %end
one:
  call void @run_share(ptr %function, ptr %data, i64 %n, i64 %share, i64 %shares)
  %next = add i64 %share, 1
  br label %alone
share.out:
  store atomic ptr %function, ptr <FUNCTION> seq_cst, align 8
  store atomic ptr %data, ptr <DATA> seq_cst, align 8
  store atomic i64 %n, ptr <EXTENT> seq_cst, align 8
  store atomic i64 %shares, ptr <LEFT> seq_cst, align 8
  %before = load atomic i64, ptr <STATE> seq_cst, align 8
  %old = ashr i64 %before, 32
  %ticket = add i64 %old, 1
  %high = shl i64 %ticket, 32
  %low = shl i64 %shares, 16
  %state = or i64 %high, %low
  store atomic i64 %state, ptr <STATE> seq_cst, align 8
  call void @perhaps_wake(i64 %work)
  call void @take_shares()
  call void @wait_for_others()
  store atomic i64 0, ptr <BUSY> seq_cst, align 8
  br label %end
end:
  ret i64 %shares
}}
"""
PAUSE = "call void @llvm.x86.sse2.pause()"  # tells the core that this is a waiting loop


def pool_text() -> str:
    """The module: `pool_run` and `pool_work`."""
    declare = "declare void @llvm.x86.sse2.pause()" if X86 else ""
    text = TEXT.format(declare_pause=declare, pause=PAUSE if X86 else "", patience=PATIENCE)
    return re.sub("<([A-Z_]+)>", lambda found: _word(found[1]), text)


def _word(name: str) -> str:
    """The address of a word."""
    return f"getelementptr (i64, ptr @{POOL}, i64 {globals()[name]})"
