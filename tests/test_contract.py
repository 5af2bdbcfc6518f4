"""What every task of the library keeps, each found by itself."""

import ast
import dataclasses
import re
import subprocess
import sys

import pytest

import neurotask as nt
from neurotask.load import library, source_file, task_names

LIBRARY = library()


@pytest.mark.parametrize("name", LIBRARY)
def test_it_keeps_the_contract(name):
    contract = nt.testing.check_task(LIBRARY[name]())
    assert contract.easy >= 0.99


@pytest.mark.parametrize("name", LIBRARY)
def test_it_names_its_source(name):
    text = ast.get_docstring(ast.parse(source_file(LIBRARY[name]()).read_text("utf-8")))
    source = text[text.index("\nSource: ") :]
    assert re.search(r"\((1[89]|20)\d\d\)", source)


@pytest.mark.parametrize("name", LIBRARY)
def test_it_tells_what_it_probes_and_how_well_it_is_learned(name):
    task = LIBRARY[name]()
    assert task.function not in ("", "other")
    assert task.expected_score is None or 0.5 <= task.expected_score <= 1.0
    text = "".join(parent.__doc__ for parent in type(task).__mro__)
    for setting in dataclasses.fields(task):
        if getattr(task, setting.name) == nt.Derived():  # nothing to set
            continue
        assert f"    {setting.name}: " in text, setting.name


def test_no_two_tasks_go_by_one_name():
    names = [name for task in LIBRARY.values() for name in {n.lower() for n in task_names(task)}]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_the_task_side_needs_no_tensorflow():
    code = (
        "import sys, neurotask as nt; from neurotask.load import library; "
        "[task().trials(2) for task in library().values()]; nt.testing, nt.MultiTask, nt.Ring; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
