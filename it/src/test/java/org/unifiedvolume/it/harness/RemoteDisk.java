package org.unifiedvolume.it.harness;

import java.nio.file.Path;

/// A disk on another host, which dies and comes back with what it had stored: a file served by
/// qemu-nbd on loopback.
public final class RemoteDisk {
    private final Lab lab;
    private final int port;
    private final Path disk;
    private Peer server;

    public RemoteDisk(Lab lab, int port, Path disk) {
        this.lab = lab;
        this.port = port;
        this.disk = disk;
    }

    public String uri() {
        return Nbd.uri(port, "");
    }

    /// Starts the host, if it is not running.
    public void start() {
        if (server == null) {
            server = lab.qemuNbd(port, disk);
        }
    }

    /// Ends it as a power cut would, but for its memory: SIGKILL.
    public void kill() {
        if (server != null) {
            server.kill();
            server = null;
        }
    }
}
