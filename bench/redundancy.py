"""Groups about arrays with redundancy: raid1 over a local and a remote leg, what its bitmap costs,
how fast legs are given what they lack, how fast large arrays open, and parity beside raid0."""

import datetime
import json
import os
import re
import statistics
import subprocess
import time

import load
from servers import Nbdkit, QemuNbd, Server, StorageDaemon, Uvol, UVOL

NEW = "    assume-clean: true\n    force: true\n"
WRITES = [
    ("4 KiB random write, depth 1", dict(rw="randwrite", block="4k", depth=1)),
    ("4 KiB random write, depth 32", dict(rw="randwrite", block="4k", depth=32)),
]
READS = [
    ("4 KiB random read, depth 1", dict(rw="randread", block="4k", depth=1)),
    ("4 KiB random read, depth 32", dict(rw="randread", block="4k", depth=32)),
]
STRIPES = [
    ("1 MiB sequential write, depth 8", dict(rw="write", block="1m", depth=8)),
    ("1 MiB sequential read, depth 8", dict(rw="read", block="1m", depth=8)),
]
JOB = re.compile(r"(\S+) INFO +RowJob volume \S+: (\S+).*? (starts|has ended)")


def sparse(folder, name, size):
    path = os.path.join(folder, name + ".img")
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def mirror(bench, name, size=None, options=NEW):
    """A raid1 of a local file and one behind nbdkit."""
    local = bench.image(name + "-near")
    far = bench.up(bench.new(Nbdkit, name + "-host").start(["file", bench.image(name + "-far")]))
    return bench.up(bench.new(Uvol, name).start(
        [f"file:{local}", far.uri], level="raid1", options=options))


def run(bench):
    return lambda server, case: load.fio(server, bench.seconds, **case)


def warm(bench, servers):
    for server in servers:
        bench.warm_up(lambda rw, server=server: load.fio(server, bench.seconds, rw, "4k", 32))


def reads(bench):
    servers = [mirror(bench, "uvol-raid1"),
               bench.up(bench.new(Uvol, "uvol-file").start([f"file:{bench.image('one')}"]))]
    warm(bench, servers)
    bench.compare("RAID 1 of a local and a remote leg beside the local file", READS, servers, run(bench))


def writes(bench):
    ours = mirror(bench, "uvol-raid1")
    near = bench.image("quorum-near")
    far = bench.up(bench.new(Nbdkit, "quorum-host").start(["file", bench.image("quorum-far")]))
    quorum = bench.up(bench.new(StorageDaemon, "qemu-quorum").start(
        [f"driver=file,node-name=c0,filename={near}",
         "driver=nbd,node-name=c1,server.type=inet,server.host=127.0.0.1,"
         f"server.port={far.address[1]}",
         "driver=quorum,node-name=q,vote-threshold=1,read-pattern=fifo,children.0=c0,children.1=c1"],
        "q"))
    warm(bench, [ours])
    bench.compare("RAID 1 of a local and a remote leg beside QEMU's quorum", WRITES, [ours, quorum],
                  run(bench))


def bitmap(bench):
    servers = [mirror(bench, "with-bitmap"),
               mirror(bench, "without-bitmap", options=NEW + "    bitmap: none\n")]
    warm(bench, servers)
    bench.compare("RAID 1 with a write-intent bitmap and without", WRITES, servers, run(bench))


def integrity(bench):
    """What checksums cost, on a mirror of two files and on a raid5 of three."""
    for level, count in (("raid1", 2), ("raid5", 3)):
        servers = []
        for name, more in (("with", "    integrity: crc32c\n"), ("without", "")):
            files = [bench.image(f"{level}-{name}{i}") for i in range(count)]
            servers.append(bench.up(bench.new(Uvol, f"{level}-{name}").start(
                [f"file:{f}" for f in files], level=level, options=NEW + more)))
        warm(bench, servers)
        bench.compare(f"{level} of {count} files with checksums and without",
                      READS + WRITES + STRIPES, servers, run(bench))
        bench.down()


# ------------------------------------------------------------------------------------------ jobs


