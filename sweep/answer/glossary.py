"""Words that a first-year student may not know, each explained once."""

import re
from collections.abc import Iterable

from sweep.spec.schema import STATUS

GLOSSARY = {
    "setting": "one value of every axis of the grid; its runs differ in the seed of their random starts only",
    "seed": "the number that a run's random start is drawn from; runs with the same seed start from the same draws",
    "epoch": "one pass over all rows of the truth table",
    **{status.term: status.meaning for status in STATUS.values() if status.meaning},
    "learning rate": "η, the step taken down the gradient of the loss in each update",
    "hidden unit": "a neuron between inputs and output; each draws a line of its own, and the output combines them",
    "shortcut": "a weight that leads from an input straight to the output, past the hidden units",
    "momentum": "the share of the last step that is added to the next one",
    "nats": "unit of the cross-entropy, with natural logarithms; ln 2 ≈ 0.693 nats is the loss of answering ½ always",
    "mean squared error": "the mean over the rows of (output − target)²",
    "median": "the value that half of the runs do not exceed; a run that failed counts as later than all others",
    "5–95 %": "the range from the value that 5 % of the runs do not exceed to that which 95 % do not",
    "95 % interval": "by Wilson's method; of many such intervals, 19 of 20 hold the true share",
    "linearly separable": "some straight line, or plane, has all ones on one side and all zeros on the other",
    "linear program": "a method that finds weights which give every row its target, or shows that there are none",
    "margin": "γ, how far, at best, the nearest row can be from the line; the bias counts as a weight",
    "critical learning rate": "2/λ, λ the largest curvature of the loss at its minimum: larger steps overshoot it",
    "edge of stability": "the learning rate up to which gradient descent settles at the minimum of the loss",
    "cycle": "weights that come back bit for bit after some epochs, so that training on would only repeat them",
    "pairs": "two runs with the same seed and otherwise the same setting, which differ in one axis only",
    "p": "the chance of a difference as large as this if there were none; more than chance is a p below 0.05",
    "sign test": "asks whether as many seeds tell for one value as for the other, as fair coins would have it",
    "McNemar": "the exact sign test over pairs of which one run converged and the other did not",
    "Holm": "raises each p for the number of tests, so that a false alarm among all is as rare as in one",
}
"""Word → what it means. Of a word that is part of another, the longer one is meant."""


def explained(texts: Iterable[str]) -> dict[str, str]:
    """Choose the words of the glossary that occur in some texts, in the glossary's order."""
    text = " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")
    return {word: meaning for word, meaning in GLOSSARY.items() if re.search(_pattern(word), text, re.IGNORECASE)}


def _pattern(word: str) -> str:
    if word == "p":
        return r"\bp [<=]"
    return rf"\b{re.escape(word)}(?:s|es)?(?!\w)" if word[0].isalpha() else re.escape(word)
