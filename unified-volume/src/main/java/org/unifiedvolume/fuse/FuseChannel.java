package org.unifiedvolume.fuse;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.linux.EpollCalls;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.loop.EventLoop;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.transport.ProtocolFault;

/// One descriptor of `/dev/fuse` on one loop: takes the kernel's requests in, and sends the answers
/// out.
///
/// A mount has one on each loop; the kernel gives a request to whichever reads first and expects
/// the answer on the same. A request that exceeds admission is held, and nothing more is read until
/// it has been let in: meanwhile the kernel keeps the others.
///
/// Reading happens on the loop's thread; answers are written on any. The descriptor is counted: by
/// the mount and by every request under way, so that its number never serves another file while an
/// answer may still come.
final class FuseChannel implements EventLoop.Handler {
    private static final Logger LOG = LoggerFactory.getLogger(FuseChannel.class);

    /// How many requests one turn of the loop takes in.
    private static final int REQUESTS_PER_TURN = 64;

    private static final long STARVED_RETRY_NANOS = 5_000_000;

    private final NativeMount mount;
    private final EventLoop loop;
    private final int fd;
    private final AtomicInteger holders = new AtomicInteger(1);
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private Landing landing;
    private FuseRequest request;
    private FuseOperations operations;
    private EventLoop.Registration registration;
    private FuseCall held;
    private boolean stopped;

    FuseChannel(NativeMount mount, EventLoop loop, int fd) {
        this.mount = mount;
        this.loop = loop;
        this.fd = fd;
    }

    /// Starts to serve the descriptor; on the loop.
    void start() {
        landing = Landing.enter(loop, mount.pool());
        request = new FuseRequest(landing.header());
        operations = new FuseOperations(mount, this);
        resume();
    }

    EventLoop loop() {
        return loop;
    }

    int fd() {
        return fd;
    }

    @Override
    public void ready(int mask) {
        for (int i = 0; i < REQUESTS_PER_TURN && isReading(); i++) {
            IoVector room = landing.offerRoom();
            if (room == null) {
                starve();
                return;
            }
            long count = FileCalls.readv(fd, room.address(), room.count());
            if (count == -Errno.EAGAIN) {
                return;
            }
            // ENOENT: the one who had asked was killed before the request could be read.
            if (count == -Errno.EINTR || count == -Errno.ENOENT) {
                continue;
            }
            if (count < 0) {
                ended(count);
                return;
            }
            loop.moved(count);
            serve(count);
        }
    }

    private void serve(long count) {
        landing.joinArguments(count);
        try {
            request.decode(count);
            operations.begin(request, landing);
        } catch (ProtocolFault e) {
            LOG.error("{}: {}", mount.path(), e.getMessage());
            if (count >= Fuse.IN_HEADER_BYTES) {
                sent(FuseReply.ofThread().error(fd, request.unique(), Errno.EINVAL));
            }
        }
    }

    private boolean isReading() {
        return registration != null;
    }

    /// Starts to read. Of several loops that wait for the same mount the kernel wakes one.
    private void resume() {
        if (registration == null && !stopped) {
            registration = loop.register(fd, EpollCalls.EPOLLIN | EpollCalls.EPOLLEXCLUSIVE, this);
        }
    }

    private void pause() {
        if (registration != null) {
            registration.cancel();
            registration = null;
        }
    }

    /// The pool is spent: the kernel is held back for a moment.
    private void starve() {
        pause();
        loop.after(STARVED_RETRY_NANOS, this::resume);
    }

    /// Lets a call go on when its payload has been admitted, now or later.
    void admit(FuseCall call) {
        if (call.costBytes == 0
                || mount.admission()
                        .acquire(call.costBytes, () -> loop.execute(() -> admitted(call)))) {
            operations.submit(call);
            return;
        }
        held = call;
        pause();
    }

    private void admitted(FuseCall call) {
        Invariant.check(held == call, "another request was admitted than the one that waits");
        held = null;
        operations.submit(call);
        resume();
    }

    // ------------------------------------------------------------------------ answering

    /// Counts one more request under way.
    void hold() {
        int before = holders.getAndIncrement();
        Invariant.check(before > 0, "a request came from a closed channel (%d)", before);
    }

    /// One request fewer, or the mount itself has ended; the last one closes the descriptor.
    void release() {
        int left = holders.decrementAndGet();
        Invariant.check(left >= 0, "a channel was released too often (%d)", left);
        if (left == 0) {
            FileCalls.close(fd);
            closed.complete(null);
        }
    }

    /// How many requests have no answer yet; exact when the channel has been stopped.
    int underWayCount() {
        return holders.get();
    }

    /// Done when the descriptor has been closed.
    CompletableFuture<Void> closed() {
        return closed;
    }

    /// Ends the connection although requests are under way: their answers go nowhere, and those who
    /// wait get an error from the kernel.
    void abort() {
        int before = holders.getAndUpdate(count -> count == 0 ? 0 : count + 1);
        if (before == 0) {
            return;
        }
        int nowhere = FileCalls.open("/dev/null", FileCalls.O_RDWR, 0);
        int result = nowhere < 0 ? nowhere : FileCalls.replace(fd, nowhere);
        if (result < 0) {
            LOG.error("{}: cannot abort the connection: {}", mount.path(), Errno.meaning(result));
        }
        if (nowhere >= 0) {
            FileCalls.close(nowhere);
        }
        release();
    }

    /// The volume is done with a call; on any thread.
    void answer(FuseCall call, Outcome outcome) {
        FuseReply reply = FuseReply.ofThread();
        switch (outcome) {
            case Outcome.Data(Buffers buffers) -> {
                sent(reply.data(fd, call.unique, buffers));
                buffers.release();
            }
            case Outcome.Done _ -> {
                if (call.opcode == Fuse.WRITE) {
                    sent(reply.written(fd, call.unique, (int) call.lengthBytes));
                } else {
                    sent(reply.done(fd, call.unique));
                }
            }
            case Outcome.Located _, Outcome.InFile _ -> {
                outcome.discard();
                sent(reply.error(fd, call.unique, Errno.EIO));
            }
            case Outcome.Failed(DeviceFault fault) -> {
                LOG.debug("{}: {}", mount.path(), fault.getMessage());
                sent(reply.error(fd, call.unique, FuseErrors.of(fault.kind())));
            }
        }
        end(call);
    }

    /// Gives back what an answered call held.
    void end(FuseCall call) {
        if (call.payload != null) {
            call.payload.release();
        }
        if (call.costBytes != 0) {
            mount.admission().release(call.costBytes);
        }
        release();
    }

    /// Looks at what the kernel said to a reply. It refuses one that nobody waits for any more:
    /// `ENOENT` when the one who asked was killed, `ENODEV` after an unmount.
    void sent(long result) {
        if (result < 0 && result != -Errno.ENOENT && result != -Errno.ENODEV) {
            LOG.error("{}: the kernel refused a reply: {}", mount.path(), Errno.meaning(result));
        }
    }

    // --------------------------------------------------------------------------- ending

    /// Reading failed; after an unmount it says `ENODEV`.
    private void ended(long error) {
        if (error != -Errno.ENODEV) {
            LOG.error("{}: reading requests failed: {}", mount.path(), Errno.meaning(error));
        }
        stop();
        mount.channelEnded();
    }

    /// Stops to read and lets go of the descriptor; on the loop. Requests under way are still
    /// answered.
    void stop() {
        if (stopped) {
            return;
        }
        pause();
        stopped = true;
        landing.leave();
        release();
    }

    @Override
    public void broken(Throwable cause) {
        stop();
        mount.broken(cause);
    }
}
