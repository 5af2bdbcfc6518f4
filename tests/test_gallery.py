"""The page of all tasks: every task on it, with its figure and what its file says."""

import matplotlib.pyplot as plt
import pytest

import neurotask as nt
from neurotask import _gallery
from neurotask.load import library


def some(monkeypatch, *names):
    monkeypatch.setattr(_gallery, "library", lambda: {name: library()[name] for name in names})


def test_each_task_has_a_figure_and_its_words(tmp_path, monkeypatch):
    names = ("go_no_go", "n_back", "memory_guided_response", "perceptual_discrimination")
    some(monkeypatch, *names)
    seen = []
    page = _gallery.write_gallery(tmp_path / "gallery", seen.append)
    text = page.read_text("utf-8")
    assert page == tmp_path / "gallery" / "index.html"
    assert seen == list(names)
    for name in names:
        assert (page.parent / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f'id="{name}"' in text and f'src="{name}.png"' in text
    assert "Source: " in text and "odr, dlygo" in text
    assert "target_0 ... target_31" in text  # a ring in one word
    assert "<h2>inhibition</h2>" in text and "<h2>working memory</h2>" in text
    assert '<a href="#go_no_go">GoNoGo <code>go_no_go</code></a>' in text  # what to type
    assert "`" not in text and "neurotask copy go_no_go" in text
    assert not plt.get_fignums()


def test_what_a_user_wrote_is_text_on_the_page(tmp_path, monkeypatch):
    some(monkeypatch, "go_no_go")
    monkeypatch.setattr(_gallery, "_text_and_source", lambda kind: (["a <b> & c, `d <e>`"], "`f`"))
    text = _gallery.write_gallery(tmp_path / "gallery").read_text("utf-8")
    assert "a &lt;b&gt; &amp; c, <code>d &lt;e&gt;</code>" in text
    assert "Source: <code>f</code>" in text


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(FileExistsError, match=r"`--gallery` must be a new folder, but .* exists"):
        _gallery.write_gallery(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_gallery_that_fails_leaves_nothing(tmp_path, monkeypatch):
    some(monkeypatch, "go_no_go", "n_back")
    monkeypatch.setattr(type(nt.load("n_back")), "plot", lambda self, seed: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _gallery.write_gallery(tmp_path / "gallery")
    assert not list(tmp_path.iterdir())
