"""The program firn: ``python -m firn train --model cnn --data digits``, or ``firn`` where pip has put it."""

from __future__ import annotations

import signal
import sys

from . import _core
from .errors import CODES, Error


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return _core.run_command(sys.argv[1:])
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Error as error:
        print("firn:", str(error).replace("\n", " "), file=sys.stderr)
        return next((code for kind, code in CODES.items() if isinstance(error, kind)), 1)


if __name__ == "__main__":
    sys.exit(main())
