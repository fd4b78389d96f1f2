package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.transport.Transport;

/// An export of a remote NBD server as a member.
///
/// Requests go out on the connection that lives on the calling loop, if there is one, so a request
/// that came from a client on that loop needs no hop. When a connection is lost its requests move
/// to the others; when all are lost they wait, and the device dials again, ever less often. A
/// request that has waited for the deadline fails; once the server has been away for that long, new
/// requests fail at once until it is back.
///
/// A server that comes back may have lost writes that it had acknowledged and not flushed; the
/// device repeats them before anything else, see [UnflushedWrites]. Which connections there are,
/// and the states that follow from them, is the business of [NbdLinks].
public final class NbdDevice implements BlockDevice {
    private static final long CLOSE_NANOS = 5_000_000_000L;

    private final NbdOptions options;
    private final IoContext context;
    private final Dialer dialer;
    private final UnflushedWrites unflushed;
    private final FlushKeeper flushes = new FlushKeeper(this);
    private final Parking parking = new Parking(this);
    private final NbdLinks links;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();

    /// How many requests have not been answered; guarded by lock.
    private int underWay;

    private volatile boolean closing;

    private NbdDevice(NbdOptions options, Transport transport, IoContext context) {
        this.options = options;
        this.context = context;
        this.unflushed = new UnflushedWrites(options.replayBytes());
        this.dialer = new Dialer(this, transport);
        this.links = new NbdLinks(this);
    }

    /// Connects to the server and learns what the export is. Blocks, a bounded time.
    ///
    /// @param transport where streams come from; one that can encrypt if the options want TLS
    /// @throws IOException naming the member and what is wrong
    public static NbdDevice open(NbdOptions options, Transport transport, IoContext context)
            throws IOException {
        CompletableFuture<Void> first = new CompletableFuture<>();
        NbdDevice device = begin(options, transport, context, first);
        try {
            first.get(2 * options.connectNanos(), TimeUnit.NANOSECONDS);
            return device;
        } catch (ExecutionException e) {
            device.close();
            throw new IOException(
                    "%s: %s".formatted(options.name(), e.getCause().getMessage()), e.getCause());
        } catch (TimeoutException e) {
            device.close();
            throw new IOException(
                    "%s: no answer for %d s"
                            .formatted(options.name(), 2 * options.connectNanos() / 1_000_000_000));
        } catch (InterruptedException e) {
            device.close();
            Thread.currentThread().interrupt();
            throw new IOException(options.name() + ": opening was interrupted");
        }
    }

    /// Starts to connect, without waiting.
    ///
    /// @param first is completed when the device can be used, or with the reason why not
    static NbdDevice begin(
            NbdOptions options,
            Transport transport,
            IoContext context,
            CompletableFuture<Void> first) {
        NbdDevice device = new NbdDevice(options, transport, context);
        device.dialer.start(first);
        return device;
    }

    NbdOptions options() {
        return options;
    }

    IoContext context() {
        return context;
    }

    UnflushedWrites unflushed() {
        return unflushed;
    }

    Parking parking() {
        return parking;
    }

    FlushKeeper flushes() {
        return flushes;
    }

    Dialer dialer() {
        return dialer;
    }

    NbdLinks links() {
        return links;
    }

    @Override
    public DeviceShape shape() {
        return links.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return Locality.REMOTE;
    }

    @Override
    public DeviceStatus status() {
        return links.status();
    }

    // ------------------------------------------------------------------------ submitting

    @Override
    public void submit(IoRequest request, Completion done) {
        Outcome known = answerAtOnce(request);
        if (known != null) {
            done.complete(request, known);
            return;
        }
        if (takeDetour(request, done)) {
            return;
        }
        IoRequest sent = request;
        Completion told = done;
        if (Fallbacks.needsFlushAfter(request, links.info())) {
            sent = Fallbacks.asVolatile(request);
            told = Fallbacks.withFlush(this, request, done);
        }
        if (started()) {
            dispatch(new Pending(sent, told, context.timers().nanoTime(), false));
        } else {
            done.complete(request, stopping());
        }
    }

    /// Carries out by other requests what cannot be sent as one.
    private boolean takeDetour(IoRequest request, Completion done) {
        ExportInfo info = links.info();
        switch (request) {
            case IoRequest.Zero zero when !info.has(Nbd.FLAG_SEND_WRITE_ZEROES) ->
                    Fallbacks.writeZeroes(this, zero, done);
            case IoRequest.Zero zero when Fallbacks.isTooLong(zero, info) ->
                    Fallbacks.inParts(this, zero, done);
            case IoRequest.Discard discard when Fallbacks.isTooLong(discard, info) ->
                    Fallbacks.inParts(this, discard, done);
            case IoRequest.Locate locate when Fallbacks.isTooLong(locate, info) ->
                    Fallbacks.locateStart(this, locate, done);
            case IoRequest.Read _,
                    IoRequest.Write _,
                    IoRequest.Zero _,
                    IoRequest.Discard _,
                    IoRequest.Flush _,
                    IoRequest.Prefetch _,
                    IoRequest.Locate _ -> {
                return false;
            }
        }
        return true;
    }

