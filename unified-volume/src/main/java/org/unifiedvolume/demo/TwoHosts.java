package org.unifiedvolume.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.ControlClient;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.mount.Mounts;
import org.unifiedvolume.mount.Tool;

/// A scratch folder with two hosts in it: a process that plays the remote one and serves disks over
/// NBD, and a process with volumes over these and over files of its own.
///
/// ```
///  near (uvol serve near/uvol.yaml)                 far (uvol serve far/uvol.yaml)
///   stripe  raid0 ── near/stripe.img    + nbd ────── stripe ── far/stripe.img
///   mirror  raid1 ── near/mirror.img    + nbd ────── mirror ── far/mirror.img
/// ```
///
/// Closing leaves nothing behind: no process, no mount, no loop device, no folder.
final class TwoHosts implements AutoCloseable {
    static final String STRIPE = "stripe";
    static final String MIRROR = "mirror";

    private final Path folder;
    private final int farPort;
    private final int nearPort;
    private ServedProcess far;
    private ServedProcess near;

    private TwoHosts(Path folder, int farPort, int nearPort) {
        this.folder = folder;
        this.farPort = farPort;
        this.nearPort = nearPort;
    }

    /// Makes the folder and writes the configurations; starts nothing yet.
    ///
    /// @param neededBytes how much space will be used at the most
    /// @throws DemoFault if there is not enough space
    static TwoHosts prepare(long neededBytes, String stripeMember, String mirrorMember)
            throws DemoFault, IOException {
        Path folder = Files.createTempDirectory("uvol-demo-");
        FileStore store = Files.getFileStore(folder);
        if (store.getUsableSpace() < neededBytes) {
            Files.delete(folder);
            throw new DemoFault(
                    "the demonstration needs %s in %s, which has %s; set TMPDIR to a folder with more"
                            .formatted(
                                    Units.size(neededBytes),
                                    folder.getParent(),
                                    Units.size(store.getUsableSpace())));
        }
        TwoHosts hosts = new TwoHosts(folder, freePort(), freePort());
        Files.createDirectories(hosts.nearFolder());
        Files.createDirectories(hosts.farFolder());
        Files.writeString(hosts.farConfig(), hosts.farText(stripeMember, mirrorMember));
        Files.writeString(hosts.nearConfig(), hosts.nearText(stripeMember, mirrorMember));
        return hosts;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private String farText(String stripeMember, String mirrorMember) {
        return """
        # The host that plays the remote one.
        volumes:
          - name: %1$s
            level: linear
            members: [./%1$s.img?size=%4$s]
            exports: ['nbd://127.0.0.1:%3$d/%1$s']
          - name: %2$s
            level: linear
            members: [./%2$s.img?size=%5$s]
            exports: ['nbd://127.0.0.1:%3$d/%2$s']
        """
                .formatted(STRIPE, MIRROR, farPort, stripeMember, mirrorMember);
    }

    private String nearText(String stripeMember, String mirrorMember) {
        return """
        # This host: each volume has a local member and one on the other host.
        volumes:
          - name: %1$s
            level: raid0
            chunk: 64KiB
            members:
              - ./%1$s-local.img?size=%5$s
              - nbd://127.0.0.1:%3$d/%1$s
            exports:
              - nbd://127.0.0.1:%4$d/%1$s
              - fuse:./%1$s.img
            deadline: 5s
          - name: %2$s
            level: raid1
            members:
              - ./%2$s-local.img?size=%6$s
              - nbd://127.0.0.1:%3$d/%2$s
            exports:
              - nbd://127.0.0.1:%4$d/%2$s
              - fuse:./%2$s.img
            deadline: 3s
        """
                .formatted(STRIPE, MIRROR, farPort, nearPort, stripeMember, mirrorMember);
    }

    Path folder() {
        return folder;
    }

    Path nearFolder() {
        return folder.resolve("near");
    }

    private Path farFolder() {
        return folder.resolve("far");
    }

    Path nearConfig() {
        return nearFolder().resolve("uvol.yaml");
    }

    Path farConfig() {
        return farFolder().resolve("uvol.yaml");
    }

    /// The file that a volume is served as.
    Path file(String volume) {
        return nearFolder().resolve(volume + ".img");
    }

    /// The local member of a volume.
    Path localMember(String volume) {
        return nearFolder().resolve(volume + "-local.img");
    }

    /// What the other host serves as the remote member of a volume.
    Path farMember(String volume) {
        return farFolder().resolve(volume + ".img");
    }

    String nbdUri(String volume) {
        return "nbd://127.0.0.1:%d/%s".formatted(nearPort, volume);
    }

    void startFar() throws DemoFault, IOException, InterruptedException {
        far = ServedProcess.start(farConfig(), folder.resolve("far.log"));
    }

    void startNear() throws DemoFault, IOException, InterruptedException {
        near = ServedProcess.start(nearConfig(), folder.resolve("near.log"));
    }

    ServedProcess far() {
        return far;
    }

    ServedProcess near() {
        return near;
    }

    private Path socket() {
        return nearFolder().resolve("state").resolve("control.sock");
    }

    /// Has this host's service carry out a command.
    Map<String, Object> call(Request request) throws DemoFault, IOException {
        return call(request, _ -> true);
    }

    Map<String, Object> call(Request request, ControlClient.Watcher watcher)
            throws DemoFault, IOException {
        try {
            return ControlClient.call(socket(), request, watcher);
        } catch (ControlFault e) {
            throw new DemoFault(request.command() + ": " + e.getMessage());
        }
    }

    /// How a volume is: its part of the status.
    Map<?, ?> status(String volume) throws DemoFault, IOException {
        Map<String, Object> status = call(Request.of("status").with("volume", volume));
        return (Map<?, ?>) ((List<?>) status.get("volumes")).getFirst();
    }

    /// What of the demonstration is still mounted or attached.
    List<String> leftovers() throws IOException {
        return MountTable.read().entries().stream()
                .filter(entry -> entry.path().startsWith(folder))
                .map(entry -> entry.source() + " on " + entry.path())
                .toList();
    }

    @Override
    public void close() throws IOException {
        try {
            if (near != null && near.isAlive()) {
                near.stop();
            }
            if (far != null && far.isAlive()) {
                far.stop();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // Only after a crash is anything left to take down.
        for (String volume : List.of(STRIPE, MIRROR)) {
            Mounts.takeDown(file(volume));
        }
        for (MountTable.Entry entry : MountTable.read().entries().reversed()) {
            if (entry.path().startsWith(folder)) {
                Tool.UMOUNT.tryRun("--lazy", entry.path().toString());
            }
        }
        delete(folder);
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
