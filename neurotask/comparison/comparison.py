"""`Comparison`: what came of training networks in several ways, in pairs by seed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from neurotask._checks import choose, count
from neurotask.comparison.contrasts import paired_contrasts
from neurotask.comparison.record import read_record, run_folder
from neurotask.comparison.sessions import joined
from neurotask.comparison.table import COUNTS, for_test, medians, paired, row
from neurotask.comparison.workers import is_over
from neurotask.runs import Run, load_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """Networks trained in several ways, in pairs by seed. `compare` makes one.

    The network is the unit: a row of `table`, a member of the dimension `network` of `sessions`.

    Args:
        path: the folder, with the run folder of each network, `<variant>/seed_<seed>`.
    """

    path: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What `comparison.toml` says: criterion, seeds, and the settings of each variant."""
        return read_record(self.path)

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants, in order."""
        return tuple(self.settings["variants"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, each of a pair of networks."""
        return tuple(self.settings["seeds"])

    @cached_property
    def runs(self) -> dict[tuple[str, int], Run]:
        """The run of each network, by variant and seed."""
        folders = {name: one["folder"] for name, one in self.settings["variants"].items()}
        return {
            (name, seed): load_run(run_folder(self.path, folders[name], seed))
            for name in self.variants
            for seed in self.seeds
        }

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a network; `neurotask.comparison.table.COLUMNS` says what each column is."""
        stages = {name: one["stages"] for name, one in self.settings["variants"].items()}
        return pd.DataFrame(
            [row(name, seed, run, stages[name]) for (name, seed), run in self.runs.items()]
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row a variant: networks, how many reached the criterion, medians over networks.

        A network that did not counts as slower than all others (infinite).
        """
        return medians(self.table)

    @cached_property
    def sessions(self) -> xr.Dataset:
        """The networks on the held-out trials: a Session (variant, network, trial, time, ...).

        All networks saw the same trials, `network` is their seed. Activity is there if `compare`
        was told to `record` it and all networks have as many units.
        """
        sessions = {key: run.session for key, run in self.runs.items()}
        return joined(sessions, self.variants, self.seeds)

    def model(self, variant: str, seed: int) -> "RecurrentModel":
        """Return a trained network. This alone needs TensorFlow."""
        choose("variant", variant, self.variants)
        if count("seed", seed, low=0) not in self.seeds:
            raise ValueError(f"`seed` must be one of {list(self.seeds)}, got {seed!r}.")
        return self.runs[variant, seed].model

    def test(self, column: str | pd.Series = "updates") -> pd.DataFrame:
        """Return the contrasts of each two variants, networks paired by their seeds.

        Wilcoxon's signed-rank test, exact, corrected after Holm for the number of contrasts; see
        `neurotask.comparison.paired_contrasts` for the columns. Networks that never reached the
        criterion (or passed the last stage, for "last_stage") count as slower than any that did,
        two in a pair as a tie; one that diverged is worse than any in "held_out" and "loss".

        Args:
            column: a column of `table`, or values of your own by variant and seed: a Series with
                these two as its index, NaN where a value is missing.

        Raises:
            ValueError: if there is one variant, no such column, or a run that is not over.
        """
        self._check_over()
        if isinstance(column, pd.Series):
            return paired_contrasts(self._given(column))
        options = [*COUNTS, "last_stage", "held_out", "loss"]
        return paired_contrasts(for_test(self.table, choose("column", column, options)))

    def plot(self) -> "Figure":
        """Draw learning, pairs of networks, and the held-out test."""
        from neurotask.comparison.plot import draw

        return draw(self.table, self.settings)

    def __repr__(self) -> str:
        over = sum(is_over(run) for run in self.runs.values())
        return (
            f"<Comparison {self.path}: {', '.join(self.variants)}; {len(self.seeds)} seeds, "
            f"{over} of {len(self.runs)} runs over>"
        )

    def _repr_html_(self) -> str:
        parts = [self.summary.to_html(float_format="{:.4g}".format)]
        if len(self.variants) > 1 and all(is_over(run) for run in self.runs.values()):
            column = "updates" if self.settings.get("criterion") else "held_out"
            shown = self.test(column).to_html(index=False, float_format="{:.4g}".format)
            parts += [f"<p>{column}, pairs of networks:</p>", shown]
        return "\n".join(parts)

    # --- inside --------------------------------------------------------------------------------

    def _check_over(self) -> None:
        for (variant, seed), run in self.runs.items():
            if not is_over(run):
                raise ValueError(
                    f"`runs` must be over to be tested, but {variant!r}, seed {seed} is "
                    f"{run.status} ({run.path}). Call compare again with the same out=..."
                )

    def _given(self, values: pd.Series) -> pd.DataFrame:
        index = pd.MultiIndex.from_tuples(list(self.runs))
        missing = [key for key in index if key not in values.index]
        if missing:
            raise ValueError(
                f"`column` must have a value for each variant and seed, but {missing[0]} is not in "
                "its index. Give NaN where there is none."
            )
        return paired(values[index], self.table)


def load_comparison(path: Path | str) -> Comparison:
    """Return the comparison in a folder, as it stands; nothing is trained.

    Raises:
        FileNotFoundError: if there is none.
    """
    read_record(Path(path))
    return Comparison(Path(path))
