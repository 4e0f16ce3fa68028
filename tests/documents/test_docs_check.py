"""The check of the documents: what it runs, what it finds, and the only snippets that it leaves out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docs_check.__main__ import BY_THEMSELVES, WITH_A_SERVICE
from scripts.docs_check.links import broken_links
from scripts.docs_check.pages import Page, PageRefused, Snippet, read_page
from scripts.docs_check.running import Prompt, SnippetFailed
from scripts.docs_check.tree import ROOT, files

NOT_RUN = {
    ("README.md", "git clone <this repository> kalends && cd kalends", "it clones the repository"),
    ("docs/getting-started.md", "git clone <this repository> kalends && cd kalends", "it clones the repository"),
    ("docs/python-client.md", "pip install <the folder of your clone>", "it is about your own environment"),
    ("docs/sdk.md", "cd tests/sdk", "it needs credentials of yours"),
    ("docs/getting-started.md", "export CALDAV_URL=https://caldav.example.com", "it names an account of yours"),
}
"""Every snippet that is shown only: its page, its first line, the reason."""


def written(folder: Path, text: str) -> Page:
    path = folder / "page.md"
    path.write_text(text)
    return read_page(path)


def typed(folder: Path, text: str) -> int:
    return Prompt(folder, {"PATH": os.environ["PATH"]}).run(written(folder, text))


def test_only_these_snippets_are_not_run() -> None:
    pages = [read_page(ROOT / name) for name in (*BY_THEMSELVES, *WITH_A_SERVICE)]
    found = {
        (str(page.path.relative_to(ROOT)), one.text.splitlines()[0], one.not_run)
        for page in pages
        for one in page.snippets
        if one.not_run is not None
    }
    assert found == NOT_RUN


def test_every_page_can_be_read_and_has_something_in_it() -> None:
    pages = [read_page(path) for path in files("*.md")]
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} <= {page.path.name for page in pages}
    assert all(page.anchors for page in pages)
    for name in (*BY_THEMSELVES, *WITH_A_SERVICE):
        assert any(one.not_run is None for one in read_page(ROOT / name).snippets)


def test_snippets_share_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    text = (
        "```sh\nNAME=ada\nexport OTHER='a\nb'\ncd inside\n```\n\n"
        '```sh\ntest "$NAME" = ada\ntest "$(basename "$PWD")" = inside\n```\n\n'
        "```python\nimport os\nassert os.environ['OTHER'] == 'a\\nb'\nassert os.getcwd().endswith('inside')\n```\n"
    )
    assert typed(tmp_path, text) == 3


@pytest.mark.parametrize(
    ("snippet", "said"),
    [
        ("```sh\necho before\nfalse\necho after\n```", "before\n"),
        ("```sh\necho ${NOT_SET}\n```", "NOT_SET"),
        ("```python\nraise SystemExit('no good')\n```", "no good"),
        ("<!-- keeps running: ready -->\n```sh\necho never; exec sleep 0\n```", "did not come to say 'ready'"),
        (
            "<!-- keeps running: ready -->\n```sh\necho ready; exec sleep 60\n```\n\n```sh\nexec sleep 9\n```",
            "took longer than 1 s",
        ),
    ],
)
def test_a_snippet_that_fails_is_found(
    tmp_path: Path, snippet: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.docs_check.running.SECONDS", 1)
    with pytest.raises(SnippetFailed) as failed:
        typed(tmp_path, snippet)
    assert said in str(failed.value)
    assert "after" not in str(failed.value)
    assert str(failed.value).startswith("line ")


def test_what_keeps_running_is_there_for_the_others_and_is_ended(tmp_path: Path) -> None:
    server = (
        "import signal, sys, time; print('up', flush=True); signal.signal(2, lambda *_: sys.exit(0)); time.sleep(60)"
    )
    text = (
        f'<!-- keeps running: up -->\n```sh\necho $$ > pid; exec {sys.executable} -c "{server}"\n```\n\n'
        '```sh\nkill -0 "$(cat pid)"\n```\n'
    )
    assert typed(tmp_path, text) == 2
    pid = int((tmp_path / "pid").read_text())
    assert subprocess.run(["/bin/kill", "-0", str(pid)], capture_output=True, check=False).returncode != 0


def test_marks_are_read_and_mistakes_in_them_are_refused(tmp_path: Path) -> None:
    page = written(tmp_path, "<!-- not run: a reason -->\n```sh\nfalse\n```\n\n```text\nshown\n```\n")
    assert page.snippets == (Snippet(2, "sh", "false\n", not_run="a reason"),)
    assert typed(tmp_path, "<!-- not run: a reason -->\n```sh\nfalse\n```\n") == 0
    for wrong in ("```\nfalse\n```", "```bash\nfalse\n```", "<!-- norun: typo -->\n```sh\nfalse\n```"):
        with pytest.raises(PageRefused, match=r"page\.md:1"):
            written(tmp_path, wrong)


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("other.md", None),
        ("other.md#a-heading-with-code", None),
        ("other.md#twice-1", None),
        ("#here", None),
        ("https://example.org/a#b", None),
        ("missing.md", "does not exist"),
        ("other.md#missing", "has no such heading"),
        ("#missing", "has no such heading"),
        ("../../outside.md", "leaves the repository"),
        ("http://example.org", "is no https address"),
        ("https://localhost/", "is no https address"),
    ],
)
def test_links_are_followed(tmp_path: Path, link: str, wrong: str | None) -> None:
    (tmp_path / "other.md").write_text("# A heading, with `code`\n\n## Twice\n\n## Twice\n")
    page = written(tmp_path, f"# Here\n\n[a link]({link})\n")
    broken = list(broken_links([page], tmp_path))
    assert bool(broken) == bool(wrong)
    if wrong:
        assert wrong in broken[0]
        assert "page.md:3" in broken[0]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [*BY_THEMSELVES, *WITH_A_SERVICE])
def test_the_snippets_of_the_page_do_what_it_says(page: str) -> None:
    check = [sys.executable, "-m", "scripts.docs_check", page]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
