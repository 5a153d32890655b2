"""A small fixed set of runs for every kind of plan, and machines that train them: each must give the same bits."""

import ctypes
import hashlib
import itertools
import struct
import subprocess
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from sweep.kernel import retarget
from sweep.kernel.descent import N_SETTINGS, n_state
from sweep.kernel.optimizers import OPTIMIZERS
from sweep.kernel.plan import Plan
from sweep.spec import models

CHECKSUMS = Path(__file__).with_name("golden.txt")
N_RUNS = 4
BLOCKS = (7, 33)
"""Epochs of two calls of `advance`: the second goes on where the first ended."""

_TABLES = {
    "01": [[0, 0], [0, 1], [1, 0], [1, 1]],
    "pm1": [[-1, -1], [-1, 1], [1, -1], [1, 1]],
    "own": [[0.3, -1.7], [2.5, 0.1], [-0.9, 1.1], [1e-3, 4.0], [-2.2, -0.4]],
}
_TABLES["probabilities"] = _TABLES["own"]
"""Boolean in either encoding; of one's own with targets 0 and 1, and with targets between."""
_TARGETS = {"own": [0, 1, 1, 0, 1], "probabilities": [0.25, 1, 0.5, 0, 0.9]}
_POINTS = [[0.25, 0.75], [-3.0, 2.0], [1e300, 0.0]]
_RATES = (0.1, 1.0, 8.0, 1e200)
_MOMENTUM, _BETA2, _EPSILON = 0.9, 0.99, 1e-8
_FAST = ("quickprop", "delta_bar_delta", "rprop")
_TARGET_LOSS, _LIKELIHOOD, _TARGET_ERROR = 0.5, 0.15, 0.45

Choice = tuple[str, ...]


def choices() -> list[Choice]:
    """Every kind of plan, in words: their texts name them; of the newer ones those that differ in more than a word."""
    outputs, updates = ("sigmoid bce", "sigmoid mse", "linear mse"), ("batch", "online")
    rest = (outputs, ("gd", "momentum", "nesterov", "adam", "rmsprop"), updates)
    logistic = itertools.product(("2-1",), ("",), *rest, ("",), _TABLES)
    networks = itertools.product(("2-2-1",), ("sigmoid", "tanh", "relu"), *rest, ("", "shortcut"), _TABLES)
    fast = itertools.product(("2-2-1",), ("tanh",), outputs, _FAST, updates, ("",), ("01", "own"))
    linear = itertools.product(("2-2-1",), ("identity",), outputs, ("gd", "adam"), updates, ("",), ("01", "own"))
    shapes = (("2-1", ""), ("2-2-1", "sigmoid"))
    unbiased = itertools.product(shapes, outputs, ("gd", "adam"), ("batch",), ("unbiased",), ("01", "own"))
    return [*logistic, *networks, *fast, *linear, *((*shape, *words) for shape, *words in unbiased)]


def name(choice: Choice) -> str:
    return " ".join(filter(None, choice))


def covering(strength: int) -> list[Choice]:
    """A few of `choices`, among which any so many words that go together do so at least once."""

    def groups(choice: Choice) -> set[tuple[tuple[int, str], ...]]:
        return set(itertools.combinations(enumerate(choice), strength))

    left = {choice: groups(choice) for choice in choices()}
    taken = []
    while left:
        best = max(left, key=lambda choice: len(left[choice]))
        new = left[best]
        taken.append(best)
        left = {choice: rest for choice, had in left.items() if (rest := had - new)}
    return taken


def plan_of(choice: Choice) -> Plan:
    """How its training ends differs from one to the next."""
    shape, activation, at_output, optimizer, update, shortcut, table = choice
    output, loss = at_output.split()
    number = zlib.crc32(name(choice).encode())
    return Plan(
        n_inputs=2,
        n_rows=len(_TABLES[table]),
        bits=table if table in ("01", "pm1") else "",
        soft_targets=loss == "mse" or table == "probabilities",
        stop_loss=number % 3 != 1,
        stop_error=number % 3 != 0,
        early_stop=number % 2 == 0,
        width=N_RUNS,
        hidden=0 if shape == "2-1" else 2,
        activation=activation or "sigmoid",
        output=output,
        loss=loss,
        optimizer=optimizer,
        online=update == "online",
        shortcut=shortcut == "shortcut",
        bias=shortcut != "unbiased",
    )


class Part(NamedTuple):
    """An array of the memory that a kernel works on: its first value's place, and its number of values."""

    at: int
    size: int


class Job(NamedTuple):
    """What one kernel is to do.

    Attributes
    ----------
    plan
    memory : float64
        All its arrays, one after the other.
    parts
        Where each of them is.
    limits
        Of the loss and of the error.
    """

    plan: Plan
    memory: NDArray[np.float64]
    parts: Mapping[str, Part]
    limits: tuple[float, float]


_OUTCOMES = ("state", "epochs", "converged_epoch", "loss", "converged", "finite", "outputs")


