"""Measures uvol beside its peers: alternating servers, several rounds, medians with their spread.

Every group starts all its servers over equal files in memory, warms each up, then lets them take
turns. The ratio is the median of the ratios within a round, so that what disturbs a whole round
disturbs no figure.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import load
import redundancy
from servers import Nbdkit, NbdServer, QemuNbd, StorageDaemon, Uvol, image, present

SMALL = [
    ("4 KiB random read, depth 1", dict(rw="randread", block="4k", depth=1)),
    ("4 KiB random write, depth 1", dict(rw="randwrite", block="4k", depth=1)),
    ("4 KiB random read, depth 32", dict(rw="randread", block="4k", depth=32)),
    ("4 KiB random write, depth 32", dict(rw="randwrite", block="4k", depth=32)),
]
LARGE = [
    ("128 KiB sequential read, depth 8", dict(rw="read", block="128k", depth=8)),
    ("128 KiB sequential write, depth 8", dict(rw="write", block="128k", depth=8)),
    ("1 MiB sequential read, depth 8", dict(rw="read", block="1m", depth=8)),
    ("1 MiB sequential write, depth 8", dict(rw="write", block="1m", depth=8)),
]


class Bench:
    def __init__(self, arguments, folder):
        self.rounds = arguments.rounds
        self.seconds = arguments.seconds
        self.warm = arguments.warm
        self.size = arguments.size << 20
        self.folder = folder
        self.servers = []

    def image(self, name):
        return image(self.folder, name, self.size)

    def up(self, server):
        self.servers.append(server)
        return server

    def down(self):
        for server in self.servers:
            server.stop()
        self.servers = []
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            if name.endswith(".img"):
                os.unlink(path)

    def new(self, kind, name):
        return kind(name, self.folder, self.size)

    def warm_up(self, run):
        """A Java server is compiled while it works: `run` is repeated for a while."""
        turns = max(1, round(self.warm / self.seconds / 2))
        for _ in range(turns):
            for case in ("randread", "randwrite"):
                run(case)

    def compare(self, title, cases, servers, measure):
        """`measure(server, case)` for all servers and cases in turn, and a table of it."""
        figures = {(n, s.name): [] for n, _ in cases for s in servers}
        for number in range(self.rounds):
            for name, case in cases:
                turn = servers[number % len(servers):] + servers[:number % len(servers)]
                for server in turn:
                    figures[name, server.name].append(measure(server, case))
                    print(f"\r  {title}: round {number + 1}/{self.rounds}, {name}, {server.name}"
                          .ljust(100), end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        print(f"\n### {title}\n")
        large = all("MiB" in n or "128" in n or "copy" in n for n, _ in cases)
        for name, _ in cases:
            self.table(name, servers, figures, large)

    def table(self, name, servers, figures, large):
        ours = figures[name, servers[0].name]
        print(f"**{name}**\n")
        print("| server | " + ("MiB/s" if large else "requests/s") +
              " | spread | CPU per request | p99 | uvol is |")
        print("|---|---:|---:|---:|---:|---:|")
        for server in servers:
            runs = figures[name, server.name]
            values = [r.mib_per_second if large else r.per_second for r in runs]
            ratio = statistics.median(
                o.per_second / max(r.per_second, 1e-9) for o, r in zip(ours, runs))
            cpu = statistics.median(r.cpu_us for r in runs)
            own = statistics.median(r.cpu_us for r in ours)
            p99 = statistics.median(r.p99_us for r in runs)
            verdict = "" if server is servers[0] else f"{ratio:.2f} × ({own / max(cpu, 1e-9):.2f} × CPU)"
            print(f"| {server.name} | {statistics.median(values):,.0f} | "
                  f"{min(values):,.0f} – {max(values):,.0f} | {cpu:.1f} µs | "
                  f"{p99:,.0f} µs | {verdict} |")
        print()

    # ------------------------------------------------------------------------------- groups

    def nbd(self, unix):
        names = ["uvol", "nbdkit", "nbd-server", "qemu-nbd", "qemu-storage-daemon"]
        files = {n: self.image(n) for n in names}
        s = [self.up(self.new(Uvol, "uvol").start([f"file:{files['uvol']}"], unix)),
             self.up(self.new(Nbdkit, "nbdkit").start(["file", files["nbdkit"]], unix))]
        if present("nbd-server"):
            s.append(self.up(self.new(NbdServer, "nbd-server").start(files["nbd-server"], unix)))
        s.append(self.up(self.new(QemuNbd, "qemu-nbd").start(files["qemu-nbd"], unix)))
        s.append(self.up(self.new(StorageDaemon, "qemu-storage-daemon").start(
            [f"driver=file,node-name=f,filename={files['qemu-storage-daemon']}"], "f", unix)))
        self.warm_up(lambda rw: load.fio(s[0], self.seconds, rw, "4k", 32))
        what = "Unix socket" if unix else "TCP loopback"
        run = lambda server, case: load.fio(server, self.seconds, **case)
        self.compare(f"NBD, {what}: small requests", SMALL, s, run)
        self.compare(f"NBD, {what}: large requests", LARGE, s, run)
        local = self.image("source")
        copies = [("nbdcopy out, 4 connections", False), ("nbdcopy in, 4 connections", True)]
        self.compare(f"NBD, {what}: nbdcopy", copies, s,
                     lambda server, writes: load.nbdcopy(server, writes, local, self.size))

    def bridge(self):
        """One volume over one remote target, exported again."""
        files = {n: self.image(n) for n in ("far-uvol", "far-nbdkit", "far-qemu")}
        far = {n: self.up(self.new(Nbdkit, n).start(["file", f])) for n, f in files.items()}
        s = [self.up(self.new(Uvol, "uvol").start([far["far-uvol"].uri])),
             self.up(self.new(Nbdkit, "nbdkit nbd").start(["nbd", "uri=" + far["far-nbdkit"].uri])),
             self.up(self.new(StorageDaemon, "qemu-storage-daemon").start(
                 ["driver=nbd,node-name=f,server.type=inet,server.host=127.0.0.1,"
                  f"server.port={far['far-qemu'].address[1]}"], "f"))]
        self.warm_up(lambda rw: load.fio(s[0], self.seconds, rw, "4k", 32))
        self.compare("NBD over a remote leg", SMALL, s,
                     lambda server, case: load.fio(server, self.seconds, **case))

    def fuse(self):
        ours, theirs = self.image("uvol"), self.image("qemu")
        s = [self.up(self.new(Uvol, "uvol").start([f"file:{ours}"], fuse=True)),
             self.up(self.new(StorageDaemon, "qemu-storage-daemon").start(
                 [f"driver=file,node-name=f,filename={theirs}"], "f", fuse=True))]
        self.warm_up(lambda rw: load.fio(s[0], self.seconds, rw, "4k", 32, engine="libaio"))
        cases = []
        for name, case in SMALL + LARGE[:2]:
            engine = "psync" if case["depth"] == 1 else "libaio"
            cases.append((f"{name}, {engine}", dict(case, engine=engine)))
        self.compare("FUSE file", cases, s,
                     lambda server, case: load.fio(server, self.seconds, **case))
        loops = {server.name: load.loop_device(server.path) for server in s}
        try:
            self.compare(
                "FUSE file behind a loop device", cases, s,
                lambda server, case: load.fio(
                    server, self.seconds, filename=loops[server.name], **case))
        finally:
            for device in loops.values():
                load.drop_loop(device)

    def raid(self):
        f = {n: self.image(n) for n in ("one", "a0", "b0", "a1", "b1", "qa", "qb")}
        one = self.up(self.new(Uvol, "uvol").start([f"file:{f['one']}"]))
        raid0 = self.up(self.new(Uvol, "uvol-raid0").start(
            [f"file:{f['a0']}", f"file:{f['b0']}"], level="raid0"))
        raid1 = self.up(self.new(Uvol, "uvol-raid1").start(
            [f"file:{f['a1']}", f"file:{f['b1']}"], level="raid1", options="    assume-clean: true\n    force: true\n"))
        quorum = self.up(self.new(StorageDaemon, "qemu-quorum").start(
            [f"driver=file,node-name=c0,filename={f['qa']}",
             f"driver=file,node-name=c1,filename={f['qb']}",
             "driver=quorum,node-name=q,vote-threshold=1,read-pattern=fifo,"
             "children.0=c0,children.1=c1"], "q"))
        for server in (one, raid0, raid1):
            self.warm_up(lambda rw, server=server: load.fio(server, self.seconds, rw, "4k", 32))
        run = lambda server, case: load.fio(server, self.seconds, **case)
        self.compare("RAID 0 and RAID 1 beside a single file", SMALL, [one, raid0, raid1], run)
        self.compare("RAID 1 beside QEMU's quorum of two", SMALL + LARGE[:2], [raid1, quorum], run)

    def memory(self):
        path = self.image("uvol")
        server = self.up(self.new(Uvol, "uvol").start([f"file:{path}"]))
        load.idle(server, 15)  # the compiler has things to do at first
        cpu = load.idle(server, 10)
        fresh = server.memory_mib("VmRSS")
        for rw, block, depth in (("randread", "4k", 32), ("randwrite", "4k", 32),
                                 ("read", "1m", 8), ("write", "1m", 8)):
            load.fio(server, self.seconds, rw, block, depth, jobs=16)
        peak = server.memory_mib("VmHWM")
        load.idle(server, 15)
        after_cpu = load.idle(server, 10)
        print("\n### Memory and idle\n")
        print("| | uvol |\n|---|---:|")
        print(f"| RSS after the start | {fresh:.0f} MiB |")
        print(f"| peak RSS, 16 connections at full load, 4 KiB to 1 MiB | {peak:.0f} MiB |")
        print(f"| RSS 25 s after the load | {server.memory_mib('VmRSS'):.0f} MiB |")
        print(f"| CPU when idle, fresh and after the load | {cpu:.2f} % and {after_cpu:.2f} % |")


GROUPS = {
    "tcp": lambda b: b.nbd(False),
    "unix": lambda b: b.nbd(True),
    "bridge": Bench.bridge,
    "fuse": Bench.fuse,
    "raid": Bench.raid,
    "memory": Bench.memory,
    **redundancy.GROUPS,
}


def tidy_memory():
    """After hours of work free memory lies in single pages, and what is sent on a Unix socket in
    more pieces: splice(2) from it was a third slower for that. As root, it is put together again."""
    if os.geteuid() == 0:
        for name, value in (("drop_caches", "3"), ("compact_memory", "1")):
            try:
                with open(f"/proc/sys/vm/{name}", "w", encoding="ascii") as control:
                    control.write(value)
            except OSError:
                pass  # a container: figures may be a little worse, for all servers


def main():
    parser = argparse.ArgumentParser(prog="uvol-bench", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; redundancy for all that begin so; all if none is given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="how long each run takes")
    parser.add_argument("--warm", type=int, default=12, help="seconds of load before the first round")
    parser.add_argument("--size", type=int, default=1024, help="MiB of each file")
    arguments = parser.parse_args()
    for group in arguments.groups:
        if group not in GROUPS and group != "redundancy":
            parser.error(f"no group {group}; there are {', '.join(GROUPS)}")
    arguments.groups = [
        one for group in arguments.groups
        for one in (redundancy.GROUPS if group == "redundancy" else [group])]
    for program in ("fio", "nbdcopy", "nbdkit", "qemu-nbd", "qemu-storage-daemon"):
        if not present(program):
            sys.exit("uvol-bench: %s is missing; apt install fio libnbd-bin nbdkit nbd-server "
                     "qemu-utils qemu-system-common" % program)
    if shutil.disk_usage("/dev/shm").free < 8 * arguments.size << 20:
        sys.exit("uvol-bench: /dev/shm lacks room for 8 files; give a smaller --size")
    print(f"Linux {platform.release()}, {os.cpu_count()} CPUs, {arguments.rounds} rounds of "
          f"{arguments.seconds} s, files of {arguments.size} MiB in /dev/shm")
    with tempfile.TemporaryDirectory(prefix="uvol-bench-", dir="/dev/shm") as folder:
        for group in arguments.groups or GROUPS:
            bench = Bench(arguments, folder)
            tidy_memory()
            try:
                GROUPS[group](bench)
            finally:
                bench.down()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, subprocess.CalledProcessError) as e:
        sys.exit(f"uvol-bench: {e or 'interrupted'}")
