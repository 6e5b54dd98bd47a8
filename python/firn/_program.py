"""The program firn in a process of its own, its output read through Python."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from .errors import CODES, FailureError


def run(words: Sequence[str], tell: Callable[[str], None] | None = None) -> str:
    """What it prints; ``tell`` hears each line of its messages. Raises what its exit code stands for, with its text.
    Ctrl-C is handed on, once: the program keeps what is to be kept."""
    command = [sys.executable, "-m", "firn", *words]
    # In a session of its own: from a terminal it would be told twice, and a second time ends it at once.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        said = ""
        try:
            for line in process.stderr:
                said = line
                if tell is not None and not line.startswith("firn: "):
                    tell(line.rstrip("\n"))
            out = process.stdout.read()
            code = process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.communicate()
            raise
    if code == 0:
        return out
    if code in (128 + signal.SIGINT, -signal.SIGINT):
        raise KeyboardInterrupt
    text = said.strip().removeprefix("firn: ")
    operation = text[1 : text.index("]")] if text.startswith("[") and "]" in text else ""
    raise next((kind for kind, of in CODES.items() if of == code), FailureError)(text, operation)
