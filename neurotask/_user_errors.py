"""Mistakes of users as one message, without a traceback; faults of the package keep theirs."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import typer

_MISTAKES = (ValueError, TypeError, FloatingPointError, RuntimeError)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn an error of a user, of a task's file or of the disk into a message and exit code 1.

    An error that passed through a task's own file names the file and the line. Any other, from a
    library under the package, is a bug to be found: it keeps its traceback. An interrupt ends with
    exit code 130.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        _say("Interrupted.", error)
        raise typer.Exit(130) from None
    except OSError as error:
        _say(f"Error: {_of_disk(error)}", error)
        raise typer.Exit(1) from None
    except Exception as error:
        where = _place_in_task_file(error.__traceback__)
        if where:
            _say(f"Error: {where}: {type(error).__name__}: {error}", error)
        elif isinstance(error, _MISTAKES) and _is_ours(error.__traceback__):
            _say(f"Error: {error}", error)
        else:
            raise
        raise typer.Exit(1) from None


def _of_disk(error: OSError) -> str:
    """Return the message of an error of the disk, with the name that a file was to have."""
    if error.strerror is None or not isinstance(error.filename, (str, os.PathLike)):
        return str(error)
    path = os.fspath(error.filename)
    # While they are written, folders are .NAME-01234567 and files .01234567-NAME.
    path = re.sub(r"(?<![^/\\])\.([^/\\]+)-[0-9a-f]{8}(?![^/\\])", r"\1", path)
    path = re.sub(r"(?<![^/\\])\.[0-9a-f]{8}-", "", path)
    return (
        f"`{path}` must be a path that can be read or written, got: {error.strerror}. Choose "
        "another."
    )


def _say(message: str, error: BaseException) -> None:
    for text in (message, *getattr(error, "__notes__", ())):
        typer.echo(text, err=True)


def _place_in_task_file(traceback: TracebackType | None) -> str:
    """Return the deepest line of a bare task file that an error passed through, "" for none."""
    place = ""
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__", "").startswith("_neurotask_file_"):
            place = f"{traceback.tb_frame.f_code.co_filename}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def _is_ours(traceback: TracebackType | None) -> bool:
    """Whether the innermost frame, where the error was raised, is the package's."""
    name = ""
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        traceback = traceback.tb_next
    return name.partition(".")[0] == "neurotask"
