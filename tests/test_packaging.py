"""The package as it is built: which folders it has, what imports what, what stays unloaded."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"tensorflow", "keras"}


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def starts(module: str, *packages: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in packages)


def test_the_list_of_packages_is_the_tree():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in (ROOT / "neurotask").rglob("__init__.py")}
    names = {".".join(path.relative_to(ROOT).parts) for path in folders}
    # rglob does not follow the links to tasks/ and curricula/ in every Python.
    assert set(listed) == names | {"neurotask.tasks", "neurotask.curricula"}
    assert listed == sorted(listed)


def test_the_links_are_there():
    for name in ("tasks", "curricula"):
        assert (ROOT / "neurotask" / name / "__init__.py").read_text() == (
            ROOT / name / "__init__.py"
        ).read_text()


def test_task_and_curriculum_files_shadow_no_module():
    for path in python_files("tasks", "curricula"):
        assert path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("folder", ["tasks", "curricula"])
def test_the_bare_folders_refuse_to_be_imported(folder):
    code = f"import {folder}"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert f"Import `neurotask.{folder}`, not the folder" in run.stderr


def test_who_may_import_whom():
    backend = [p for p in python_files("neurotask/backend")]
    analysis = [p for p in python_files("neurotask/analysis")]
    fronts = {"cli.py", "_cli_rules.py", "__main__.py", "runs.py", "testing.py"}
    fronts |= {"rules.py", "losses.py", "regularizers.py", "initializers.py"}
    side = [p for p in (ROOT / "neurotask").glob("*.py") if p.name not in fronts]
    rules = [
        (python_files("tasks"), ("neurotask.backend", "neurotask.analysis", *HEAVY)),
        (side, ("neurotask.backend", *HEAVY)),
        (analysis, ("neurotask.backend", "neurotask.task", *HEAVY)),
        (backend, ("neurotask.analysis", "neurotask.report")),
        ([*backend, *analysis, *side, *python_files("tasks")], ("neurotask.cli",)),
    ]
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for paths, forbidden in rules
        for path in paths
        for module in imports(path)
        if starts(module, *forbidden)
    ]
    assert not wrong


@pytest.mark.parametrize(
    "code",
    [
        "import neurotask",
        "import neurotask; dir(neurotask); neurotask.load('rdm').trials(2)",
        "from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination",
        "import neurotask; neurotask.analysis.psychometric; neurotask.analysis.pca",
        "import neurotask; neurotask.compare; neurotask.load_comparison",
    ],
)
def test_what_loads_no_tensorflow(code):
    check = "import sys; assert not {'tensorflow', 'keras'} & set(sys.modules), 'loaded'"
    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)


def test_functions_and_files_of_one_name_do_not_collide():
    # Importing the file first must not turn `analysis.pca` into a module.
    code = (
        "import neurotask as nt; import neurotask.analysis.population.pca, neurotask.load; "
        "assert callable(nt.analysis.pca) and callable(nt.load)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there():
    import neurotask as nt

    for name in dir(nt):
        assert getattr(nt, name) is not None


def test_the_wheel_is_whole(tmp_path):
    copy = tmp_path / "source"
    ignore = shutil.ignore_patterns(".git", ".venv", "build", "dist", "*.egg-info", "runs")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, copy]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("neurotask_rnn-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    for folder, place in (("neurotask", ""), ("tasks", "neurotask/"), ("curricula", "neurotask/")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert place + path.relative_to(ROOT).as_posix() in held
    assert {name.partition("/")[0] for name in held} == {"neurotask", wheel.stem[: -len("-py3-none-any")] + ".dist-info"}  # fmt: skip
    code = (
        "import neurotask as nt; print(nt.__file__, len(nt.load('rdm').trials(3)), "
        "len(nt.data.roitman_shadlen_2002()), callable(nt.analysis.pca))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == [str(tmp_path / "site/neurotask/__init__.py"), "3", "12", "True"]
