"""An operator at work: commands run in this process or as the installed executable, in an environment of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from kalends.cli.application import app
from tests.leaks import LISTENER

EXECUTABLE = Path(sys.executable).with_name("kalends")
PATIENCE_SECONDS = 60


@dataclass
class Operator:
    """Somebody who types commands; `environment` is all that the commands are told."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {"KALENDS_DATA_DIR": str(self.folder / "data"), **self.environment}

    def run(self, *arguments: str, typed: str | None = None, code: int = 0) -> Result:
        """Run a command in this process and expect its exit code."""
        hidden = dict.fromkeys(name for name in os.environ if name.startswith("KALENDS_"))
        result = CliRunner().invoke(app, list(arguments), input=typed, env={**hidden, **self.environment})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, f"{arguments}: {result.exit_code}\n{result.stdout}\n{result.stderr}"
        return result

    def json(self, *arguments: str, typed: str | None = None, code: int = 0) -> Any:
        """Run a command with `--json` and return the one document on its standard output."""
        return json.loads(self.run(*arguments, "--json", typed=typed, code=code).stdout)

    def execute(self, *arguments: str, typed: str = "", code: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run the installed executable in an otherwise empty environment and expect its exit code."""
        done = subprocess.run(
            [EXECUTABLE, *arguments],
            input=typed,
            env=self._bare(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        LISTENER.hear(done.stderr)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def started(self, *arguments: str) -> "Iterator[Started]":
        """Start the installed executable; it is ended with the test however that ends."""
        errors = self.folder / "stderr"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [EXECUTABLE, *arguments],
                env=self._bare(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            yield Started(process, errors)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()
            LISTENER.hear(errors.read_text())

    def _bare(self) -> Mapping[str, str]:
        return {"PATH": os.defpath, "HOME": str(self.folder), **self.environment}


@dataclass(frozen=True)
class Started:
    """A command that goes on running."""

    process: "subprocess.Popen[str]"
    errors: Path

    def document(self) -> Any:
        """Read the JSON document that it prints, which ends at the closing brace in the first column."""
        assert self.process.stdout is not None
        read = []
        for text in self.process.stdout:
            read.append(text)
            if text.startswith("}"):
                return json.loads("".join(read))
        raise AssertionError(f"it ended: {''.join(read)}\n{self.errors.read_text()}")

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)
