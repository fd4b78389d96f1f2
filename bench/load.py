"""What is asked of a server, and what came of it."""

import json
import os
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Result:
    per_second: float  # requests
    mib_per_second: float
    cpu_us: float  # server CPU per request, microseconds
    p99_us: float


def fio(server, seconds, rw, block, depth, engine="nbd", filename=None, size=None, jobs=1):
    """One run of fio; the first half second is not counted."""
    command = [
        "fio", "--name=bench", "--output-format=json", f"--rw={rw}", f"--bs={block}",
        f"--iodepth={depth}", f"--ioengine={engine}", f"--runtime={seconds}", "--time_based",
        f"--size={size or server.size}", "--randrepeat=0", "--norandommap", f"--numjobs={jobs}", "--group_reporting",
    ]
    if engine == "nbd":
        command.append(f"--uri={server.uri}")
    else:
        command += [f"--filename={filename or server.path}", "--direct=1"]
    before = server.cpu_seconds()
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    after = server.cpu_seconds()
    if run.returncode != 0:
        raise SystemExit(f"{server.name}: fio failed: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    job = json.loads(run.stdout[run.stdout.index("{"):])["jobs"][0]
    side = job["read"] if "read" in rw else job["write"]
    total = side["total_ios"]
    p99 = side["clat_ns"].get("percentile", {}).get("99.000000", 0) / 1000
    return Result(side["iops"], side["bw_bytes"] / 2**20, (after - before) / max(total, 1) * 1e6, p99)


def nbdcopy(server, writes, local, size):
    """One copy of the whole export with 4 connections, out of it or into it."""
    null = ["nbdcopy", "--connections=4", server.uri, "null:"]
    fill = ["nbdcopy", "--connections=4", "--destination-is-zero", local, server.uri]
    before = server.cpu_seconds()
    start = time.monotonic()
    subprocess.run(fill if writes else null, check=True, capture_output=True)
    took = time.monotonic() - start
    cpu = server.cpu_seconds() - before
    count = size / (256 * 1024)
    return Result(count / took, size / took / 2**20, cpu / count * 1e6, 0)


def idle(server, seconds):
    """CPU that the server takes when nobody asks anything, in percent of one core."""
    before = server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - before) / seconds * 100


def loop_device(path):
    run = subprocess.run(
        ["losetup", "--find", "--show", "--direct-io=on", path], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"losetup {path}: {run.stderr}")
    return run.stdout.strip()


def drop_loop(device):
    subprocess.run(["losetup", "--detach", device], check=True)
    while os.path.exists(f"/sys/block/{os.path.basename(device)}/loop/backing_file"):
        time.sleep(0.02)
