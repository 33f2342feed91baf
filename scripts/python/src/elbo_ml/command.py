"""The elbo command: where it is, and calls of it whose failures are exceptions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class ElboError(RuntimeError):
    """A call of the command that failed.

    ``status`` is its exit status: 1 the training failed, 2 a mistake in what was asked. The text is the line in which the
    command says what is wrong and what to do.
    """

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status

    def __reduce__(self):
        return ElboError, (str(self), self.status)


def command() -> str:
    """The path of the elbo command: the environment variable ``ELBO``, then ``PATH``, then the build of this checkout.

    Raises ``ElboError`` where there is none.
    """
    named = os.environ.get("ELBO")
    if named:
        if not os.access(named, os.X_OK):
            raise ElboError(f"the environment variable ELBO is {named}, which cannot be executed", 2)
        return named
    found = shutil.which("elbo")
    if found:
        return found
    for folder in Path(__file__).resolve().parents:
        built = folder / ".build" / "release" / "elbo"
        if os.access(built, os.X_OK):
            return str(built)
    raise ElboError(
        "there is no elbo command: build it with `scripts/run`, and set the environment variable ELBO to its path", 2)


def call(arguments: Sequence[str], *, shows_progress: bool = False) -> str:
    """Runs the command and returns its standard output.

    Ctrl-C is passed on once and waited for, so a training writes its checkpoint; then ``KeyboardInterrupt`` is raised.
    Raises ``ElboError`` with the last line of standard error where the exit status is not 0.
    """
    process = subprocess.Popen(
        [command(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=None if shows_progress and _is_file(sys.stderr) else subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, errors = process.communicate()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode != 0:
        lines = [line for line in (errors or "").splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("elbo: ")] or lines[-1:]
        message = said[-1].removeprefix("elbo: ") if said else f"elbo ended with status {process.returncode}"
        raise ElboError(message, process.returncode)
    return output


def version() -> str:
    """What ``elbo --version`` says."""
    return call(["--version"]).strip()


def _is_file(stream) -> bool:
    """Whether a subprocess can write to a stream: that of a notebook has no file."""
    try:
        return stream.fileno() == 2
    except (AttributeError, OSError, ValueError):
        return False
