"""Results attacked at random: no wrong number is called right, nothing outside changes, nothing hangs or breaks.

`make torture` tries thousands.
"""

import collections
import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from test_damage import contents, quiet
from test_forged import CHUNKS, FACTS, TABLES, changed, forge, rewritten
from test_links import COMMANDS, EXPERIMENT, directory, fifo, hard, in_time, loop, repair, report, run, state, symbolic

import sweep
from sweep.store.files import Tree
from sweep.store.manifest import sealed, unsealed, write_text

N_ATTACKS = int(os.environ.get("TORTURE_ATTACKS", "20"))
N_AT_A_TIME = 10
MANIFESTS = ("manifest.json", "chunks/manifest.json", "layout.json", "SHA256SUMS")


def some_file(result: Path, chance: random.Random) -> Path:
    return chance.choice(sorted(path for path in result.rglob("*") if path.is_file() and "set-aside" not in path.parts))


def some_folder(result: Path, chance: random.Random) -> Path:
    """A directory if there is one left."""
    found = sorted(path for path in result.rglob("*") if path.is_dir() and "set-aside" not in path.parts)
    return chance.choice(found) if found else some_file(result, chance)


def renamed(result: Path, chance: random.Random) -> None:
    """Give a file or directory another name, or that of another one."""
    path = chance.choice([some_file, some_file, some_folder])(result, chance)
    digits = [at for at, character in enumerate(path.name) if character.isdigit()]
    if digits and chance.random() < 0.5:
        at = chance.choice(digits)
        path.rename(path.with_name(path.name[:at] + chance.choice("0123456789") + path.name[at + 1 :]))
    elif chance.random() < 0.5:
        path.rename(path.with_name(chance.choice([f"{path.name}.1", f"x{path.name}", "ü\n", ".lock2", "a" * 250])))
    elif path.is_file():
        other = some_file(result, chance)
        first, second = path.read_bytes(), other.read_bytes()
        path.write_bytes(second)
        other.write_bytes(first)


def cut_short(result: Path, chance: random.Random) -> None:
    """Take a decimal place from where a chunk ends, or add one."""
    chunk = chance.choice(sorted(result.glob("chunks/*/*.arrow")) or [some_file(result, chance)])
    if chunk.suffix == ".arrow":
        start, stop, digest = chunk.stem.split("-")
        stop = chance.choice([f"{int(stop) // 10:010}", f"{int(stop) * 10:010}", start, f"{int(stop) + 1:010}"])
        chunk.rename(chunk.with_name(f"{start}-{stop}-{digest}.arrow"))


def damaged(result: Path, chance: random.Random) -> None:
    """Change bytes of a file, or remove it."""
    path = some_file(result, chance)
    data = bytearray(path.read_bytes())
    match chance.randrange(5):
        case 0:
            path.write_bytes(data[: chance.randrange(len(data) + 1)])
        case 1:
            path.write_bytes(bytes(data) + bytes(chance.choices(range(256), k=9)))
        case 2:
            path.write_bytes(bytes(len(data)))
        case 3:
            path.unlink()
        case _ if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(data)


def replaced(result: Path, chance: random.Random) -> None:
    """Put a link, a second name, a loop, a directory or a FIFO in place of a file or directory."""
    path = chance.choice([some_file, some_folder])(result, chance)
    outside = result.parent / "outside" / f"{chance.random()}"
    path.rename(outside)
    kinds: list[Callable[[Path, Path], None]] = [symbolic, loop, directory, fifo, *([] if outside.is_dir() else [hard])]
    chance.choice(kinds)(path, outside)


def forged(result: Path, chance: random.Random) -> None:
    """Change a chunk, a table or the manifest, and every checksum with it."""
    chunks, manifest = sorted(result.glob("chunks/*/*.arrow")), result / "manifest.json"
    try:
        match chance.randrange(3):
            case 0:
                rewritten(chance.choice(chunks), CHUNKS[chance.choice(list(CHUNKS))])
            case 1:
                name = chance.choice([name for name in TABLES if (result / name).is_file()])
                forge(result, name, changed(name)((result / name).read_bytes()))
            case _:
                key = chance.choice(list(FACTS))
                content = {**unsealed(manifest.read_bytes()), key: FACTS[key]}
                write_text(Tree(result), content, sealed(content).encode())
    except Exception:
        damaged(result, chance)  # an attack before has left nothing to forge


def confused(result: Path, chance: random.Random) -> None:
    """Put JSON that nobody wrote in place of what was written, some of it under its own checksum."""
    paths = [path for name in MANIFESTS for path in result.rglob(name) if path.is_file()]
    texts = [
        *(b"[" * 200_000, b'{"a":' * 200_000, b"{}", b"[]", b"null", b"\0", b"\xff\xfe", b"1e999", b"9" * 5000, b'""'),
        *(sealed(content).encode() for content in ({}, {"experiment": {}}, {"experiment": {"grid": 1}}, {"files": {}})),
        sealed({"experiment": {"grid": {"gate": "x"}, "tables": {"x": {"csv": "/dev/zero"}}}}).encode(),
    ]
    path = chance.choice(paths) if paths else some_file(result, chance)
    path.write_bytes(chance.choice(texts))
    if path.name == "manifest.json" and chance.random() < 0.5:
        content = json.loads(json.dumps({"name": "a\0b", "files": {"a\0": "0" * 64}}))
        path.write_bytes(sealed(content).encode())


ATTACKS = (renamed, cut_short, damaged, replaced, forged, confused)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole") / "result"
    sweep.run({**EXPERIMENT, "runs": "both"}, directory, jobs=1, chunk_size=7, figures=False)
    return directory


def attack(whole: Path, place: Path, seed: int) -> str:
    """Attack a copy of the result and run a command on it; returns which."""
    chance = random.Random(seed)
    result = Path(shutil.copytree(whole, place / "result"))
    (place / "outside").mkdir()
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        with suppress(OSError):  # an attack before may have left no place for this one
            chance.choice(ATTACKS)(result, chance)
    before = state(place / "outside" / "all")
    command = chance.choice([command for command in COMMANDS if command is not report] * 8 + [report])

    def look(path: Path, other: Path) -> None:
        if command is run:
            sweep.run({**EXPERIMENT, "runs": "both"}, path, jobs=1, figures=False, say=quiet)
        elif command.__name__ == "verify":
            sweep.verify(path)
        else:
            command(path, other)

    in_time(look, result, whole)
    found: list[list[sweep.api.Problem]] = []
    in_time(lambda path, other: found.append(sweep.verify(path)[1]), result, whole)
    assert state(place / "outside" / "all") == before, "outside"
    if command is run:
        assert found == [[]], found
    if found == [[]]:
        right = contents(whole)
        assert {name: (result / name).read_bytes() for name in TABLES} == {name: right[name] for name in TABLES}
        assert sweep.read(result).manifest["n_done"] == 12, "wrong numbers"
    elif found and command is repair:
        assert sum("manifest" in str(problem) for problem in found[0]) >= 1, found
    return command.__name__


@pytest.mark.parametrize("first", range(0, N_ATTACKS, N_AT_A_TIME))
def test_attacks(first: int, whole: Path, tmp_path: Path) -> None:
    commands: collections.Counter[str] = collections.Counter()
    for seed in range(first, first + N_AT_A_TIME):
        place = tmp_path / str(seed)
        place.mkdir()
        commands[attack(whole, place, seed)] += 1
        shutil.rmtree(place)
    assert commands.total() == N_AT_A_TIME
