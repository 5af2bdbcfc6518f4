"""The command line: `neurotask tasks | show | train | resume | report | analyze` and more.

TensorFlow is imported by what trains, and by what shows a rule's settings, alone.
"""

import ast
import dataclasses
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from neurotask._user_errors import user_errors

app = typer.Typer(
    help="Cognitive tasks for recurrent networks, trained, shaped and read like animals.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK", help="A task of the library, or a file: ./my_task.py, my_task.py:Class."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of the task; may be repeated."),
]


@app.command("tasks")
def list_tasks(
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw all of them into a page, DIR/index.html."),
    ] = None,
) -> None:
    """List the tasks of the library by cognitive function."""
    if gallery is not None:
        _write_gallery(gallery)
        return
    from neurotask.load import library, summary

    groups: dict[str, list[str]] = {}
    for stem, task in library().items():
        lines = [f"  {stem}  ({task.__name__})", f"    {summary(task)}"]
        if task.aliases:
            lines.append(f"    also: {', '.join(task.aliases)}")
        groups.setdefault(task.function, []).append("\n".join(lines))
    typer.echo("\n\n".join(f"{name}\n{chr(10).join(groups[name])}" for name in sorted(groups)))


def _write_gallery(folder: Path) -> None:
    with user_errors():
        _check_place("--gallery", folder)
        import matplotlib

        matplotlib.use("agg")  # files are drawn, never windows
        from rich.console import Console

        from neurotask._gallery import write_gallery

        with Console(stderr=True).status("Drawing") as status:
            page = write_gallery(folder, lambda name: status.update(f"Drawing {name}"))
        typer.echo(f"Wrote {page}")


@app.command("curricula")
def list_curricula() -> None:
    """List the curricula of the library."""
    import inspect

    from neurotask.load import curriculum_library

    for stem, make in curriculum_library().items():
        about = inspect.getdoc(inspect.getmodule(make)) or ""
        typer.echo(f"{stem}\n    {about.partition(chr(10))[0]}")


@app.command("rules")
def list_rules(
    rule: Annotated[
        str | None, typer.Argument(metavar="[RULE]", help="A rule, to see its settings.")
    ] = None,
) -> None:
    """List the learning rules with what they cost, or show the settings of one."""
    from neurotask._cli_rules import list_text, listed_rules, rule_text

    if rule is None:
        typer.echo(list_text())
        return
    with user_errors():
        from neurotask._checks import choose

        name = choose("RULE", rule.lower(), [one.name for one in listed_rules()])
        with _quiet():
            from neurotask.backend.rules import named
        typer.echo(rule_text(named()[name]))


@app.command("show")
def show_trial(
    task: TaskArgument,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The figure; TASK.png unless given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the trial.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the task or a condition of the trial; may be repeated.",
        ),
    ] = None,
) -> None:
    """Draw a trial of a task: inputs, targets and what counts, in time."""
    with user_errors():
        import matplotlib

        matplotlib.use("agg")  # a file is drawn, never a window
        kind = _task_class(task)
        settings, conditions = _settings_and_conditions(kind, _values(set_))
        made = kind(**settings)
        out = Path(f"{_stem(kind)}.png") if out is None else out
        _check_figure_file(out)
        made.plot(seed=seed, **conditions).savefig(out, dpi=200)
        typer.echo(f"Wrote {out}")


@app.command("copy")
def copy_task(
    task: TaskArgument,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The new file; TASK.py here unless given."),
    ] = None,
) -> None:
    """Copy the file of a task, to be changed."""
    with user_errors():
        kind = _task_class(task)
        file = Path(f"{_stem(kind)}.py") if file is None else file
        if file.suffix != ".py":
            raise ValueError(f"`FILE` must end in .py, got {str(file)!r}. Name it so.")
        _check_place("FILE", file)
        if not file.parent.is_dir():
            raise FileNotFoundError(
                f"`FILE` must be in a folder that exists, but {file.parent} is none."
            )
        source = _source(kind).read_bytes()
        try:
            with file.open("xb") as new:
                new.write(source)
        except FileExistsError:
            raise FileExistsError(
                f"`FILE` must be a new file, but {file} exists. Give another name: neurotask copy "
                f"{task} my_{file.name}."
            ) from None
        typer.echo(f"Wrote {file}")


