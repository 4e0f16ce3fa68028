"""Runs the snippets of a page in order, in one folder and one environment, as a reader would at one prompt.

What a shell snippet exports, or where it goes by `cd`, holds for those after it. A command that fails ends its snippet
and the page.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.docs_check.pages import Page, Snippet

SECONDS = 120
"""How long a snippet may take, and how long one that keeps running may take to be ready, or to end when it is told."""
LOOK_EVERY = 0.1


class SnippetFailed(Exception):
    """A snippet did not do what its page promises; the message shows what it printed."""


class Prompt:
    """Where the snippets of one page are typed."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)

    def run(self, page: Page) -> int:
        """Run the snippets that are to be run and return how many were; raises `SnippetFailed`."""
        todo = [one for one in page.snippets if one.not_run is None]
        with ExitStack() as running:
            for snippet in todo:
                where = f"line {snippet.line}"
                if snippet.keeps_running is None:
                    self._to_its_end(snippet, where)
                else:
                    running.enter_context(_Background(self._command(snippet), snippet.keeps_running, self, where))
        return len(todo)

    @property
    def folder(self) -> Path:
        """The folder that the prompt is in."""
        return self._folder

    @property
    def environment(self) -> dict[str, str]:
        """What is exported at the prompt."""
        return dict(self._environment)

    def _to_its_end(self, snippet: Snippet, where: str) -> None:
        with TemporaryDirectory() as scratch:
            state = Path(scratch) / "state"
            command = self._command(snippet, leaving=state)
            process = subprocess.Popen(  # noqa: S603 - what the documents tell their readers to run
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
            try:
                printed, _ = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                printed, _ = process.communicate()
                raise SnippetFailed(f"{where}: took longer than {SECONDS} s\n{printed}") from None
            if process.returncode:
                raise SnippetFailed(f"{where}: ended with {process.returncode}\n{printed}")
            if state.is_file():
                self._take_over(state.read_bytes())

    def _command(self, snippet: Snippet, leaving: Path | None = None) -> list[str]:
        if snippet.language == "python":
            installed = self._folder / ".venv" / "bin" / "python"
            return [str(installed) if installed.exists() else sys.executable, "-c", snippet.text]
        if snippet.language == "javascript":
            script = self._folder / "snippet.mjs"
            script.write_text(snippet.text, encoding="utf-8")
            return ["node", str(script)]
        leave = f"{{ pwd; env -0; }} > '{leaving}'\n" if leaving else ""
        # exported whether or not they say so: at a prompt, what one line sets the next ones see
        return ["/bin/sh", "-euac", f"{snippet.text}\n{leave}"]

    def _take_over(self, state: bytes) -> None:
        folder, _, environment = state.decode().partition("\n")
        self._folder = Path(folder)
        found = dict(one.split("=", 1) for one in environment.split("\0") if "=" in one)
        self._environment = {name: value for name, value in found.items() if name not in {"_", "PWD", "SHLVL"}}


class _Background:
    """A snippet that goes on while the rest of the page is run; it has to end well when it is interrupted."""

    def __init__(self, command: list[str], ready: str, prompt: Prompt, where: str) -> None:
        self._command = command
        self._ready = ready
        self._prompt = prompt
        self._where = where
        self._stack = ExitStack()

    def __enter__(self) -> None:
        self._log = Path(self._stack.enter_context(TemporaryDirectory())) / "log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - what the documents tell their readers to run
                self._command,
                cwd=self._prompt.folder,
                env=self._prompt.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stack.callback(self._end_for_sure)
        deadline = time.monotonic() + SECONDS
        while self._ready not in self._printed():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = f"{self._where}: did not come to say {self._ready!r}\n{self._printed()}"
                self._stack.close()
                raise SnippetFailed(said)
            time.sleep(LOOK_EVERY)

    def __exit__(self, *_: object) -> None:
        with self._stack:
            if self._process.poll() is not None:
                raise SnippetFailed(f"{self._where}: ended by itself\n{self._printed()}")
            # as Ctrl-C does it: everything that the command started hears of it
            os.killpg(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                raise SnippetFailed(f"{self._where}: does not end on Ctrl-C\n{self._printed()}") from None

    def _end_for_sure(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _printed(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self._log.read_text(encoding="utf-8", errors="replace"))
