"""Words that a first-year student may not know, each explained once."""

import re
from collections.abc import Iterable, Iterator

from sweep.spec.schema import STATUS

GLOSSARY = {
    "grid": "all that the experiment trains: each value of what it varies with each value of the rest",
    "axis": "what the experiment varies, such as the learning rate, with all its values",
    "setting": "one value of everything that the experiment varies; its runs differ in their seed only",
    "best": "of several settings, the one at which most runs converged; of several such, the fastest",
    "fastest": "of several settings, the one with the lowest median epoch; a run that failed counts as later than all",
    "logistic regression": "a single neuron: the weighted sum of its inputs and a bias, put through the sigmoid",
    "gate": "a function of inputs, each of which has two values; its truth table says the output for each row",
    "seed": "the number that a run's random start is drawn from; runs with the same seed start from the same draws",
    "epoch": "one pass over all rows of the truth table",
    **{status.term: status.meaning for status in STATUS.values() if status.meaning},
    "learning rate": "η, the step taken down the gradient of the loss in each update",
    "hidden unit": "a neuron between inputs and output; each draws a line of its own, and the output combines them",
    "shortcut": "a weight that leads from an input straight to the output, past the hidden units",
    "batch updates": "a step after each epoch, down the gradient of the mean loss over all rows",
    "online updates": "a step after each row of the table, down the gradient of the loss of that row",
    "gd": "plain gradient descent: each weight goes down its slope, η times as far as this is steep",
    "quickprop": "moves each weight to where its slope would be 0 if that changed as in the last step (Fahlman 1988)",
    "delta_bar_delta": "a learning rate for each weight, which grows while the slope keeps its sign (Jacobs 1988)",
    "rprop": "a step of its own for each weight, by the sign of the slope only (Riedmiller & Braun 1993)",
    "momentum": "the share of the last step that is added to the next one",
    "nats": "unit of the cross-entropy, with natural logarithms; ln 2 ≈ 0.693 nats is the loss of answering ½ always",
    "mean squared error": "the mean over the rows of (output − target)²",
    "median": "the value that half of the runs do not exceed; a run that failed counts as later than all others",
    "quantile": "the value that a given share of the runs do not exceed; the median is that of one half",
    "5–95 %": "the range from the value that 5 % of the runs do not exceed to that which 95 % do not",
    "95 % interval": "19 of 20 such hold the true value; of a share by Wilson’s method, of a median by the sign test",
    "Wilson": "1927, a way to an interval of a share that lies between 0 and 100 % however few the runs are",
    "linearly separable": "some straight line, or plane, has all ones on one side and all zeros on the other",
    "linear program": "a method that finds weights which give every row its target, or shows that there are none",
    "margin": "γ, how far, at best, the nearest row can be from the line; the bias counts as a weight",
    "critical learning rate": "2/λ: larger steps overshoot the minimum of the loss",
    "λ": "the largest curvature of the loss at its minimum, over all directions",
    "edge of stability": "the learning rate up to which gradient descent settles at the minimum of the loss",
    "Hessian": "the matrix of the second derivatives of the loss; its largest eigenvalue λ is the largest curvature",
    "cycle": "weights that come back bit for bit after some epochs, so that training on would only repeat them",
    "pair": "two runs with the same seed; unless two settings are named, they differ in one axis only",
    "more often": "of all values of what is compared, the two are named that differ in most pairs of runs",
    "runs were faster": "of all values of what is compared, the fastest and the slowest are named",
    "p": "the chance of a difference as large as this if there were none; more than chance is a p below 0.05",
    "χ²": "the squares of how far counts are from those expected, each by the one expected, added up (Pearson 1900)",
    "sign test": "asks whether as many seeds tell for one value as for the other, as fair coins would have it",
    "McNemar": "the exact sign test over pairs of which one run converged and the other did not",
    "Holm": "raises each p for the number of tests, so that a false alarm among all is as rare as in one",
}
"""Word → what it means. Of a word that is part of another, the longer one is meant."""


def explained(texts: Iterable[str]) -> dict[str, str]:
    """Choose the words of the glossary that occur in some texts, in the glossary's order."""
    there = {word for text in texts for word, _ in found(text)}
    return {word: meaning for word, meaning in GLOSSARY.items() if word in there}


def found(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Find every place of a text where a word of the glossary stands, in order."""
    for match in _ANY.finditer(text):
        yield _WORDS[match.lastgroup or ""], match


def _pattern(word: str) -> str:
    if word == "p":
        return r"\bp(?=\s[<=])"
    spaced = re.escape(word).replace(r"\ ", r"\s")
    return rf"\b{spaced}(?:s|es)?(?!\w)" if word[0].isalpha() else spaced


_WORDS = {f"word{place}": word for place, word in enumerate(sorted(GLOSSARY, key=len, reverse=True))}
_ANY = re.compile("|".join(f"(?P<{name}>{_pattern(word)})" for name, word in _WORDS.items()), re.IGNORECASE)