    /// The answer to a request that the server need not see, or null.
    private Outcome answerAtOnce(IoRequest request) {
        if (closing) {
            return stopping();
        }
        ExportInfo info = links.info();
        return switch (request) {
            case IoRequest.Read _, IoRequest.Write _ -> null;
            case IoRequest.Zero zero ->
                    zero.fastOnly() && !info.has(Nbd.FLAG_SEND_FAST_ZERO)
                            ? Outcome.failed(
                                    DeviceFault.Kind.NOT_SUPPORTED,
                                    this + ": the server does not zero fast")
                            : null;
            case IoRequest.Discard _ -> info.has(Nbd.FLAG_SEND_TRIM) ? null : Outcome.Done.DONE;
            case IoRequest.Flush _ -> info.has(Nbd.FLAG_SEND_FLUSH) ? null : Outcome.Done.DONE;
            case IoRequest.Prefetch _ -> info.has(Nbd.FLAG_SEND_CACHE) ? null : Outcome.Done.DONE;
            case IoRequest.Locate locate ->
                    info.allocationContext() >= 0 ? null : Fallbacks.allData(locate);
        };
    }

    private Outcome stopping() {
        return Outcome.failed(DeviceFault.Kind.STOPPING, this + " is closed");
    }

    /// Counts a request in.
    ///
    /// @return false if the device is being closed: the request must not be sent
    boolean started() {
        lock.lock();
        try {
            if (closing) {
                return false;
            }
            underWay++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void ended() {
        lock.lock();
        try {
            underWay--;
            if (underWay == 0) {
                idle.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Sends a request on a link that is up, or lets it wait for one.
    void dispatch(Pending pending) {
        if (!pending.isAwaited()) {
            answered(
                    pending,
                    Outcome.failed(
                            DeviceFault.Kind.TIMED_OUT,
                            this + ": given up before it could be sent"));
            return;
        }
        if (pending.request() instanceof IoRequest.Write && unflushed.isFull()) {
            parking.park(pending);
            flushes.flushSoon();
            return;
        }
        NbdLink link = links.choose();
        if (link == null) {
            parking.park(pending);
        } else if (link.loop().inLoop()) {
            link.send(pending);
        } else {
            link.loop().execute(() -> link.send(pending));
        }
    }

    /// Whether a request has waited for as long as it may.
    boolean isLate(Pending pending, long nowNanos) {
        return nowNanos - pending.enteredNanos() >= options.deadlineNanos();
    }

    /// Fails a request that could not be sent.
    void failUnreachable(Pending pending) {
        answered(pending, links.unreachable());
    }

    // ------------------------------------------------------------------------- answering

    /// A request has its answer, on any thread.
    void answered(Pending pending, Outcome outcome) {
        if (pending.isReplay()) {
            pending.complete(outcome);
            return;
        }
        if (outcome.isSuccess()) {
            if (pending.request() instanceof IoRequest.Flush) {
                unflushed.flushed(pending.flushMark);
                parking.settle();
            } else if (links.info().has(Nbd.FLAG_SEND_FLUSH)
                    && UnflushedWrites.concerns(pending.request())) {
                flushes.acknowledged(pending.request());
            }
        }
        pending.complete(outcome);
        ended();
    }

    /// Requests that were under way go out again, but not beyond their deadline: the one who asked
    /// has given up by then, and may have put something else in their place.
    void resubmit(Pending pending) {
        if (isLate(pending, context.timers().nanoTime())) {
            answered(
                    pending,
                    Outcome.failed(
                            DeviceFault.Kind.DISCONNECTED,
                            "%s: the connection was lost and the deadline has passed"
                                    .formatted(this)));
        } else {
            dispatch(pending);
        }
    }

    /// Whether an attempt to connect is under way.
    boolean isDialling() {
        return dialer.isDialling();
    }

    // --------------------------------------------------------------------------- closing

    @Override
    public void close() {
        lock.lock();
        try {
            if (closing) {
                return;
            }
            long left = CLOSE_NANOS;
            while (underWay > 0 && left > 0 && links.isOnline()) {
                left = idle.awaitNanos(left);
            }
            closing = true;
        } catch (InterruptedException e) {
            closing = true;
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        links.close();
        parking.settle();
        unflushed.close();
    }

    @Override
    public String toString() {
        return options.name();
    }
}