@app.command()
def train(
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK]",
            help="A task of the library, or a file: ./my_task.py, my_task.py:Class. With a "
            "curriculum it may be left out.",
        ),
    ] = None,
    curriculum: Annotated[
        str | None,
        typer.Option(metavar="C", help="A curriculum of the library, or a file: ./my_ladder.py."),
    ] = None,
    model: Annotated[str, typer.Option(help="Kind of network: rate, lstm or gru.")] = "rate",
    rule: Annotated[
        str, typer.Option(help="Learning rule; `neurotask rules` lists them.")
    ] = "bptt",
    feedback: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="How errors reach the units: symmetric, random, kolen_pollack, sign_concordant, "
            "broadcast; what is usual for the rule unless given.",
        ),
    ] = None,
    when: Annotated[
        str | None,
        typer.Option(
            metavar="trial|K", help="Learn after each trial, or each K steps, where the rule can."
        ),
    ] = None,
    units: Annotated[int, typer.Option(min=1, help="Number of units.")] = 50,
    dale: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of excitatory units; without it, any sign."),
    ] = None,
    updates: Annotated[
        int, typer.Option(min=1, help="Number of updates; with a curriculum, the most.")
    ] = 500,
    batch_size: Annotated[int, typer.Option(min=1, help="Trials an update.")] = 128,
    noise: Annotated[
        float | None, typer.Option(min=0, help="Standard deviation of unit noise, 0.05 for rate.")
    ] = None,
    tau: Annotated[
        float | None, typer.Option(help="Time constant of the units in ms, 100 for rate.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="Step size of Adam.")] = 0.001,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, trials and noise.")] = 0,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds from one checkpoint to the next.")
    ] = 30.0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="New run folder; runs/TASK or runs/C unless given."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the task or of the curriculum; may be repeated.",
        ),
    ] = None,
) -> None:
    """Train a network on a task or a curriculum, test it, and write a run folder with a report."""
    with user_errors():
        from neurotask._checks import choose, number
        from neurotask._run_files import new_folder

        name, learned = _what_to_learn(task, curriculum, _values(set_))
        out = new_folder("--out", Path("runs") / name if out is None else out)
        _check_place("--out", out)
        number("--learning-rate", learning_rate, low=0.0, above=True)
        choose("--model", model, ("rate", "lstm", "gru"))
        own = {name: value for name, value in (("tau", tau), ("noise", noise)) if value is not None}
        if model == "rate":
            own = {"noise": 0.05} | own
        with _quiet():
            import keras

            import neurotask as nt
            from neurotask._cli_rules import made_rule
        from neurotask.runs import train as train_run

        learning = made_rule(rule, feedback, when)

        network = {"rate": nt.RateRNN, "lstm": nt.LSTM, "gru": nt.GRU}[model].for_task(
            learned, units=nt.Units(units, excitatory=dale), seed=seed, **own
        )
        network.compile(keras.optimizers.Adam(learning_rate), rule=learning)
        plan: dict[str, Any] = {"updates": updates, "batch_size": batch_size, "seed": seed}
        plan["checkpoint_seconds"] = checkpoint_seconds
        _say_what_came_out(train_run(network, learned, out=out, **plan, live=True))


