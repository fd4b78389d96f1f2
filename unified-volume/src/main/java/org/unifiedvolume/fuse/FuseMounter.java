package org.unifiedvolume.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.MountCalls;
import org.unifiedvolume.linux.SpawnCalls;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.mount.Tool;

/// Attaches `/dev/fuse` to a file and takes it off again: root by `mount(2)`, everyone else by
/// `fusermount3`, which is allowed to mount for them. Blocking.
final class FuseMounter {
    static final String DEVICE = "/dev/fuse";

    private static final Logger LOG = LoggerFactory.getLogger(FuseMounter.class);

    /// An unmount first writes back what was changed through a mapping; the volume may be slow.
    private static final int UNMOUNT_SECONDS = 10;

    private FuseMounter() {}

    private static boolean isRoot() {
        return MountCalls.effectiveUserId() == 0;
    }

    /// Says why this user cannot mount here, or null.
    static String problem() {
        if (isRoot()) {
            return null;
        }
        try {
            Tool.FUSERMOUNT.find();
            return null;
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    /// Mounts, and returns the connection's first descriptor, which does not block.
    ///
    /// @throws IOException naming the path, the cause and the remedy
    static int mount(MountRequest request, int maxReadBytes) throws IOException {
        return isRoot() ? mountAsRoot(request, maxReadBytes) : mountAsUser(request, maxReadBytes);
    }

    private static int mountAsRoot(MountRequest request, int maxReadBytes) throws IOException {
        int fd = FileCalls.open(DEVICE, FileCalls.O_RDWR | FileCalls.O_NONBLOCK, 0);
        if (fd < 0) {
            throw new IOException(
                    "%s: cannot open %s: %s; load the kernel module: modprobe fuse"
                            .formatted(request.path(), DEVICE, Errno.meaning(fd)));
        }
        String options =
                "fd=%d,rootmode=100000,user_id=%d,group_id=%d,max_read=%d,default_permissions%s"
                        .formatted(
                                fd,
                                MountCalls.effectiveUserId(),
                                MountCalls.effectiveGroupId(),
                                maxReadBytes,
                                request.allowOther() ? ",allow_other" : "");
        long flags =
                MountCalls.MS_NOSUID
                        | MountCalls.MS_NODEV
                        | (request.readOnly() ? MountCalls.MS_RDONLY : 0);
        int result =
                MountCalls.mount(
                        request.source(),
                        request.path(),
                        "fuse." + MountRequest.SUBTYPE,
                        flags,
                        options);
        if (result < 0) {
            FileCalls.close(fd);
            throw new IOException(
                    "%s: cannot be mounted: %s; in a container, allow it SYS_ADMIN and %s"
                            .formatted(request.path(), Errno.meaning(result), DEVICE));
        }
        return fd;
    }

    /// `fusermount3` mounts and sends the descriptor over the socket that is its standard input.
    private static int mountAsUser(MountRequest request, int maxReadBytes) throws IOException {
        Path program = Tool.FUSERMOUNT.find();
        SpawnCalls.Pair pair = SpawnCalls.socketPair();
        if (pair == null) {
            throw new IOException(request.path() + ": no file descriptors are left");
        }
        Path output = Files.createTempFile("uvol-fusermount", ".txt");
        try {
            int pid =
                    SpawnCalls.spawn(
                            program.toString(),
                            userArguments(program, request, maxReadBytes),
                            List.of("_FUSE_COMMFD=0", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
                            pair.theirs(),
                            output.toString());
            FileCalls.close(pair.theirs());
            int fd = pid < 0 ? pid : SpawnCalls.receiveDescriptor(pair.ours());
            int status = pid < 0 ? pid : SpawnCalls.awaitExit(pid);
            if (fd < 0) {
                throw refusedToUser(request, program, status, Files.readString(output));
            }
            FileCalls.setNonBlocking(fd);
            return fd;
        } finally {
            FileCalls.close(pair.ours());
            Files.deleteIfExists(output);
        }
    }

    private static List<String> userArguments(
            Path program, MountRequest request, int maxReadBytes) {
        List<String> options = new ArrayList<>();
        options.add("fsname=" + request.source().replace("\\", "\\\\").replace(",", "\\,"));
        options.add("subtype=" + MountRequest.SUBTYPE);
        options.add("max_read=" + maxReadBytes);
        options.add("default_permissions");
        options.add(request.readOnly() ? "ro" : "rw");
        if (request.allowOther()) {
            options.add("allow_other");
        }
        return List.of(program.toString(), "-o", String.join(",", options), "--", request.path());
    }

    private static IOException refusedToUser(
            MountRequest request, Path program, int status, String printed) {
        String remedy =
                printed.contains("user_allow_other")
                        ? "write user_allow_other into /etc/fuse.conf or leave allow-other out"
                        : "see that %s is setuid root and that you may write the file"
                                .formatted(program);
        return new IOException(
                "%s: %s refused to mount (status %d): %s; %s"
                        .formatted(request.path(), program, status, printed.strip(), remedy));
    }

    /// Takes our mount off its path: properly if nobody uses it, otherwise at once for everyone who
    /// comes later, with a line in the log. What somebody else has mounted above it stays.
    static void unmount(MountRequest request) {
        Path path = request.point().path();
        if (!isOurs(request)) {
            LOG.warn(
                    "{}: something else is mounted there now and stays; ours has ended below it",
                    path);
            return;
        }
        Thread unmount = Thread.ofPlatform().daemon().start(() -> unmountProperly(path));
        try {
            if (unmount.join(Duration.ofSeconds(UNMOUNT_SECONDS))) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        LOG.warn("{}: no unmount within {} s; detached", path, UNMOUNT_SECONDS);
        detach(path);
    }

    private static boolean isOurs(MountRequest request) {
        try {
            return MountTable.read()
                    .at(request.point().path())
                    .filter(top -> top.isFuse() && top.source().equals(request.source()))
                    .isPresent();
        } catch (IOException e) {
            LOG.warn("{}: {}", request.path(), e.toString());
            return false;
        }
    }

    private static void unmountProperly(Path path) {
        if (isRoot()) {
            int result = MountCalls.unmount(path.toString(), 0);
            if (result == 0) {
                return;
            }
            LOG.warn("{}: still in use ({}); detached", path, Errno.meaning(result));
        } else {
            Tool.Result result = Tool.FUSERMOUNT.tryRun("-u", "--", path.toString());
            if (result.succeeded()) {
                return;
            }
            LOG.warn("{}: still in use ({}); detached", path, result.output());
        }
        detach(path);
    }

    /// Takes a mount off a path without waiting for those who use it.
    static void detach(Path path) {
        String problem;
        if (isRoot()) {
            int result = MountCalls.unmount(path.toString(), MountCalls.MNT_DETACH);
            problem = result < 0 ? Errno.meaning(result) : "";
        } else {
            Tool.Result result = Tool.FUSERMOUNT.tryRun("-u", "-z", "--", path.toString());
            problem = result.succeeded() ? "" : result.output();
        }
        if (!problem.isEmpty()) {
            LOG.error("{}: cannot be unmounted: {}; try umount -l {}", path, problem, path);
        }
    }
}
