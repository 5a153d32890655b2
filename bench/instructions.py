"""Instructions of a model-epoch, as Valgrind's Callgrind counts them: a figure that no busy neighbour changes.

The workloads run under Callgrind in one process, each at two lengths, whose difference is of epochs alone. Counting is
switched on and off from within by Valgrind's client requests, which are a sequence of instructions that does nothing
on a real processor; x86-64's is written down here.
"""

import ctypes
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_DUMP_AT, _START, _STOP, _ZERO = 0x43540003, 0x43540004, 0x43540005, 0x43540001
_REQUEST = bytes.fromhex(
    "4889f8"  # mov rax, rdi: the address of the request
    "31d2"  # xor edx, edx: the answer without Valgrind
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61 and 51
    "4887db"  # xchg rbx, rbx
    "4889d0 c3"  # mov rax, rdx; ret
)
_SHORT, _LONG = 0.01, 0.08
"""Lengths of a steady load, as shares of that of a timing."""


def missing() -> str | None:
    """Say why instructions cannot be counted here, or return None."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return "counted on Linux on x86-64 only"
    return None if shutil.which("valgrind") else "Valgrind is not installed"


def per_model_epoch() -> dict[str, float]:
    """Instructions of a model-epoch by the workload's title; takes minutes."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [
                *("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={directory}/out"),
                *(sys.executable, "-m", "bench.instructions"),
            ],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            check=True,
            capture_output=True,
        )
        return _differences([path.read_text() for path in Path(directory).glob("out*")])


def _differences(dumps: list[str]) -> dict[str, float]:
    """Instructions of a model-epoch from Callgrind's files, each named "title: model-epochs" by its request."""
    counts: dict[str, list[tuple[int, int]]] = {}
    for text in dumps:
        name = re.search(r"^desc: Trigger: Client Request: (.*): (\d+)$", text, re.MULTILINE)
        total = re.search(r"^(?:summary|totals): (\d+)$", text, re.MULTILINE)
        if name and total:
            counts.setdefault(name[1], []).append((int(name[2]), int(total[1])))
    found = {}
    for title, pair in counts.items():
        (epochs, instructions), (more_epochs, more_instructions) = sorted(pair)
        found[title] = (more_instructions - instructions) / (more_epochs - epochs)
    return found


def _client_request() -> Callable[..., None]:
    """request(code, text): tell Valgrind something."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_REQUEST)
    code_in_page = ctypes.c_char.from_buffer(page)  # which keeps the page
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint64))(ctypes.addressof(code_in_page))

    def request(code: int, text: bytes = b"", _page: object = code_in_page) -> None:
        buffer = ctypes.create_string_buffer(text)
        function((ctypes.c_uint64 * 6)(code, ctypes.addressof(buffer), 0, 0, 0, 0))

    return request


def main() -> None:
    """Run every steady load, short and long, and have Callgrind write down each."""
    from bench.roof import steady_load, steady_workloads
    from bench.ways import trained

    request = _client_request()
    for workload in steady_workloads():
        loads = [steady_load(workload, share) for share in (_SHORT, _LONG)]
        trained(loads[0], 1)
        for load in loads:
            request(_START)
            request(_ZERO)
            trained(load, 1)
            request(_DUMP_AT, f"{workload.title}: {load.n_runs * load.train.max_epochs}".encode())
            request(_STOP)


if __name__ == "__main__":
    main()