@app.command()
def compare(
    variants: Annotated[
        list[str],
        typer.Argument(
            metavar="C...",
            help="Curricula of the library or files, ./my_ladder.py; or tasks, to train on them "
            "alone.",
        ),
    ],
    task: Annotated[
        str | None,
        typer.Option(
            metavar="T", help="The task that all are for; what they lead to unless given."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Networks a variant, paired by seed.")] = 10,
    updates: Annotated[int, typer.Option(min=1, help="Updates a network at most.")] = 1000,
    batch_size: Annotated[int, typer.Option(min=1, help="Trials an update.")] = 128,
    units: Annotated[int, typer.Option(min=1, help="Number of units.")] = 50,
    learning_rate: Annotated[float, typer.Option(help="Step size of Adam.")] = 0.001,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Accuracy on the task that ends training.")
    ] = 0.9,
    every: Annotated[int, typer.Option(min=1, help="Updates between tests of it.")] = 50,
    trials: Annotated[int, typer.Option(min=1, help="Trials a test.")] = 256,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Networks trained at a time; all cores unless given.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder, new or of the same comparison, to go on."),
    ] = Path("comparison"),
    set_: SetOption = None,
) -> None:
    """Train networks by several curricula, in pairs by seed, and test which learns faster."""
    with user_errors():
        _check_place("--out", out)
        goal = None if task is None else _made_task(task, _values(set_))
        if goal is None and set_:
            raise ValueError("`--set` must come with a task, got none. Give --task too.")
        named = {Path(one).stem: _curriculum_or_task(one, goal) for one in variants}
        if len(named) < len(variants):
            raise ValueError(f"`C...` must be given once each, got {' '.join(variants)}.")
        import matplotlib

        matplotlib.use("agg")  # a file is drawn, never a window
        with _quiet():
            import keras  # noqa: F401 - now, and quietly

        from neurotask.comparison.compare import compare as compare_variants

        found = compare_variants(
            named,
            goal,
            seeds=seeds,
            updates=updates,
            batch_size=batch_size,
            units=units,
            learning_rate=learning_rate,
            threshold=threshold,
            every=every,
            trials=trials,
            processes=processes,
            out=out,
        )
        _say_what_differs(found)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder.")],
    updates: Annotated[
        int | None,
        typer.Option(min=1, help="Updates of the run in all, to make it longer."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Go on with other versions or changed code: other bits."),
    ] = False,
) -> None:
    """Go on with a run that was interrupted or killed, from its last checkpoint to its end."""
    with user_errors():
        from neurotask.runs import load_run

        found = load_run(run)
        with _quiet():
            import keras  # noqa: F401 - its start is what is kept quiet
        _say_what_came_out(found.resume(updates=updates, live=True, force=force))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder.")],
) -> None:
    """Make figures and report.html of a run folder again, from its other files."""
    with user_errors():
        from neurotask.runs import load_run

        typer.echo(f"Wrote {load_run(run).write_report()}")


@app.command()
def analyze(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder.")],
    seed: Annotated[int, typer.Option(help="Of what is random in the analyses.")] = 0,
) -> None:
    """Add to the report of a run all analyses that apply, each with its figure and table."""
    with user_errors(), _quiet():
        from neurotask.runs import load_run

        page = load_run(run).analyze(seed=seed, say=lambda name: typer.echo(f"  {name}"))
        typer.echo(f"Wrote {page}")


def _what_to_learn(
    task: str | None, curriculum: str | None, settings: dict[str, Any]
) -> tuple[str, Any]:
    """Return a name for the run, and the task or the curriculum."""
    kind = None if task is None else _task_class(task)
    if curriculum is None:
        if kind is None:
            raise ValueError("`TASK` must be given, or a curriculum: --curriculum NAME.")
        kind.check_settings(settings)
        return _stem(kind), kind(**settings)
    from neurotask.load import load_curriculum

    if kind is None:
        return Path(curriculum).stem, load_curriculum(curriculum, **settings)
    own = [field.name for field in dataclasses.fields(kind)]
    of_task = {name: value for name, value in settings.items() if name in own}
    others = {name: value for name, value in settings.items() if name not in own}
    return Path(curriculum).stem, load_curriculum(curriculum, task=kind(**of_task), **others)


def _made_task(source: str, settings: dict[str, Any]) -> Any:
    kind = _task_class(source)
    kind.check_settings(settings)
    return kind(**settings)


def _curriculum_or_task(source: str, goal: Any) -> Any:
    """Return the curriculum of a name or file, for the task `goal`; or a task, as it is."""
    from neurotask.load import load_curriculum

    try:
        return load_curriculum(source, **({} if goal is None else {"task": goal}))
    except ValueError as of_curriculum:
        try:
            kind = _task_class(source)
        except ValueError as of_task:
            raise ValueError(
                f"`C` must be a curriculum or a task, got {source!r}. {of_curriculum} {of_task}"
            ) from None
    same = goal is not None and type(goal) is kind
    return goal if same else kind()


