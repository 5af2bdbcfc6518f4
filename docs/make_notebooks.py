"""Makes the notebook beside each tutorial, executed: `make notebooks`."""

import tempfile
from pathlib import Path

import jupytext
import nbclient
import nbformat

TUTORIALS = Path(__file__).parent / "tutorials"


def make(text: Path) -> None:
    """Execute a tutorial in a folder of its own and put the notebook beside its text."""
    notebook = jupytext.read(text)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        nbclient.NotebookClient(notebook, timeout=600, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of day at which cells ran
        if cell.cell_type == "code":
            # TensorFlow writes of the machine that it starts on, whatever it is told.
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    nbformat.write(notebook, text.with_suffix(".ipynb"))


if __name__ == "__main__":
    for text in sorted(TUTORIALS.glob("*.md")):
        make(text)
