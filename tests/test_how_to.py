"""The how-to pages run as they stand, in an empty folder."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "how_to"


@pytest.mark.parametrize("page", ["gymnasium", "tasks"])
def test_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (FOLDER / f"{page}.md").read_text()
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    assert len(blocks) >= 4
    # Classes of a page are looked up in the module they name.
    names: dict = {"__name__": "__main__"}
    for block in blocks:
        exec(block, names)
    assert not list(tmp_path.iterdir())
    expected = {"gymnasium": ("session", "worlds"), "tasks": ("both", "trials")}[page]
    assert all(name in names for name in expected)
