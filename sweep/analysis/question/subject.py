"""Find the axes that a question is about, and those that go together."""

import re
from collections.abc import Mapping, Sequence

from sweep.analysis.layout import Combinations
from sweep.analysis.question.best import By

_PLAIN = r"(?:batch )?(?:gd|gradient descent|back-?propagation)"
_WORDS = {
    "gate": r"gates?|functions?|bits|number of inputs|tables?",
    "hidden": r"hidden (?:units?|layer of each width)|units|widths?|network sizes?",
    "learning_rate": r"learning[- ]rates?|rates?|step sizes?|η",
    "hidden_learning_rate": r"hidden learning rates?|hidden layer['’]s (?:own )?rates?",
    "init": r"starts?|init(?:s|ialisations?|ializations?)?|starting weights|initial weights",
    "init_scale": r"(?:sizes?|scales?|ranges?) of (?:its |the |their )?(?:initial weights|starts?)|init[_ ]scales?",
    "activation": r"activations?(?: functions?)?",
    "optimizer": rf"optimi[sz]ers?|optimi[sz]ation methods?|plain {_PLAIN}|adam|rprop|rmsprop|quickprop",
    "momentum": r"momentum|momenta",
    "update": r"updates?|online|batch",
    "shortcut": r"shortcuts?",
    "encoding": r"encodings?|inputs? (?:0|−1|-1)",
    "loss": r"loss functions?|cross-entropy|squared errors?",
    "output": r"output units?",
}
_ASKED = (
    r"(?:how (?:many|much)|which|what|whose|each|every|per|by(?: the)?|do(?:es)?(?: an?| the)?|number of"
    r"|grow with the|depend on(?: the)?)"
)
_OF_RUNS: dict[By, str] = {
    "often": r"\b(?:how often|which|learned|learn|fail|converge)\b",
    "fast": r"\b(?:how fast|how quickly|how soon|faster|fastest|slower|speed|quick\w*|epochs?|how long)\b",
}
_ABOUT = {
    "best": r"\b(?:best|fastest|(?<!up to )(?<!from )which)\b",
    "factor": r"\b(?:faster|fastest|slower|slowest)\b",
    "plain": rf"\bthan (?:plain |simple |standard )?{_PLAIN}\b",
    "epochs": r"\bhow many epochs\b",
    "failures": r"\bfail\w*\b",
    "loss": r"\bloss(?:es)?\b(?! functions?)",
    "oscillation": r"\boscillat\w+\b",
    "cycles": r"\bcycl\w+\b",
    "rows": r"\bhow many rows\b.*\banswer",
}
"""What a question may be about → how it says so; "plain" compares others with plain gradient descent."""


def asks(question: str, about: str) -> bool:
    """Return True if a question is about one of `_ABOUT`."""
    return re.search(_ABOUT[about], question.lower()) is not None


def asked_for(question: str) -> list[By]:
    """Decide what a question asks of runs, in its order: how often they converge, how fast, or both."""
    places = {by: re.search(words, question.lower()) for by, words in _OF_RUNS.items()}
    found = {by: match.start() for by, match in places.items() if match}
    if asks(question, "factor"):
        found["fast"] = -1
    return sorted(found, key=found.__getitem__) or ["often"]


def subject(question: str, axes: Sequence[str], compare: str | None = None) -> str | None:
    """Choose the axis that a question is about, of those that vary, gates and other categories first.

    `compare`, the experiment's own word on it, if it varies; else the axis that the question names, of several the
    first that it asks for ("how many hidden units", "which optimizer", "does momentum", "by the size of its initial
    weights"), else the one named first; else the gate, the hidden units, the first axis. None where nothing varies.
    """
    if compare in axes:
        return compare
    found = named(question, axes)
    if found:
        return found[0]
    return next((axis for axis in ("gate", "hidden") if axis in axes), next(iter(axes), None))


def values_first(question: str, axes: Sequence[str], compare: str | None = None) -> bool:
    """Return True if a question asks what the values of its axis do, not which of them, or what setting, is best."""
    named_one = compare in axes or bool(named(question, axes))
    return (named_one or asks(question, "factor") or asks(question, "epochs")) and not asks(question, "best")


def named(question: str, axes: Sequence[str]) -> list[str]:
    """Axes that a question names: those that it asks for first, then in order of the words."""
    text = question.lower()
    places: dict[str, tuple[bool, int]] = {}
    taken: list[range] = []
    for axis in sorted(axes, key=lambda axis: -len(_WORDS.get(axis, ""))):
        words = _WORDS.get(axis, re.escape(axis.replace("_", " ")))
        if axis == "init_scale" and "init" not in axes:
            words += f"|{_WORDS['init']}"  # of one kind of start, its size is what varies
        if axis == "optimizer" and "momentum" not in axes:
            words += f"|{_WORDS['momentum']}"  # one of the optimizers
        for match in re.finditer(rf"\b(?:{words})(?!\w)", text):
            if any(match.start() in place for place in taken):
                continue
            asked = re.search(rf"\b{_ASKED}\s+(?:\S+\s+)?$", text[: match.start()]) is not None
            places[axis] = min(places.get(axis, (True, len(text))), (not asked, match.start()))
            taken.append(range(*match.span()))
    return sorted(places, key=places.__getitem__)


def followers(axes: Sequence[str], counts: Combinations) -> Mapping[str, list[str]]:
    """Find the axes whose value follows from that of another, by the combinations of their values.

    Axis → the axes that follow from it: each of its values occurs with one value of theirs. Of two that follow from
    each other, the later one follows. An axis is in one list only, and has none itself if it is in one.
    """
    leaders: dict[str, str] = {}
    for place, axis in enumerate(axes):
        for earlier, other in enumerate(axes):
            if other == axis or other in leaders or axis in leaders or not counts.follows(axis, other):
                continue
            if counts.n_values(axis) < counts.n_values(other) or earlier < place:
                leaders[axis] = other
    return {axis: [key for key, leader in leaders.items() if leader == axis] for axis in axes if axis not in leaders}
