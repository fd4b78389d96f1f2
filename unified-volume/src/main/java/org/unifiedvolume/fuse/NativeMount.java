package org.unifiedvolume.fuse;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.loop.EventLoop;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.transport.ProtocolFault;

/// One mount that [NativeBinding] serves: what its channels share, and its end.
///
/// Safe for concurrent use. [#close] blocks: it is no call for a loop.
final class NativeMount implements FuseBinding.Mounted {
    private static final Logger LOG = LoggerFactory.getLogger(NativeMount.class);

    /// How long requests that are under way may take when the mount is closed.
    private static final int DRAIN_SECONDS = 5;

    private static final int STOP_SECONDS = 5;

    private final MountRequest request;
    private final VolumeFile file;
    private final TargetContext context;
    private final int maxTransferBytes;
    private final List<FuseChannel> channels = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final ReentrantLock closeLock = new ReentrantLock();
    private volatile boolean closing;
    private volatile FileAttributes attributes;

    /// Whether the mount has ended by itself: somebody else unmounted the file.
    private volatile boolean gone;

    NativeMount(
            MountRequest request, VolumeFile file, TargetContext context, int maxTransferBytes) {
        this.request = request;
        this.file = file;
        this.context = context;
        this.maxTransferBytes = maxTransferBytes;
        this.attributes = FileAttributes.of(request, file);
    }

    /// Serves one more descriptor, on a loop.
    void add(EventLoop loop, int fd) {
        FuseChannel channel = new FuseChannel(this, loop, fd);
        channels.add(channel);
        loop.execute(channel::start);
    }

    String path() {
        return request.path();
    }

    VolumeFile file() {
        return file;
    }

    BufferPool pool() {
        return context.io().pool();
    }

    Admission admission() {
        return context.admission();
    }

    int maxTransferBytes() {
        return maxTransferBytes;
    }

    /// The file's attributes now. A write shows in them when they are next asked for.
    FileAttributes attributes() {
        FileAttributes now = attributes;
        if (file.takeWritten()) {
            now.touch(Instant.now());
        }
        return now;
    }

    void setAttributes(FileAttributes changed) {
        attributes = changed;
    }

    /// Done when the kernel and the mount have agreed on how to speak.
    CompletableFuture<Void> ready() {
        return ready;
    }

    void initialized() {
        ready.complete(null);
    }

    void initializationFailed(ProtocolFault fault) {
        ready.completeExceptionally(fault);
    }

    /// A channel found that the kernel has ended the mount.
    void channelEnded() {
        gone = true;
        if (!closing) {
            LOG.warn("{}: unmounted by somebody else; this export has ended", path());
        }
    }

    /// Our code failed: the mount ends, and whoever uses the file gets an error rather than no
    /// answer.
    void broken(Throwable cause) {
        LOG.error("{}: unmounted after an internal error", path(), cause);
        Thread.ofVirtual().start(this::close);
    }

    /// The second of two who close it waits for the first.
    @Override
    public void close() {
        closeLock.lock();
        try {
            if (!closing) {
                closing = true;
                end();
            }
        } finally {
            closeLock.unlock();
        }
    }

    private void end() {
        if (!gone) {
            FuseMounter.unmount(request);
        }
        stopChannels();
        if (!drained()) {
            LOG.warn(
                    "{}: {} requests have no answer {} s after the unmount; they fail now",
                    path(),
                    channels.stream().mapToInt(FuseChannel::underWayCount).sum(),
                    DRAIN_SECONDS);
            channels.forEach(FuseChannel::abort);
        }
    }

    private void stopChannels() {
        CountDownLatch stopped = new CountDownLatch(channels.size());
        for (FuseChannel channel : channels) {
            channel.loop()
                    .execute(
                            () -> {
                                channel.stop();
                                stopped.countDown();
                            });
        }
        try {
            if (!stopped.await(STOP_SECONDS, TimeUnit.SECONDS)) {
                LOG.error("{}: a loop did not answer within {} s", path(), STOP_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Waits until every channel has answered its last request and closed its descriptor.
    private boolean drained() {
        CompletableFuture<?>[] closed =
                channels.stream().map(FuseChannel::closed).toArray(CompletableFuture[]::new);
        try {
            CompletableFuture.allOf(closed).get(DRAIN_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError("closing a channel cannot fail", e);
        }
    }
}
