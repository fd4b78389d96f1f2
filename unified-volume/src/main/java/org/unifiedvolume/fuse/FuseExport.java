package org.unifiedvolume.fuse;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.Export;

/// A volume that is being served as a file.
final class FuseExport implements Export {
    private static final Logger LOG = LoggerFactory.getLogger(FuseExport.class);
    private static final int FLUSH_SECONDS = 30;

    private final MountPoint point;
    private final VolumeFile file;
    private final FuseBinding.Mounted mounted;
    private final AtomicBoolean closed = new AtomicBoolean();

    FuseExport(MountPoint point, VolumeFile file, FuseBinding.Mounted mounted) {
        this.point = point;
        this.file = file;
        this.mounted = mounted;
    }

    @Override
    public String uri() {
        return "fuse:" + point.path();
    }

    /// Unmounts, flushes what was written, and removes the file if it was made for the mount.
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        mounted.close();
        if (file.isDirty()) {
            flush();
        }
        file.disconnect();
        point.remove();
    }

    private void flush() {
        CompletableFuture<Outcome> flushed = new CompletableFuture<>();
        file.flush((_, outcome) -> flushed.complete(outcome));
        String problem;
        try {
            problem =
                    flushed.get(FLUSH_SECONDS, TimeUnit.SECONDS)
                                    instanceof Outcome.Failed(DeviceFault fault)
                            ? fault.getMessage()
                            : "";
        } catch (TimeoutException e) {
            problem = "no answer within %d s".formatted(FLUSH_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem = "interrupted";
        } catch (ExecutionException e) {
            throw new AssertionError("a flush ends with an outcome", e);
        }
        if (!problem.isEmpty()) {
            LOG.error("{}: what was written last may not be durable: {}", point.path(), problem);
        }
    }
}
