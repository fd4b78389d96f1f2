"""The servers that are compared: how each is started, found ready, and ended."""

import os
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UVOL = os.path.join(os.path.dirname(HERE), "uvol")
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def image(folder, name, size):
    """A file in memory whose pages all exist."""
    path = os.path.join(folder, name + ".img")
    block = os.urandom(1 << 20)
    with open(path, "wb") as f:
        for _ in range(size >> 20):
            f.write(block)
    return path


def answers(address):
    kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    try:
        with socket.socket(kind) as s:
            s.connect(address)
            return True
    except OSError:
        return False


class Server:
    """One server process, from start to end. `uri` is what a client dials, `path` what it opens."""

    def __init__(self, name, folder, size):
        self.name = name
        self.folder = folder
        self.uri = None
        self.path = None
        self.process = None
        self.address = None
        self.size = size
        self.ready_seconds = None

    def run(self, command, ready=None, seconds=30, patience=0.05):
        log = open(os.path.join(self.folder, self.name + ".log"), "wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        begun = time.monotonic()
        end = begun + seconds
        check = ready or (lambda: answers(self.address))
        while not check():
            if self.process.poll() not in (None, 0) or time.monotonic() > end:
                self.stop()
                with open(log.name) as f:
                    raise SystemExit(f"{self.name} did not start:\n{' '.join(command)}\n{f.read()}")
            time.sleep(patience)
        self.ready_seconds = time.monotonic() - begun
        return self

    def listen(self, unix):
        """Chooses where to listen."""
        if unix:
            self.address = os.path.join(self.folder, self.name + ".sock")
            self.uri = f"nbd+unix:///?socket={self.address}"
        else:
            self.address = ("127.0.0.1", free_port())
            self.uri = f"nbd://127.0.0.1:{self.address[1]}/"
        return self

    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        """User and system time of the process, children it has waited for included."""
        with open(f"/proc/{self.pid()}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICKS

    def memory_mib(self, key):
        with open(f"/proc/{self.pid()}/status") as f:
            for line in f:
                if line.startswith(key):
                    return int(line.split()[1]) / 1024
        return 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Uvol(Server):
    """`uvol serve`. Exec'd by the launcher, so the pid is the Java process."""

    def start(self, members, unix=False, level="linear", fuse=False, options="", patience=0.05):
        self.listen(unix)
        export = self.uri
        state = os.path.join(self.folder, self.name + ".state")
        config = os.path.join(self.folder, self.name + ".yaml")
        with open(config, "w") as f:
            f.write(f"state: {state}\nvolumes:\n  - name: {self.name}\n    level: {level}\n{options}")
            f.write("    members:\n" + "".join(f"      - {m}\n" for m in members))
            f.write(f"    exports:\n      - \"{export}\"\n")
            if fuse:
                self.path = os.path.join(self.folder, self.name + ".fuse")
                f.write(f"      - fuse:{self.path}\n")
        subprocess.run([UVOL, "version"], check=True, stdout=subprocess.DEVNULL)
        return self.run([UVOL, "serve", config], patience=patience)


class Nbdkit(Server):
    def start(self, arguments, unix=False):
        self.listen(unix)
        where = ["-U", self.address] if unix else ["-i", "127.0.0.1", "-p", str(self.address[1])]
        return self.run(["nbdkit", "-f", *where, *arguments])


class NbdServer(Server):
    daemon = None

    def start(self, path, unix=False):
        self.listen(unix)
        self.uri = self.uri.replace("///?", "///disk?") if unix else self.uri + "disk"
        config = os.path.join(self.folder, self.name + ".conf")
        where = f"unixsock = {self.address}\n" if unix else f"port = {self.address[1]}\nlistenaddr = 127.0.0.1\n"
        with open(config, "w") as f:
            f.write(f"[generic]\n{where}[disk]\nexportname = {path}\nmulticonn = true\n")
        pid_file = os.path.join(self.folder, self.name + ".pid")
        self.run(["nbd-server", "-C", config, "-p", pid_file])
        with open(pid_file) as f:
            self.daemon = int(f.read())
        return self

    def pid(self):
        """It always goes into the background."""
        return self.daemon

    def stop(self):
        super().stop()
        if self.daemon:
            os.kill(self.daemon, signal.SIGTERM)
            self.daemon = None

    def cpu_seconds(self):
        """It forks for each client; those that have ended are counted by the parent."""
        total = super().cpu_seconds()
        with open(f"/proc/{self.pid()}/task/{self.pid()}/children") as f:
            for child in f.read().split():
                with open(f"/proc/{child}/stat") as s:
                    fields = s.read().rsplit(") ", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / TICKS
        return total


class QemuNbd(Server):
    def start(self, path, unix=False):
        self.listen(unix)
        where = ["-k", self.address] if unix else ["-b", "127.0.0.1", "-p", str(self.address[1])]
        return self.run(["qemu-nbd", "-f", "raw", "-t", "-e", "32", "--cache=writeback", *where, path])


class StorageDaemon(Server):
    def start(self, blockdevs, node, unix=False, fuse=False):
        """`blockdevs` are the values of --blockdev; `node` is the one to export."""
        command = ["qemu-storage-daemon"]
        for b in blockdevs:
            command += ["--blockdev", b]
        if fuse:
            self.path = os.path.join(self.folder, self.name + ".fuse")
            open(self.path, "w").close()
            return self.run(command + [
                "--export", f"type=fuse,id=f,node-name={node},mountpoint={self.path},writable=on"],
                lambda: os.path.getsize(self.path) > 0)
        self.listen(unix)
        if unix:
            server = f"addr.type=unix,addr.path={self.address}"
        else:
            server = f"addr.type=inet,addr.host=127.0.0.1,addr.port={self.address[1]}"
        command += ["--nbd-server", server + ",max-connections=32"]
        command += ["--export", f"type=nbd,id=e,node-name={node},name=disk,writable=on"]
        self.uri = self.uri.replace("///?", "///disk?") if unix else self.uri + "disk"
        return self.run(command)


def present(program):
    return shutil.which(program) is not None