def _say_what_differs(found: Any) -> None:
    found.table.to_csv(found.path / "comparison.csv", index=False)
    found.plot().savefig(found.path / "comparison.png", dpi=200)

    def told(value: float) -> str:
        return "never" if value == float("inf") else f"{value:.3g}"

    typer.echo(found.summary.to_string(float_format=told))
    if len(found.variants) > 1:
        names = ["a", "b", "pairs", "b_over_a", "a_smaller", "b_smaller", "ties", "p", "p_holm"]
        typer.echo("\nUpdates to the criterion, pairs of networks (Wilcoxon, exact; Holm):")
        typer.echo(found.test()[names].to_string(index=False, float_format=told))
    typer.echo(f"\nWrote {found.path / 'comparison.csv'} and comparison.png")


def _say_what_came_out(run: Any) -> None:
    from neurotask._report_behavior import Behavior

    if len(run.log):
        last, names = run.log.iloc[-1], run.settings["curriculum"]["stages"]
        how = {
            "end": "all stages passed",
            "target": "target reached",
            "stop": "stopped, since the stage was not passed within its limit",
        }.get(last["event"], "all updates made")
        where = f"stage {last['stage'] + 1} of {len(names)}, {names[last['stage']]}"
        typer.echo(f"Curriculum: {how} at update {last['update']} ({where})")
    correct = Behavior(run.session).correct
    if correct is not None:
        typer.echo(f"Correct: {correct.mean():.1%} of {len(correct)} fresh trials")
    typer.echo(f"Run folder: {run.path}")
    typer.echo(f"Report: {run.path / 'report.html'}")


# --- tasks and their settings ------------------------------------------------------------------


def _task_class(source: str) -> Any:
    from neurotask.load import task_class

    return task_class(source)


def _stem(kind: Any) -> str:
    """Return the name of the file that defines a task."""
    return _source(kind).stem


def _source(kind: Any) -> Path:
    """Return the file that defines a task."""
    return Path(sys.modules[kind.__module__].__file__ or kind.__name__)


def _values(pairs: list[str] | None) -> dict[str, Any]:
    """Return `name=value` pairs as values: Python literals, else text."""
    values = {}
    for pair in pairs or []:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"`--set` must be NAME=VALUE, got {pair!r}. Write --set name=value.")
        try:
            values[name] = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            values[name] = text
    return values


def _settings_and_conditions(
    kind: Any, values: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what is said of a task from what is said of a trial."""
    names = [field.name for field in dataclasses.fields(kind)]
    settings = {name: value for name, value in values.items() if name in names}
    conditions = {name: value for name, value in values.items() if name not in names}
    if conditions:
        factors = [*kind(**settings).factors()]
        what = f"a setting or a factor of {kind.__name__}"
        _check_names(conditions, [*names, *factors], what)
    return settings, conditions


def _check_names(given: dict[str, Any], options: list[str], what: str) -> None:
    from neurotask._checks import listed, nearest

    for name in given:
        if name not in options:
            raise ValueError(
                f"`{name}` must be {what}, which has {listed(options)}.{nearest(name, options)}"
            )


def _check_place(name: str, path: Path) -> None:
    """Raise if nothing can be made at a path, since what is above it is no folder to write into."""
    above = next((folder for folder in path.parents if os.path.lexists(folder)), Path())
    if not above.is_dir():
        raise NotADirectoryError(
            f"`{name}` must be in a folder, but {above} is a file. Choose another place."
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(
            f"`{name}` must be in a folder that can be written to, but {above} cannot. Choose "
            "another place."
        )


def _check_figure_file(path: Path) -> None:
    from matplotlib.figure import Figure

    from neurotask._checks import choose

    choose("--out", path.suffix.lstrip(".").lower(), Figure().canvas.get_supported_filetypes())
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`--out` must be in a folder that exists, but {path.parent} is none."
        )


# --- TensorFlow --------------------------------------------------------------------------------


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's log of its own start off the screen, and show it if the start fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log:
        # Compiled code writes to the descriptor itself, before it reads any setting.
        screen = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(screen, log.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
