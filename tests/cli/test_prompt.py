"""Passwords: at the hidden prompt of a real terminal, and on standard input."""

import os
import pty
import subprocess
import sys
import time
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
import typer

from kalends.cli.secrets import read_secret
from tests.cli.operator import EXECUTABLE, PATIENCE_SECONDS

AT_A_TERMINAL = "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execv(sys.argv[1], sys.argv[1:])"
"""Opening the terminal anew makes it the one by which Ctrl-C is sent."""
CTRL_C = b"\x03"


def test_ctrl_c_at_the_prompt_is_exit_code_130(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    to = ("--schedule", "s", "--provider", "p", "--email", "e@example.org")
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, EXECUTABLE, "connection", "connect", *to],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "TERM": "xterm"},
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        _await(ours, b"Password")
        os.write(ours, CTRL_C)
        assert process.wait(PATIENCE_SECONDS) == 130
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def test_a_password_that_is_no_text_is_refused_unquoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"hush\xffhush\n"), "utf-8"))
    with pytest.raises(typer.BadParameter, match="not in UTF-8") as refused:
        read_secret("Password", from_stdin=True, option="--password-stdin")
    assert "hush" not in str(refused.value)


def _await(terminal: int, text: bytes) -> None:
    shown, deadline = b"", time.monotonic() + PATIENCE_SECONDS
    while text not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(terminal, 1024)
