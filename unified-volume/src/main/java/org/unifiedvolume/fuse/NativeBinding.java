package org.unifiedvolume.fuse;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.spi.TargetContext;

/// Speaks with `/dev/fuse` itself, on the event loops: requests of up to 1 MiB, payloads that are
/// never copied, no thread of its own.
final class NativeBinding implements FuseBinding {
    private static final Logger LOG = LoggerFactory.getLogger(NativeBinding.class);

    /// `FUSE_DEV_IOC_CLONE`: makes a fresh descriptor one of the same connection.
    private static final long FUSE_DEV_IOC_CLONE = 0x8004e500L;

    private static final int INIT_SECONDS = 10;

    @Override
    public String problem() {
        Path device = Path.of(FuseMounter.DEVICE);
        if (!Files.exists(device)) {
            return device + " is missing; load the kernel module: modprobe fuse";
        }
        // fusermount3 opens it with the rights of the user whom it serves.
        if (!Files.isReadable(device) || !Files.isWritable(device)) {
            return device + " may not be opened by this user; as root: chmod 666 " + device;
        }
        return FuseMounter.problem();
    }

    @Override
    public Mounted mount(MountRequest request, VolumeFile file, TargetContext context)
            throws IOException {
        long maxTransfer = file.shape().maxTransferBytes();
        int transferBytes = FuseSession.transferBytes(maxTransfer);
        if (transferBytes > maxTransfer) {
            throw new IOException(
                    "%s: the volume takes %d bytes at once, a FUSE file needs %d; use NBD"
                            .formatted(request.path(), maxTransfer, transferBytes));
        }
        int fd = FuseMounter.mount(request, transferBytes);
        NativeMount mount = new NativeMount(request, file, context, transferBytes);
        LoopGroup loops = context.loops();
        mount.add(loops.next(), fd);
        awaitInit(mount);
        for (int i = 1; i < loops.size(); i++) {
            int clone = cloneOf(fd);
            if (clone < 0) {
                // One loop can serve it too.
                LOG.debug("{}: served by {} loops: {}", request.path(), i, Errno.meaning(clone));
                break;
            }
            mount.add(loops.next(), clone);
        }
        return mount;
    }

    private static void awaitInit(NativeMount mount) throws IOException {
        String problem;
        try {
            mount.ready().get(INIT_SECONDS, TimeUnit.SECONDS);
            return;
        } catch (ExecutionException e) {
            problem = e.getCause().getMessage();
        } catch (TimeoutException e) {
            problem = "the kernel sent no INIT within %d s".formatted(INIT_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem = "interrupted";
        }
        mount.close();
        throw new IOException("%s: cannot be served: %s".formatted(mount.path(), problem));
    }

    private static int cloneOf(int fd) {
        int clone = FileCalls.open(FuseMounter.DEVICE, FileCalls.O_RDWR | FileCalls.O_NONBLOCK, 0);
        if (clone < 0) {
            return clone;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment original = arena.allocateFrom(ValueLayout.JAVA_INT, fd);
            int result = FileCalls.ioctl(clone, FUSE_DEV_IOC_CLONE, original.address());
            if (result < 0) {
                FileCalls.close(clone);
                return result;
            }
            return clone;
        }
    }
}
