"""neurogym: its supervised environments run here as they are."""

from typing import Any

from neurotask.interop._neurogym_task import NeurogymTask as NeurogymTask


def task(
    env: Any, *, balance: bool = False, tolerance: float | None = None, **make_kwargs: Any
) -> NeurogymTask:
    """Return a supervised neurogym environment as a task.

    Observations, noise included, become inputs, periods phases, entries of the trial's dict
    conditions, and the ground truth targets: one output an action, 1 for the right one; or, where
    an action is a value, that value. The environment is asked for trials and never acted in, so it
    must not depend on what is done. neurogym is imported for an id alone.

    Args:
        env: an environment (a copy is kept, so what happens to it later changes nothing), or the
            id of one in neurogym's registry.
        balance: whether the steps in which an answer is wanted weigh as much, in sum, as all others
            of their trial. They are few: to fixate always is right in about 95 % of steps.
        tolerance: the largest error (root mean square over the last phase) that counts as correct,
            where an action is a value; 0.1 unless said.
        **make_kwargs: settings of the environment, with an id: dt=20, for example.

    Returns:
        The task. `task.trials(100, coh=51.2)` passes a condition on to the environment.

    Raises:
        ImportError: if an id is given and neurogym cannot be imported.
        TypeError: if it is no environment.
        ValueError: if it cannot be a task: no ground truth, observations that depend on what is
            done, chance that does not follow from its seed.

    Source: Molano-Mazón et al. (2022) NeuroGym: an open resource for developing and sharing
    neuroscience tasks, doi:10.31234/osf.io/aqc9n.

    Example:
        >>> task("PerceptualDecisionMaking-v0", dt=20).inputs  # doctest: +SKIP
        ('fixation', 'stimulus_0', 'stimulus_1')
    """
    return NeurogymTask(source=env, make_kwargs=make_kwargs, balance=balance, tolerance=tolerance)
