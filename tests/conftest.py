"""Shared by all tests: TensorFlow kept quiet, figures kept off screens."""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import pytest

import neurotask as nt

# The scripts there import what their pages share, as they do when run by name.
sys.path.append(str(Path(__file__).parents[1] / "docs" / "reproductions"))


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test has drawn."""
    yield
    plt.close("all")


@pytest.fixture
def task():
    return nt.load("perceptual_discrimination")
