"""Serial recall: a list of items is shown one by one, and after a delay recalled in order.

What is kept is not just which items there were but when: the network has to answer with the first
item at the first beat of recall, with the second at the second, and so on. P(correct) over the
position in the list is the serial-position curve.

A row is a block of twice as many "trials" as the list is long: those of study, which ask for no
answer and are not scored, and then those of recall, so that behaviour has one row an item.

Source: Botvinick & Plaut (2006) Psychol. Rev. 113:201, for networks; Xie et al. (2022) Science
375:632, for monkeys, with items that are places. Durations, the length of the list and the beat are
choices made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Derived, Duration, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class SerialRecall(Task):
    """Recall of a list of different items in the order in which they were shown.

    Each recall begins with a beat of 100 ms on the input "recall", in which errors do not count.

    Args:
        length: items a list.
        n_items: number of different items that lists are drawn from.
        noise: density of the noise in each item's channel.
        study_time: duration of an item, ms.
        delay_time: time from the end of the list to the first beat, ms.
        recall_time: time to recall an item, ms; more than 100.
        dt: length of a time step, ms.

    Example:
        >>> table = SerialRecall(length=3).trials(1, seed=1).conditions
        >>> table["item"].tolist(), table["recall"].tolist()
        ([3, 4, 5, 3, 4, 5], [0.0, 0.0, 0.0, 400.0, 400.0, 400.0])
    """

    decision_rule = Argmax("recall", grace=100.0)
    psychometric_axis = "position"
    go_cue = "recall"
    hard = dict(noise=1.0)
    expected_score = None
    function = "sequence"
    aliases = ("sequence_working_memory", "immediate_serial_recall")

    length: int = 4
    n_items: int = 8
    noise: float = 0.03
    study_time: float = 400.0
    delay_time: float = 1000.0
    recall_time: float = 400.0
    study: Duration = Derived()
    delay: Duration = Derived()
    recall: Duration = Derived()

    def __post_init__(self):
        count("n_items", self.n_items, low=2)
        if count("length", self.length) > self.n_items:
            raise ValueError(
                f"`length` must be n_items = {self.n_items} or less, got {self.length}: no item "
                "comes twice."
            )
        number("study_time", self.study_time, low=0.0, above=True)
        number("delay_time", self.delay_time, low=0.0)
        number("recall_time", self.recall_time, low=100.0, above=True)
        for name in ("study", "delay", "recall"):
            if getattr(self, name) != Derived():
                raise ValueError(
                    f"`{name}` must be Derived(), got {getattr(self, name)!r}. Set `{name}_time`."
                )
        super().__post_init__()

    @property
    def trials_per_block(self):
        return 2 * self.length

    @property
    def items(self):
        return Ring("item", self.n_items)

    @property
    def inputs(self):
        return ("fixation", "recall", *self.items)

    @property
    def outputs(self):
        return ("fixation", *self.items)

    def factors(self):
        return dict(draw=Uniform(0.0, 1.0))  # which of the items that are left

    def derive(self, c):
        left, item = np.ones((len(c.draw), self.n_items), bool), np.zeros(c.draw.shape, int)
        for now in range(self.length):
            item[:, now] = one_of(left, c.draw[:, now])
            left[np.arange(len(left)), item[:, now]] = False
        item[:, self.length :] = item[:, : self.length]
        place = np.broadcast_to(np.arange(2 * self.length), c.draw.shape)
        studied = place < self.length
        return dict(
            stage=np.where(studied, "study", "recall"),
            position=place % self.length + 1,
            item=item,
            study=np.where(studied, self.study_time, 0.0),
            delay=np.where(place == self.length, self.delay_time, 0.0),
            recall=np.where(studied, 0.0, self.recall_time),
        )

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="recall")
        t.input(self.items, np.eye(self.n_items)[c.item], phase="study", noise=self.noise)
        t.input("recall", phase="recall", duration=100.0)
        t.hold(until="recall")
        answer = np.where(c.stage == "recall", c.item, -1)
        t.target_choice(answer, phase="recall", grace=100.0)

    def observe(self, seen: Seen):
        # Names each item of the list, and gives them back at their beats.
        study, recall = round(self.study_time / self.dt), round(self.recall_time / self.dt)
        outputs = seen.wait()
        for place in range(self.length):
            shown = seen.between(place * study, (place + 1) * study)
            start = seen.go + place * recall
            due = seen.between(start, start + recall)
            answer = seen.choose(seen.sum(self.items, shown).argmax(1), due)
            outputs = np.where(due[..., None], answer, outputs)
        return outputs


def one_of(allowed: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Return one of the allowed places of each row, (row,), as `draw` in [0, 1] says."""
    n_allowed = allowed.sum(1)
    rank = np.minimum((draw * n_allowed).astype(int), n_allowed - 1)
    return (allowed.cumsum(1) > rank[:, None]).argmax(1)


if __name__ == "__main__":
    SerialRecall().plot().savefig("serial_recall.png")
