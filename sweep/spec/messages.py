"""Messages about experiments that are not valid."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class InvalidError(ValueError):
    """One or more problems, each with the dotted key where it was found ("" for the whole)."""

    def __init__(self, items: Iterable[tuple[str, str]]):
        self.items = list(items)
        super().__init__("; ".join(f"{place}: {text}" if place else text for place, text in self.items))


class Collector:
    """Collect the problems of many keys, so that one message can report them all."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str]] = []

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Note a ``ValueError`` of the block as a problem of `place`, and go on."""
        try:
            yield
        except InvalidError as error:
            self.items += [(".".join(filter(None, (place, inner))), text) for inner, text in error.items]
        except ValueError as error:
            self.items.append((place, str(error)))

    def raise_if_any(self) -> None:
        """Raise what was gathered as one `InvalidError`, if there was anything."""
        if self.items:
            raise InvalidError(self.items)


def show(value: object, depth: int = 0) -> str:
    """`value` as it would be written in an experiment file, shortened to fit a line."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value if len(value) <= 60 else value[:59] + "…", ensure_ascii=False)
        case int() if abs(value) >= 10**30:
            return "a number of more than 30 digits"
        case list() | Mapping() if depth == 2:
            return "…"
        case list():
            items = [show(item, depth + 1) for item in value[:4]] + ["…"] * (len(value) > 4)
            return f"[{', '.join(items)}]"
        case Mapping():
            pairs = [f"{key} = {show(item, depth + 1)}" for key, item in list(value.items())[:4]]
            return f"{{{', '.join(pairs + ['…'] * (len(value) > 4))}}}"
        case _:
            return str(value)[:60]


def printable(text: str) -> str:
    """`text` on one line, whatever a file had in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """` (did you mean "XOR"?)` where a known name is near `name`, else an empty string."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(str(name).casefold(), folded, n=1)
    return f" (did you mean {show(folded[near[0]])}?)" if near else ""


def unknown_key(key: object, known: Iterable[str]) -> str:
    """Return a message for a key that does not exist."""
    known = list(known)
    return f"unknown key{did_you_mean(key, known)}; allowed: {', '.join(known)}"


def not_allowed(value: object, allowed: str) -> str:
    """Return a message for a value that its key does not take."""
    return f"found {show(value)}; allowed: {allowed}"


def validate(model: type[M], data: object) -> M:
    """`data` as a `model`, each of whose fields has a description that says what is allowed.

    `InvalidError` has an item for each field that is unknown, missing or wrong; pydantic's own wording never shows.
    """
    try:
        return model.model_validate(data, strict=True)
    except ValidationError as error:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        items: dict[str, str] = {}
        for detail in error.errors(include_url=False):
            key = str(detail["loc"][0]) if detail["loc"] else ""
            if detail["type"] == "value_error":
                problem = detail["ctx"]["error"]
                key, text = problem.items[0] if isinstance(problem, InvalidError) else (key, str(problem))
            elif key not in fields:
                text = unknown_key(key, fields) if key else not_allowed(data, f"a table of {', '.join(fields)}")
            elif detail["type"] == "missing":
                text = f"missing; it takes {fields[key].description}"
            else:
                assert isinstance(data, Mapping)
                text = not_allowed(data[key], fields[key].description or "")
            items.setdefault(key, text)
        raise InvalidError(items.items()) from None
