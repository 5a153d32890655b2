"""The playground: one page that trains runs of gates and parity, without an installation, with scenes for a lecture."""

import json
from pathlib import Path

from sweep.page import kernels
from sweep.page.html import policy
from sweep.spec.experiment import load

_SHARED = {
    "learning_rate": [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    "init": ["normal(0, 1)", "uniform(-2, 2)", "uniform(0, 1)", "xavier_uniform", "normal(0, 10)"],
    "optimizer": ["gd", "momentum", "nesterov", "adam", "rmsprop"],
    "loss": ["bce", "mse"],
    "seeds": 100,
}
_GATES = ["all-2", "parity-3"]
EXPERIMENT = {
    "grid": [
        {"gate": _GATES, "hidden": [1, 2, 3, 4], "activation": ["sigmoid", "tanh", "relu"], **_SHARED},
        {"gate": _GATES, "hidden": 0, **_SHARED},
    ],
    "train": {"max_epochs": 10_000, "target_loss": 0.01},
}
_XOR = {"gate": "XOR", "learning_rate": 3, "init": "normal(0, 1)"}
_LUCKY, _UNLUCKY = {**_XOR, "hidden": 2, "seed": 3}, {**_XOR, "hidden": 2, "seed": 0}

SCENES = [
    {
        "title": "One line learns AND",
        "settings": [{"gate": "AND", "hidden": 0, "learning_rate": 1, "init": "normal(0, 1)", "seed": 1}],
        "question": "Only the point 1 1 is to be blue. The model can turn and shift one straight line. Will it find a "
        "place for it, and which one?",
        "answer": "It does: the line ends between 1 1 and the other three. Training goes on turning up the weights, so "
        "that the colours get stronger and the loss falls below its target.",
    },
    {
        "title": "Why one line cannot do XOR",
        "settings": [{**_XOR, "hidden": 0, "learning_rate": 1, "seed": 1}],
        "ruler": True,
        "question": "Now 0 1 and 1 0 are to be blue, the other two orange. Try it by hand: drag the dashed line. How "
        "many of the four points can be right?",
        "answer": "Three at most. Open “Why no line can do it”: four inequalities that contradict each other. Gradient "
        "descent finds no way either: it ends where every answer is ½, and its loss at ln 2 = 0.693.",
    },
    {
        "title": "Two hidden units can",
        "settings": [_LUCKY],
        "question": "Two hidden units are two lines, whose answers a third unit puts together. What could the plane "
        "look like in the end?",
        "answer": "A band: each hidden unit draws one edge of it. In between the output is orange, and blue on either "
        "side. The network shows how: two pairs of strong weights.",
    },
    {
        "title": "The same two, from an unlucky start",
        "settings": [_LUCKY, _UNLUCKY],
        "question": "Everything is the same but the seed, that is the weights to begin with. Will both learn XOR?",
        "answer": "The second one does not, not in 10,000 epochs: two points are right, and two stay at ½. "
        "Of 30 seeds 22 learn XOR at this rate, and 8 do not: try others with + beside the seed.",
    },
    {
        "title": "Too large a rate",
        "settings": [{**_XOR, "hidden": 0, "learning_rate": rate, "seed": 1} for rate in (4, 6)],
        "question": "One line at XOR again, at learning rates 4 and 6. The best that it can do is a loss of 0.693. Do "
        "both get there?",
        "answer": "Only rate 4 does. Above 2/λ = 5.02, where λ is the largest curvature at the minimum, steps jump "
        "over it: at rate 6 the weights end by coming back every 2 epochs, for ever, at a loss of 0.92. Step "
        "back with −1.",
    },
    {
        "title": "What a failed run has learned",
        "settings": [{**_UNLUCKY, "learning_rate": 10}],
        "question": "At rate 10 the unlucky start fails in another way: in the end its four answers are those of "
        "another gate. Of which one?",
        "answer": "Of OR: the answers stand below the pictures, 0 1 1 1, three of four right. That is what one line "
        "can do as well: one unit does all the work, and the other one is idle.",
    },
]


def page() -> str:
    """The page, which needs nothing else."""
    here = Path(__file__).parent
    script = kernels.script("scenes")
    known = kernels.Known(file="experiments/xor.toml", openings=[SCENES[0]["settings"][0]])  # type: ignore[index]
    parts = {
        "POLICY": policy([script], trains=True),
        "STYLE": (here / "live" / "live.css").read_text("utf-8"),
        "SCENES": json.dumps(SCENES, ensure_ascii=False).replace("<", r"\u003c"),
        "KERNELS": kernels.data(load(EXPERIMENT), known, whole=True),
        "SCRIPT": script,
    }
    text = (here / "live" / "playground.html").read_text("utf-8")
    for name, part in parts.items():
        text = text.replace(f"<!--{name}-->", part)
    return text


if __name__ == "__main__":
    Path("docs/playground.html").write_text(page(), encoding="utf-8")