def uvol(server, *words):
    state = os.path.join(server.folder, server.name + ".state")
    done = subprocess.run([UVOL, *words, "--state", state], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"uvol {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def await_state(server, state, seconds=60):
    end = time.monotonic() + seconds
    while True:
        detail = json.loads(uvol(server, "detail", server.name, "--json"))
        if detail["state"] == state:
            return detail
        if time.monotonic() > end:
            raise SystemExit(f"{server.name} is not {state}: {detail}")
        time.sleep(0.3)


def await_job(server, before, seconds=60):
    """Waits until one more job has ended than before. Reads the log: asking the service by a
    command would take a processor from the job that is measured."""
    end = time.monotonic() + seconds
    while job_count(server) <= before:
        if time.monotonic() > end:
            raise SystemExit(f"{server.name}: no job has ended")
        time.sleep(0.1)


def job_count(server):
    with open(os.path.join(server.folder, server.name + ".log")) as f:
        return sum(1 for line in f if (found := JOB.match(line)) and found.group(3) != "starts")


def last_job_seconds(server):
    """How long the last job took, from the log."""
    began = took = None
    with open(os.path.join(server.folder, server.name + ".log")) as f:
        for line in f:
            found = JOB.match(line)
            if found:
                at = datetime.datetime.fromisoformat(found.group(1))
                if found.group(3) == "starts":
                    began = at
                elif began:
                    took = (at - began).total_seconds()
    return took


def copy_seconds(bench, source, size, name):
    """What nbdcopy takes to bring a file to a new sparse disk behind qemu-nbd."""
    target = bench.new(QemuNbd, name).start(sparse(bench.folder, name, size))
    start = time.monotonic()
    subprocess.run(["nbdcopy", "--connections=1", source, target.uri], check=True, capture_output=True)
    took = time.monotonic() - start
    target.stop()
    os.unlink(os.path.join(bench.folder, name + ".img"))
    return took


def resync(bench):
    """A leg is away while 1 % of 20 GiB is written, and is given that when it is back."""
    size = 20 << 30
    regions = size // 100 >> 20
    near, far = sparse(bench.folder, "near", size), sparse(bench.folder, "far", size)
    bench.size = regions << 20
    source = bench.image("source")
    host = bench.new(QemuNbd, "host").start(far)
    port = host.address[1]
    array = bench.up(bench.new(Uvol, "resync").start(
        [f"file:{near}", host.uri + "?deadline=1s"], level="raid1", options=NEW))
    ours, theirs, dirty = [], [], 0
    for number in range(bench.rounds):
        host.stop()
        subprocess.run(["fio", "--name=dirty", "--rw=randwrite", "--bs=1m", "--ioengine=nbd",
                        f"--uri={array.uri}", f"--size={size - (64 << 20)}",
                        f"--io_size={regions << 20}", f"--randseed={number + 1}", "--randrepeat=0"],
                       check=True, capture_output=True)
        dirty = await_state(array, "DEGRADED")["bitmap"]["dirty"]
        jobs = job_count(array)
        host = bench.new(QemuNbd, "host")
        host.address, host.uri = ("127.0.0.1", port), f"nbd://127.0.0.1:{port}/"
        Server.run(host, ["qemu-nbd", "-f", "raw", "-t", "-e", "32", "--cache=writeback", "-b",
                          "127.0.0.1", "-p", str(port), far])
        await_job(array, jobs)
        await_state(array, "ONLINE")
        ours.append(last_job_seconds(array) / dirty * 2**20)
        theirs.append(copy_seconds(bench, source, bench.size, "target") / regions)
        time.sleep(11)  # until nothing is dirty any more
    host.stop()
    a, b = statistics.median(ours), statistics.median(theirs)
    print("\n### Delta resync of 1 % of 20 GiB\n")
    print("| | ms for each MiB | spread |\n|---|---:|---:|")
    for name, runs in (("resync of a raid1's remote leg", ours), ("nbdcopy of as much", theirs)):
        print(f"| {name} | {statistics.median(runs) * 1e3:.2f} | "
              f"{min(runs) * 1e3:.2f} – {max(runs) * 1e3:.2f} |")
    print(f"\nDirty in the last round: {dirty >> 20} MiB. Ratio: {a / b:.2f} ×\n")


def rebuild(bench):
    """A new leg is given everything."""
    near = bench.image("near")
    ours, theirs = [], []
    for number in range(bench.rounds):
        with open(near, "r+b") as f:
            f.write(bytes(1 << 20))  # a new array each time
        host = bench.new(QemuNbd, "host").start(sparse(bench.folder, "far", bench.size))
        array = bench.new(Uvol, f"rebuild{number}").start(
            [f"file:{near}", host.uri], level="raid1",
            options=f"    force: true\n    primary: file:{near}\n")
        await_job(array, 0, 120)
        await_state(array, "ONLINE")
        ours.append((bench.size >> 20) / last_job_seconds(array))
        array.stop()
        host.stop()
        os.unlink(os.path.join(bench.folder, "far.img"))
        theirs.append((bench.size >> 20) / copy_seconds(bench, near, bench.size, "target"))
    print("\n### Full rebuild of a remote leg\n")
    print("| | MiB/s | spread |\n|---|---:|---:|")
    for name, runs in (("rebuild", ours), ("nbdcopy of the local leg to such a host", theirs)):
        print(f"| {name} | {statistics.median(runs):,.0f} | {min(runs):,.0f} – {max(runs):,.0f} |")
    print(f"\nRatio: {statistics.median(o / t for o, t in zip(ours, theirs)):.2f} ×\n")


def opening(bench):
    """What 1 TiB takes to open, and how much memory, beside 1 GiB."""
    sizes = {"1 GiB": 1 << 30, "1 TiB": 1 << 40}
    files = {n: [sparse(bench.folder, f"{n[2:]}{i}", s) for i in range(2)] for n, s in sizes.items()}
    seconds, memory = {n: [] for n in sizes}, {n: [] for n in sizes}
    for number in range(bench.rounds + 1):
        for name in sizes:
            server = bench.new(Uvol, "open-" + name[2:])
            server.start([f"file:{f}" for f in files[name]], level="raid1",
                         options=NEW if number == 0 else "", patience=0.005)
            time.sleep(2)
            if number > 0:  # the first one makes the array
                seconds[name].append(server.ready_seconds)
                memory[name].append(server.memory_mib("VmRSS"))
            server.stop()
    print("\n### Opening a raid1 of two sparse files\n")
    print("| size | start to ready | spread | RSS 2 s later |\n|---|---:|---:|---:|")
    for name in sizes:
        s = seconds[name]
        print(f"| {name} | {statistics.median(s) * 1e3:.0f} ms | {min(s) * 1e3:.0f} – "
              f"{max(s) * 1e3:.0f} | {statistics.median(memory[name]):.0f} MiB |")
    print()


def parity(bench):
    """raid5 4+1 and raid6 4+2 beside raid0 over as many data members, once they are offered."""
    def array(name, level, members, options):
        files = [bench.image(f"{name}{i}") for i in range(members)]
        return bench.up(bench.new(Uvol, name).start(
            [f"file:{f}" for f in files], level=level, options=options))

    bench.size //= 4
    zero = array("uvol-raid0", "raid0", 4, "")
    for level, members in (("raid5", 5), ("raid6", 6)):
        try:
            ours = array("uvol-" + level, level, members, NEW)
        except SystemExit as e:
            print(f"\n### {level}: not offered\n\n{str(e).splitlines()[-1]}\n")
            continue
        for server in (ours, zero):
            server.size = bench.size
        warm(bench, [ours, zero])
        bench.compare(f"{level} of 4 data members beside RAID 0 of 4", STRIPES, [ours, zero], run(bench))


GROUPS = {
    "redundancy-reads": reads,
    "redundancy-writes": writes,
    "redundancy-bitmap": bitmap,
    "redundancy-integrity": integrity,
    "redundancy-resync": resync,
    "redundancy-rebuild": rebuild,
    "redundancy-opening": opening,
    "redundancy-parity": parity,
}
