"""Every file of a result: whatever happens to its bytes is found, and mended to the same bytes.

`make torture` does it at many more places.
"""

import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sweep
from sweep.kernel import NUMERICS
from sweep.store.manifest import sealed

TORTURE = "TORTURE_PLACES" in os.environ
N_PLACES = int(os.environ.get("TORTURE_PLACES", "2"))
N_EACH_END = int(os.environ.get("TORTURE_ENDS", "1"))
EXPERIMENT: dict[str, Any] = {
    "question": "Läuft’s?",
    "runs": "both",
    "grid": [
        {"gate": ["AND", "XOR"], "learning_rate": [1, 30], "init": "uniform(0, 1)", "seeds": 3},
        {"gate": "points", "learning_rate": 1},
    ],
    "train": {"max_epochs": 40, "record_every": 20},
    "tables": {"points": {"rows": [[0.3, -2, 1], [0, 0.5, 0]]}},
}


def contents(directory: Path) -> dict[str, bytes]:
    """File → bytes, but for what was set aside."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and "set-aside" not in path.parts
    }


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("plain")
    sweep.run(EXPERIMENT, directory, jobs=1, figures=False)
    return directory


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("drawn")
    sweep.run(EXPERIMENT, directory, jobs=1)
    return directory


PLAIN = [
    "manifest.json",
    "SHA256SUMS",
    "runs.csv",
    "runs.parquet",
    "summary.csv",
    "summary.parquet",
    "answers.csv",
    "curves.csv",
    "chunks/manifest.json",
    "layout.json",
    ".arrow",
]


def paths(directory: Path, name: str) -> list[Path]:
    """The files of a name, or of a suffix."""
    return sorted(directory / one for one in contents(directory) if one == name or one.endswith(f"/{name}")) or sorted(
        directory / one for one in contents(directory) if one.endswith(name)
    )


def damages(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """Cut off at places near both ends and in between; single bits flipped."""
    n = len(data)
    places = {*range(min(n, N_EACH_END)), *range(max(0, n - N_EACH_END), n)}
    places |= {chance.randrange(n) for _ in range(N_PLACES)}
    for place in sorted(places):
        yield data[:place]
    for _ in range(N_PLACES):
        flipped = bytearray(data)
        flipped[chance.randrange(n)] ^= 1 << chance.randrange(8)
        yield bytes(flipped)


def test_all_kinds_of_files_are_damaged_here(plain: Path) -> None:
    covered = {path.relative_to(plain).as_posix() for name in PLAIN for path in paths(plain, name)}
    assert covered == contents(plain).keys() - {".lock"}


@pytest.mark.parametrize("name", PLAIN)
def test_damage_is_found_and_mended(name: str, plain: Path) -> None:
    before = contents(plain)
    for path in paths(plain, name):
        for damaged in damages(path.read_bytes(), random.Random(name)):
            path.write_bytes(damaged)
            found = sweep.verify(plain)[1]
            assert path in [problem.path for problem in found]
            assert sweep.verify(plain, repair=True, say=quiet)[1] == []
            assert contents(plain) == before


@pytest.mark.parametrize("name", ["report.html", ".svg", ".png"] if TORTURE else ["report.html"])
def test_damaged_figures_are_found_and_drawn_again(name: str, drawn: Path) -> None:
    before = contents(drawn)
    for path in paths(drawn, name):
        whole = path.read_bytes()
        for damaged in damages(whole, random.Random(name)):
            path.write_bytes(damaged)
            assert [problem.path for problem in sweep.verify(drawn)[1]] == [path]
            path.write_bytes(whole)
    path = paths(drawn, name)[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert sweep.verify(drawn, repair=True, say=quiet)[1] == []
    assert contents(drawn) == before


def test_running_again_mends_as_well(plain: Path) -> None:
    before = contents(plain)
    for name in PLAIN:
        path = paths(plain, name)[0]
        path.write_bytes(path.read_bytes()[:-1])
        said: list[str] = []
        sweep.run(EXPERIMENT, plain, figures=False, say=said.append)
        assert any(str(path) in line for line in said), name
        assert contents(plain) == before


def test_files_that_are_gone(plain: Path) -> None:
    before = contents(plain)
    for name in before.keys() - {".lock"}:
        (plain / name).unlink()
        assert sweep.verify(plain)[1], name
        assert sweep.verify(plain, repair=True, say=quiet)[1] == [], name
        assert contents(plain) == before, name


def test_both_manifests_gone_is_said(plain: Path, tmp_path: Path) -> None:
    sweep.run(EXPERIMENT, tmp_path, jobs=1, figures=False)
    for path in paths(tmp_path, "manifest.json"):
        path.write_text("{}")
    assert len(sweep.verify(tmp_path, repair=True, say=quiet)[1]) == 2
    sweep.run(EXPERIMENT, tmp_path, jobs=1, figures=False, say=quiet)
    assert sweep.verify(tmp_path)[1] == []
    assert (tmp_path / "runs.csv").read_bytes() == (plain / "runs.csv").read_bytes()


NOT_WRITTEN = {
    "deep list": b"[" * 200_000,
    "deep table": b'{"a":' * 200_000,
    "empty table": b"{}",
    "empty list": b"[]",
    "null": b"null",
    "nothing": b"",
    "NUL": b"\0",
    "not UTF-8": b"\xff\xfe",
    "long number": b"9" * 5000,
    "keys missing": sealed({"numerics": NUMERICS, "grid": {}, "train": {}}).encode(),
    "no experiment": sealed({"numerics": NUMERICS, "grid": {}, "train": {}, "tables": {}}).encode(),
    "a file outside": sealed({"experiment": {"grid": {"gate": "x"}, "tables": {"x": {"csv": "/dev/zero"}}}}).encode(),
    "NUL in a name": sealed({"name": "a\0b", "files": {"a\0": "0" * 64}}).encode(),
}


@pytest.mark.parametrize("text", NOT_WRITTEN)
@pytest.mark.parametrize("name", ["manifest.json", "chunks/manifest.json", "layout.json"])
def test_json_that_nobody_wrote(name: str, text: str, plain: Path) -> None:
    before = contents(plain)
    path = plain / name if (plain / name).exists() else paths(plain, name)[0]
    path.write_bytes(NOT_WRITTEN[text])
    if name == "manifest.json":
        with pytest.raises(sweep.SweepError, match=r"^[^\n]*manifest.json: damaged [^\n]*mend it with: sweep verify "):
            sweep.read(plain)
    assert path in [problem.path for problem in sweep.verify(plain)[1]]
    assert sweep.verify(plain, repair=True, say=quiet)[1] == []
    assert contents(plain) == before


@pytest.mark.parametrize("text", NOT_WRITTEN)
def test_a_description_that_nobody_wrote_under_its_own_digest(text: str, plain: Path) -> None:
    before = contents(plain)
    path = paths(plain, "layout.json")[0]
    path.write_bytes(NOT_WRITTEN[text])
    path.parent.rename(path.parent.with_name(hashlib.sha256(NOT_WRITTEN[text]).hexdigest()[:32]))
    assert sweep.verify(plain)[1]
    assert sweep.verify(plain, repair=True, say=quiet)[1] == []
    assert contents(plain) == before


@pytest.mark.parametrize("text", NOT_WRITTEN)
def test_both_manifests_damaged_is_said_with_what_helps(text: str, plain: Path, tmp_path: Path) -> None:
    result = Path(shutil.copytree(plain, tmp_path / "result"))
    for path in paths(result, "manifest.json"):
        path.write_bytes(NOT_WRITTEN[text])
    assert {problem.path for problem in sweep.verify(result)[1]} == {*paths(result, "manifest.json")}
    with pytest.raises(sweep.SweepError, match=f"; make it again with: sweep run FILE --out {result}$"):
        sweep.read(result)
    sweep.run(EXPERIMENT, result, jobs=1, figures=False, say=quiet)
    assert contents(result).keys() - {".lock"} == contents(plain).keys() - {".lock"}


def test_a_figure_whose_place_is_taken(drawn: Path) -> None:
    before = contents(drawn)
    path = paths(drawn, ".svg")[0]
    path.unlink()
    path.mkdir()
    assert [problem.path for problem in sweep.verify(drawn)[1]] == [path]
    assert sweep.verify(drawn, repair=True, say=quiet)[1] == []
    assert contents(drawn) == before


def test_chunks_of_earlier_settings_are_set_aside_where_they_are_damaged(tmp_path: Path) -> None:
    source: dict[str, Any] = {"name": "a", "grid": {"gate": "AND", "learning_rate": 1, "seeds": 4}}
    for max_epochs in (20, 10):
        sweep.run({**source, "train": {"max_epochs": max_epochs}}, tmp_path, figures=False, say=quiet)
    own, earlier = sorted(
        (f for f in tmp_path.glob("chunks/*/*") if f.name != "layout.json"), key=lambda file: file.stat().st_mtime_ns
    )[::-1]
    earlier.write_bytes(earlier.read_bytes()[:-1])
    (earlier.parent / "stray").touch()
    assert len(sweep.verify(tmp_path)[1]) == 2
    said: list[str] = []
    assert sweep.verify(tmp_path, repair=True, say=said.append)[1] == []
    assert any("its 4 runs are trained again if its settings come back" in line for line in said)
    assert own.exists() and not earlier.exists()
