"""firn among the libraries whose threads threadpoolctl counts and limits."""

from __future__ import annotations

from typing import Any

from . import _core


def register() -> None:
    """Makes ``threadpoolctl.threadpool_limits`` hold for firn too, where threadpoolctl is installed."""
    try:
        from threadpoolctl import LibController, register  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return

    class Firn(LibController):  # type: ignore[misc,unused-ignore]
        user_api = "firn"
        internal_api = "firn"
        filename_prefixes = ("_core",)
        check_symbols = ("firn_python_module",)

        def get_num_threads(self) -> int:
            return _core.threads()

        def set_num_threads(self, num_threads: int) -> None:
            _core.set_threads(num_threads)

        def get_version(self) -> str:
            return _core.version()

        def set_additional_attributes(self) -> Any:
            pass

    register(Firn)
