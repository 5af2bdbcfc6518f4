"""The how-to pages run as they stand, in an empty folder."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from neurotask._cli_rules import table_lines

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted([*DOCS.glob("how_to/*.md"), *DOCS.glob("explanations/*.md")])

# What each page defines, and the files that it leaves.
RUN = {
    "behaviour": ("times fits kernel timing sample D", ""),
    "circuit": ("currents structure spectrum lesions doses curve", "currents.png"),
    "comparing": ("c test held_out fits network run again", "speed.pdf"),
    "connectivity": ("table long_range", "connectivity.png"),
    "curricula": ("ladder staircase mine", "my_ladder.py"),
    "dynamics": ("points line mine", ""),
    "exporting": ("again table rates few", "session.nc session.nwb trials.csv rates.csv"),
    "extending": ("session gap", "my_model.py network.keras network.npz ring.keras use.py"),
    "gymnasium": ("session worlds", ""),
    "losses": ("chooser fourth_power", "network.keras"),
    "models": (
        "same parameters gap",
        "network.keras network.npz network.safetensors simulate.py",
    ),
    "networks": ("history session accuracy one rates ranks", "network.keras"),
    "perturbations": ("table fading gap", ""),
    "population": ("session pca held tdr dpca jpca recording", ""),
    "psychometrics": ("fit told step fits animals", "psychometric.png"),
    "rules": ("history online found table follow error gap shaken", ""),
    "runs": ("same went_on longer", ""),
    "speed": ("model outputs exact behaviour", ""),
    "tasks": ("both trials", ""),
    "units": ("session found choice pairs arrays", ""),
}
# What the scripts of pages say, each run by a Python of its own.
SAY = {"simulate.py": "False", "use.py": 'load_model(path, code="my_model.py")'}

# A block of Python, or a command that runs a file; a block is a file if it begins with its name.
PART = re.compile(r"```python\n(.*?)```|^    python (\S+\.py)$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\S+\.py)\n")


@pytest.mark.parametrize("page", RUN)
def test_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    parts = PART.findall((DOCS / "how_to" / f"{page}.md").read_text())
    assert len(parts) >= 4
    # Classes of a page are looked up in the module they name.
    names: dict = {"__name__": "__main__"}
    for code, script in parts:
        if script:
            done = subprocess.run([sys.executable, script], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert SAY[script] in done.stdout
        elif file := FILE.match(code):
            Path(file[1]).write_text(code)
        else:
            exec(code, names)
    plt.close("all")
    expected, files = RUN[page]
    assert all(name in names for name in expected.split())
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == set(files.split())
    for made in tmp_path.glob("*.png"):
        kept = plt.imread(DOCS / "images" / made.name)
        assert np.abs(plt.imread(made) - kept).mean() < 0.02  # fonts may differ a little


def test_the_page_on_rules_has_the_list_of_the_command_line():
    text = (DOCS / "how_to/rules.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert tables[0].splitlines() == table_lines()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(page):
    for target in re.findall(r'(?:\]\(|src=")((?!http)[^)"#]+)', page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(("law", "silent"), [("magnitude", False), ("projection", True)])
def test_one_law_silences_synapses(law, silent):
    script = runpy.run_path(str(DOCS / "explanations" / "dale.py"))
    result = script["train"](law, rate=0.01, seed=0, updates=100)
    assert (result["silent 100"] > 0.01) == silent
    assert result["silent 100"] == 0 or silent
