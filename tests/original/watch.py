"""What a run takes: time, processor time of all its processes, and their memory. Linux only."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BETWEEN_SAMPLES = 0.005
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Taken:
    """What one run took, and what it left.

    Args:
        wall: Seconds until its process ended.
        cpu: Seconds of processor time of it and all its descendants.
        pss: Bytes, the largest sum at one moment; shared pages count once. 0 where nobody looked.
        rss: The same, but shared pages count for each process.
        code: Its exit code.
        said: Both streams.
        largest: What each process had at the moment of the largest `pss`: command line, bytes.
    """

    wall: float
    cpu: float
    pss: int
    rss: int
    code: int
    said: str
    largest: list[tuple[str, int]]


def adopt_orphans() -> None:
    """Makes this process the parent of what a run leaves behind, so that its processor time counts, too."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise SystemExit("this kernel gives no orphans to this process")


def run(command: list, env: dict[str, str], folder: Path, *, memory: bool) -> Taken:
    """Runs a command to its end, without a watcher unless memory is asked for."""
    elsewhere = set(children().get(os.getpid(), []))
    before, since = children_cpu(), time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [str(word) for word in command],
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        pss, rss, largest = peak(process) if memory else (0, 0, [])
        code = process.wait()
        wall = time.perf_counter() - since
        for orphan in set(children().get(os.getpid(), [])) - elsewhere:
            os.waitpid(orphan, 0)
        cpu = children_cpu() - before
        said.seek(0)
        return Taken(wall, cpu, pss, rss, code, said.read().decode(errors="replace"), largest)


def children_cpu() -> float:
    """Returns the processor time of all descendants that were waited for, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


def peak(process: subprocess.Popen) -> tuple[int, int, list[tuple[str, int]]]:
    """Returns the largest PSS and RSS of a process and its descendants until it ends, and who had the PSS."""
    pss, rss, largest = 0, 0, []
    while process.poll() is None:
        now = {pid: memory(pid) for pid in tree(process.pid)}
        rss = max(rss, sum(each[0] for each in now.values()))
        if (total := sum(each[1] for each in now.values())) > pss:
            pss, largest = total, [(words(pid), each[1]) for pid, each in now.items()]
        time.sleep(BETWEEN_SAMPLES)
    return pss, rss, largest


def children() -> dict[int, list[int]]:
    """Returns the children of each process."""
    table: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            table.setdefault(int(stat.rpartition(") ")[2].split()[1]), []).append(int(entry))
    return table


def tree(root: int) -> list[int]:
    """Returns a process and all its descendants."""
    table, found, todo = children(), [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo.extend(table.get(pid, ()))
    return found


def memory(pid: int) -> tuple[int, int]:
    """Returns a process's resident memory and its share of it, in bytes; zeros where it has just ended."""
    sizes = {"Rss": 0, "Pss": 0}
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name in sizes:
                    sizes[name] = int(value.split()[0]) * 1024
    except OSError:
        pass
    return sizes["Rss"], sizes["Pss"]


def words(pid: int) -> str:
    """Returns the start of a command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:80]
    except OSError:
        return "?"