def job(choice: Choice) -> Job:
    plan, table = plan_of(choice), choice[-1]
    targets = np.array(_TARGETS.get(table, [0, 1, 1, 0]), float)
    if not plan.soft_targets:
        targets = np.copysign(0.0, targets - 0.5)
    divisor = 1 if plan.online or OPTIMIZERS[plan.optimizer].divides else plan.n_rows
    more = [value or 0.0 for value in models.OPTIMIZERS[plan.optimizer][3:]]
    others = [_MOMENTUM, _BETA2, _EPSILON, *(more if any(more) else [])]
    settings = [[rate / 2 / divisor, rate / divisor, *others] for rate in _RATES]
    P, S = plan.n_params, n_state(plan)
    state = np.zeros((S, N_RUNS))
    state[:P] = ((37 * np.arange(P * N_RUNS) % 101 - 50) / 32).reshape(P, N_RUNS)
    assert len(settings[0]) == N_SETTINGS or plan.optimizer in _FAST
    arrays = {
        "X": np.array(_TABLES[table], float),
        "state": state,
        "targets": np.repeat(targets[:, np.newaxis], N_RUNS, 1),
        "settings": np.array(settings).T,
        "epochs": np.zeros(N_RUNS),
        "converged_epoch": np.full(N_RUNS, -1.0),
        **{key: np.zeros(N_RUNS) for key in ("loss", "converged", "finite")},
        "points": np.array(_POINTS),
        "outputs": np.zeros((len(_POINTS), N_RUNS)),
    }
    ends = np.cumsum([array.size for array in arrays.values()]).tolist()
    parts = {key: Part(end - array.size, array.size) for (key, array), end in zip(arrays.items(), ends, strict=True)}
    memory = np.concatenate([array.ravel() for array in arrays.values()])
    return Job(plan, memory, parts, (_TARGET_LOSS if plan.soft_targets else _LIKELIHOOD, _TARGET_ERROR))


def calls(work: Job) -> list[tuple[str, list[int | str | float]]]:
    """What is called, in turn: a function, and its arguments, arrays by name."""
    limits = list(work.limits)
    advance = ["X", "state", "targets", "settings", "epochs", "converged_epoch", *limits]
    return [
        *(("advance", [n, *advance]) for n in BLOCKS),
        ("evaluate", ["X", "state", "targets", *limits, "loss", "converged", "finite"]),
        ("respond", [len(_POINTS), "points", "state", "outputs"]),
    ]


def single(work: Job) -> list[Job]:
    """The same runs, each a job of its own."""
    shared = ("X", "points")
    parts, end = {}, 0
    for key, part in work.parts.items():
        size = part.size if key in shared else part.size // N_RUNS
        parts[key], end = Part(end, size), end + size
    jobs = []
    for lane in range(N_RUNS):
        pieces = [
            work.memory[part.at : part.at + part.size][slice(None) if key in shared else slice(lane, None, N_RUNS)]
            for key, part in work.parts.items()
        ]
        jobs.append(Job(Plan(**{**vars(work.plan), "width": 1}), np.concatenate(pieces), parts, work.limits))
    return jobs


