# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Telling the person what happens, step by step, and how long it took."""

import contextlib
import io
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO


class Progress:
    """Lines of finished steps; on a terminal also what is under way.

    Steps may run in several threads at once.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._live = self._out.isatty()
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._open: dict[str, float] = {}
        self._ticker: threading.Thread | None = None

    @classmethod
    def silent(cls) -> "Progress":
        """One that tells nobody."""
        return cls(io.StringIO())

    def seconds(self) -> float:
        """Since this was made."""
        return time.monotonic() - self._began

    def heading(self, text: str) -> None:
        self._print(f"\n{self._bold(text)}")

    def line(self, text: str = "") -> None:
        self._print(text)

    def done(self, text: str, seconds: float, note: str = "") -> None:
        """A finished step."""
        self._print(
            f"  {self._green('✓')} {text:<52}{seconds:7.1f} s"
            + (f"  {note}" if note else "")
        )

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """A step that is under way until the block is left."""
        began = time.monotonic()
        with self._lock:
            self._open[text] = began
        self._tick()
        try:
            yield
        except BaseException:
            self._close(text)
            self._print(
                f"  {self._red('✗')} {text:<52}"
                f"{time.monotonic() - began:7.1f} s"
            )
            raise
        self._close(text)
        self.done(text, time.monotonic() - began)

    def _close(self, text: str) -> None:
        with self._lock:
            self._open.pop(text, None)

    def _print(self, text: str) -> None:
        with self._lock:
            if self._live:
                self._out.write("\r\033[K")
            self._out.write(text + "\n")
            self._out.flush()

    def _tick(self) -> None:
        """Keep a last line with the open steps, on a terminal only."""
        if not self._live or (self._ticker and self._ticker.is_alive()):
            return
        self._ticker = threading.Thread(target=self._show, daemon=True)
        self._ticker.start()

    def _show(self) -> None:
        while True:
            with self._lock:
                if not self._open:
                    self._out.write("\r\033[K")
                    self._out.flush()
                    return
                text, began = next(iter(self._open.items()))
                more = len(self._open) - 1
                line = f"  … {text} ({time.monotonic() - began:.0f} s)"
                if more:
                    line += f" and {more} more"
                self._out.write(f"\r\033[K{line[:100]}")
                self._out.flush()
            time.sleep(0.2)

    def _bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self._live else text

    def _green(self, text: str) -> str:
        return f"\033[32m{text}\033[0m" if self._live else text

    def _red(self, text: str) -> str:
        return f"\033[31m{text}\033[0m" if self._live else text
