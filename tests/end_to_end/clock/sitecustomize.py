"""A clock that a test sets, in every process that has this folder on its PYTHONPATH (tests/end_to_end/machine.py).

The file named by SHIFTED_CLOCK holds the seconds to add to the time of day. In the daemon they are added to `time.time` too, and a thread
that waits goes on as soon as the shifted clock says so: a scheduler that sleeps until the next minute wakes up when the next day is set.
In other processes `time.time` stays: by it Dagster's servers notice that nobody needs them any more, and end.
"""

import ctypes
import gc
import mmap
import os
import struct
import sys
import threading
import time
from datetime import datetime, tzinfo
from pathlib import Path

STEP = 0.1  # seconds after which a waiting thread looks at the clock again


def follow(path: Path) -> None:
    real, wait = time.time, threading.Event.wait
    with path.open("rb") as file:
        shift = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)

    def now() -> float:
        return real() + struct.unpack("d", shift)[0]

    def now_as_datetime(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
        return cls.fromtimestamp(now(), tz)

    def wait_by_the_clock(event: threading.Event, timeout: float | None = None) -> bool:
        end = None if timeout is None else now() + timeout
        while not wait(event, STEP):
            if end is not None and now() >= end:
                return False
        return True

    # `datetime` is written in C: its method can be replaced only in the dictionary behind its read-only __dict__.
    gc.get_referents(datetime.__dict__)[0]["now"] = classmethod(now_as_datetime)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))
    if "dagster._daemon" in sys.orig_argv:
        time.time, threading.Event.wait = now, wait_by_the_clock


if path := os.environ.get("SHIFTED_CLOCK"):
    follow(Path(path))
