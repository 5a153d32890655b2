"""JSON Schema of experiment files, by which editors complete and check them."""

from typing import Any

from pydantic import TypeAdapter

from sweep.spec.experiment import Document
from sweep.spec.keys import KEYS, RELATIVE, REQUIRED, WEIGHT, Key, Range, Relative, Seeds, Train
from sweep.spec.messages import show
from sweep.spec.training_sets import Source

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema of an experiment file, made of the models that read it."""
    document: dict[str, Any] = Document.model_json_schema()
    grid = {"$ref": "#/$defs/grid"}
    document["$defs"] = {"grid": _grid(), "range": Range.model_json_schema()}
    document["properties"] |= {
        "grid": {"anyOf": [grid, {"type": "array", "items": grid, "minItems": 1}]},
        "train": Train.model_json_schema(),
        "tables": {"type": "object", "additionalProperties": Source.model_json_schema()},
    }
    return {"$schema": _DRAFT, "title": "An experiment of sweep", **{k: v for k, v in document.items() if k != "title"}}


def _grid() -> dict[str, Any]:
    seeds = {"description": "a count, a list, or {from, count}; 1 if left out"}
    required = [name for name, key in KEYS.items() if key.default is REQUIRED]
    relative = [RELATIVE if name == "learning_rate" else name for name in required]
    return {
        "type": "object",
        "properties": {
            **{name: _values(key) for name, key in KEYS.items()},
            RELATIVE: Relative.model_json_schema(),
            "weights": {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 1},
            "seeds": seeds | {"anyOf": [{"type": "integer"}, {"type": "array"}, Seeds.model_json_schema()]},
        },
        "oneOf": [{"required": required}, {"required": relative}],
        "additionalProperties": _values(WEIGHT),  # the names in weights
    }


def _values(key: Key) -> dict[str, Any]:
    """Return the schema of a scalar, a list, or a range of numbers."""
    scalar = TypeAdapter(key.type).json_schema()
    ways = [scalar, {"type": "array", "items": scalar, "minItems": 1}]
    if key.numeric:
        ways.append({"$ref": "#/$defs/range"})
    default = "" if key.default in (REQUIRED, None) else f"; {show(key.default)} if left out"
    return {"anyOf": ways, "description": f"{key.allowed}{default}"}