def joined(work: Job, memories: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The memory of the job that `single` has taken to pieces."""
    jobs, memory = single(work), work.memory.copy()
    for lane, (one, found) in enumerate(zip(jobs, memories, strict=True)):
        for key in _OUTCOMES:
            at, part = one.parts[key], work.parts[key]
            memory[part.at + lane : part.at + part.size : N_RUNS] = found[at.at : at.at + at.size]
    return memory


def checksum(work: Job, memory: NDArray[np.float64]) -> str:
    parts = (work.parts[key] for key in _OUTCOMES)
    return hashlib.sha256(b"".join(memory[at : at + size].astype("<f8").tobytes() for at, size in parts)).hexdigest()[
        :16
    ]


def stored() -> dict[str, str]:
    """Kind of plan → checksum."""
    lines = (line.rpartition(" ") for line in CHECKSUMS.read_text("utf-8").splitlines())
    return {named: found for named, _, found in lines}


# --- machines ------------------------------------------------------------------------------------------


def here() -> retarget.Target:
    """This processor, as Numba compiles for it."""
    features = llvm.get_host_cpu_features().flatten()
    return retarget.Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


class Loaded:
    """Object code in this process."""

    def __init__(self, code: bytes):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine()
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self.engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    def call(self, function: str, kinds: Sequence[Any], arguments: Sequence[Any], gives: Any = None) -> Any:
        return ctypes.CFUNCTYPE(gives, *kinds)(self.engine.get_function_address(function))(*arguments)


def trained(work: Job, code: bytes) -> NDArray[np.float64]:
    """The memory after the job, done in this process."""
    memory, loaded = work.memory.copy(), Loaded(code)
    for function, arguments in calls(work):
        values = [memory.ctypes.data + 8 * work.parts[a].at if isinstance(a, str) else a for a in arguments]
        kinds = [
            ctypes.c_void_p if isinstance(a, str) else ctypes.c_int64 if isinstance(a, int) else ctypes.c_double
            for a in arguments
        ]
        loaded.call(function, kinds, values)
    return memory


def program(work: Job, target: retarget.Target) -> bytes:
    """An aarch64 Linux program that does the job and writes its memory to standard output."""
    lines = [f"@memory = external dso_local global [{work.memory.size} x double]", "define void @_start() {"]
    for function, arguments in calls(work):
        texts = []
        for a in arguments:
            if isinstance(a, str):
                texts.append(f"ptr getelementptr (double, ptr @memory, i64 {work.parts[a].at})")
            else:
                texts.append(f"i64 {a}" if isinstance(a, int) else f"double 0x{struct.pack('>d', a).hex()}")
        lines.append(f"  call void @{function}({', '.join(texts)})")
    lines += [
        f"  call void @system(i64 64, i64 1, ptr @memory, i64 {work.memory.nbytes})",  # write
        "  call void @system(i64 93, i64 0, ptr null, i64 0)",  # exit
        "  unreachable",
        "}",
        "declare void @system(i64, i64, ptr, i64)",
    ]
    source = retarget.text(work.plan, target) + "\n".join(lines)
    return linked(retarget.emitted(source, target), work.memory.astype("<f8").tobytes())


def emulated(program: Path, work: Job) -> NDArray[np.float64]:
    done = subprocess.run(["qemu-aarch64", program], capture_output=True, timeout=60, check=True)
    return np.frombuffer(done.stdout, "<f8", work.memory.size)


# --- a linker for one aarch64 object file --------------------------------------------------------------

_SYSTEM = (0xAA0003E8, 0xAA0103E0, 0xAA0203E1, 0xAA0303E2, 0xD4000001, 0xD65F03C0)
"""x8 ← x0, x0 ← x1, x1 ← x2, x2 ← x3, svc 0, ret: a call of Linux, its number first."""
_BASE = 0x400000
_HEADERS = 0x1000
_ALLOCATED = 2
_SYMBOLS, _RELOCATIONS = 2, 4
_DISTANCE, _PAGE_OFFSET, _ADD, _CALLS = 261, 275, 277, (282, 283)
_LOADS = {278: 0, 284: 1, 285: 2, 286: 3, 299: 4}
"""Relocations of loads and stores: the logarithm of their size."""


def linked(code: bytes, memory: bytes) -> bytes:
    """A static program of one object file, which may name `memory`, what it works on, and `system`."""
    (shoff,) = struct.unpack_from("<Q", code, 0x28)
    n_sections = struct.unpack_from("<H", code, 0x3C)[0]
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, shoff + 64 * k) for k in range(n_sections)]
    image, address = bytearray(_HEADERS), {}
    for k, (_, kind, flags, _, offset, size, _, _, align, _) in enumerate(sections):
        if flags & _ALLOCATED and kind == 1:
            image += bytes(-len(image) % max(align, 1))
            address[k] = _BASE + len(image)
            image += code[offset : offset + size]
    image += bytes(-len(image) % 16)
    given = {b"memory": _BASE + len(image), b"system": _BASE + len(image) + len(memory)}
    image += memory + struct.pack("<6I", *_SYSTEM)

    (symtab,) = (s for s in sections if s[1] == _SYMBOLS)
    strings = sections[symtab[6]][4]
    symbols = []
    for at in range(symtab[4], symtab[4] + symtab[5], 24):
        text, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", code, at)
        named = code[strings + text : code.index(b"\0", strings + text)]
        symbols.append((named, address[section] + value if section in address else given.get(named)))
    for _, kind, _, _, offset, size, _, into, _, _ in sections:
        for at in range(offset, offset + size, 24) if kind == _RELOCATIONS and into in address else ():
            place, info, addend = struct.unpack_from("<QQq", code, at)
            named, value = symbols[info >> 32]
            assert value is not None, f"the program needs {named.decode()}"
            _relocate(image, address[into] + place, info & 0xFFFFFFFF, value + addend)

    start = next(value for named, value in symbols if named == b"_start")
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 7, 0, _BASE, _BASE, len(image), len(image), 0x1000)
    image[: len(head)] = head
    return bytes(image)


def _relocate(image: bytearray, place: int, kind: int, value: int) -> None:
    """ELF for the Arm 64-bit Architecture, §5.7."""
    (instruction,) = struct.unpack_from("<I", image, place - _BASE)
    if kind == _DISTANCE:
        instruction = (value - place) & 0xFFFFFFFF
    elif kind == _PAGE_OFFSET:
        pages = (value >> 12) - (place >> 12)
        instruction |= (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
    elif kind == _ADD:
        instruction |= (value & 0xFFF) << 10
    elif kind in _LOADS:
        instruction |= (value & 0xFFF) >> _LOADS[kind] << 10
    elif kind in _CALLS:
        instruction |= (value - place) >> 2 & 0x3FFFFFF
    else:
        raise ValueError(f"relocation {kind}")
    struct.pack_into("<I", image, place - _BASE, instruction)


if __name__ == "__main__":
    with CHECKSUMS.open("w", encoding="utf-8") as file:
        for each in choices():
            work_of_it = job(each)
            print(
                name(each),
                checksum(work_of_it, trained(work_of_it, retarget.compiled(work_of_it.plan, here()))),
                file=file,
            )
