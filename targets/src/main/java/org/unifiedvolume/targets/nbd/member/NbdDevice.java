package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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
/// ```
///   ONLINE ──all links lost──► UNAVAIL ──first link up──► (replay) ──► ONLINE
///                                 │
///                                 └── another export answers ──► FAULTED
/// ```
///
/// A server that comes back may have lost writes that it had acknowledged and not flushed; the
/// device repeats them before anything else, see [UnflushedWrites].
public final class NbdDevice implements BlockDevice {
    private static final Logger LOG = LoggerFactory.getLogger(NbdDevice.class);

    private static final long CLOSE_NANOS = 5_000_000_000L;

    private final NbdOptions options;
    private final IoContext context;
    private final Dialer dialer;
    private final UnflushedWrites unflushed;
    private final FlushKeeper flushes = new FlushKeeper(this);
    private final Parking parking = new Parking(this);
    private final Instant opened = Instant.now();

    /// The links that are up; replaced as a whole.
    private volatile List<NbdLink> links = List.of();

    /// The connections whose handshake is under way.
    private final Set<NbdLink> greeting = ConcurrentHashMap.newKeySet();

    private volatile ExportInfo info;
    private DeviceShape shape;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();

    // Guarded by lock.
    private Replay replay;
    private int underWay;
    private volatile boolean closing;

    private volatile DeviceStatus.State state = DeviceStatus.State.UNAVAIL;
    private volatile String reason = "not connected yet";
    private volatile Instant since = Instant.now();
    private volatile long downSinceNanos;

    private NbdDevice(NbdOptions options, Transport transport, IoContext context) {
        this.options = options;
        this.context = context;
        this.unflushed = new UnflushedWrites(options.replayBytes());
        this.dialer = new Dialer(this, transport);
        this.downSinceNanos = context.timers().nanoTime();
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

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return Locality.REMOTE;
    }

    @Override
    public DeviceStatus status() {
        DeviceStatus online =
                DeviceStatus.online(
                        options.name(),
                        "nbd",
                        opened,
                        Locality.REMOTE,
                        shape == null ? 0 : shape.sizeBytes(),
                        List.of());
        return switch (state) {
            case ONLINE, RESYNCING, REBUILDING, DEGRADED -> online;
            case UNAVAIL ->
                    online.as(
                            state, reason, since, "it is dialled again by itself; check the host");
            case FAULTED -> online.as(state, reason, since, "serve the right export, then restart");
        };
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
        if (Fallbacks.needsFlushAfter(request, info)) {
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
        NbdLink link = choose();
        if (link == null) {
            parking.park(pending);
        } else if (link.loop().inLoop()) {
            link.send(pending);
        } else {
            link.loop().execute(() -> link.send(pending));
        }
    }

    /// The link on the calling loop, or else any. None while changes are being repeated.
    private NbdLink choose() {
        List<NbdLink> up = links;
        if (up.isEmpty() || state != DeviceStatus.State.ONLINE) {
            return null;
        }
        for (NbdLink link : up) {
            if (link.loop().inLoop()) {
                return link;
            }
        }
        return up.get((int) (Thread.currentThread().threadId() % up.size()));
    }

    /// Whether requests fail without waiting: the server is another one, or has been away for
    /// longer than a request would wait.
    boolean isGivenUp() {
        return switch (state) {
            case ONLINE, RESYNCING, REBUILDING, DEGRADED -> false;
            case FAULTED -> true;
            case UNAVAIL ->
                    closing
                            || context.timers().nanoTime() - downSinceNanos
                                    >= options.deadlineNanos();
        };
    }

    /// Whether a request has waited for as long as it may.
    boolean isLate(Pending pending, long nowNanos) {
        return nowNanos - pending.enteredNanos() >= options.deadlineNanos();
    }

    /// Whether requests can be sent now.
    boolean hasLink() {
        return choose() != null;
    }

    /// Fails a request that could not be sent.
    void failUnreachable(Pending pending) {
        Outcome failed =
                switch (state) {
                    case FAULTED ->
                            Outcome.failed(DeviceFault.Kind.IO, "%s: %s".formatted(this, reason));
                    case UNAVAIL ->
                            Outcome.failed(
                                    DeviceFault.Kind.DISCONNECTED,
                                    "%s: %s".formatted(this, reason));
                    case ONLINE, RESYNCING, REBUILDING, DEGRADED ->
                            Outcome.failed(
                                    DeviceFault.Kind.TIMED_OUT,
                                    "%s: too many writes wait for a flush, which does not succeed"
                                            .formatted(this));
                };
        answered(pending, failed);
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
            } else if (info.has(Nbd.FLAG_SEND_FLUSH)
                    && UnflushedWrites.concerns(pending.request())) {
                flushes.acknowledged(pending.request());
            }
        }
        pending.complete(outcome);
        ended();
    }

    // ----------------------------------------------------------------------------- links

    /// A connection begins its handshake; on its loop.
    ///
    /// @return false if the device is being closed: the connection must end
    boolean greets(NbdLink link) {
        greeting.add(link);
        return !closing;
    }

    /// A connection has ended its handshake, well or not; on its loop.
    void greeted(NbdLink link) {
        greeting.remove(link);
    }

    /// A link has finished its handshake; on its loop.
    void linkUp(NbdLink link) {
        ExportInfo now = link.info();
        String difference = info == null ? null : info.differenceFrom(now);
        if (difference != null) {
            fault("%s is not the export it was: %s".formatted(options.name(), difference));
            link.fail(difference);
            return;
        }
        Replay toStart = null;
        boolean isFirst;
        lock.lock();
        try {
            if (closing) {
                link.disconnect();
                return;
            } else {
                if (info == null) {
                    info = now;
                    shape = now.shape(options.readOnly());
                }
                isFirst = links.isEmpty();
                List<NbdLink> more = new ArrayList<>(links);
                more.add(link);
                links = List.copyOf(more);
                if (isFirst && !unflushed.isEmpty()) {
                    replay = new Replay(this, link, unflushed.all());
                    toStart = replay;
                } else if (replay == null) {
                    online();
                }
            }
        } finally {
            lock.unlock();
        }
        if (toStart != null) {
            LOG.info(
                    "{}: connected; repeating {} changes that were not flushed",
                    this,
                    toStart.size());
            toStart.start();
        } else if (isFirst) {
            LOG.info("{}: connected", this);
        }
        parking.settle();
    }

    private void online() {
        state = DeviceStatus.State.ONLINE;
        reason = "";
        since = Instant.now();
    }

    /// All changes that might have been lost are at the server again.
    void replayed(Replay ended) {
        lock.lock();
        try {
            if (replay != ended) {
                return;
            }
            replay = null;
            online();
        } finally {
            lock.unlock();
        }
        parking.settle();
        flushes.flushSoon();
    }

    /// The server refuses a change that it had acknowledged before: its content is not what it
    /// should be.
    void replayFailed(Replay ended, DeviceFault fault) {
        lock.lock();
        try {
            if (replay != ended) {
                return;
            }
            replay = null;
        } finally {
            lock.unlock();
        }
        fault(
                "a write from before the connection was lost cannot be repeated: "
                        + fault.getMessage());
    }

    /// A link has ended, or never came up; on its loop.
    ///
    /// @param stranded what was under way on it
    void linkDown(NbdLink link, String why, List<Pending> stranded) {
        boolean wasUp;
        boolean lastOne;
        Replay toStart = null;
        lock.lock();
        try {
            wasUp = links.contains(link);
            List<NbdLink> fewer = new ArrayList<>(links);
            fewer.remove(link);
            links = List.copyOf(fewer);
            lastOne = wasUp && links.isEmpty();
            if (replay != null && replay.link() == link) {
                replay = links.isEmpty() ? null : new Replay(this, links.get(0), unflushed.all());
                toStart = replay;
            }
            if (lastOne && state != DeviceStatus.State.FAULTED) {
                state = DeviceStatus.State.UNAVAIL;
                since = Instant.now();
                downSinceNanos = context.timers().nanoTime();
            }
            if (state == DeviceStatus.State.UNAVAIL) {
                reason = why;
            }
        } finally {
            lock.unlock();
        }
        if (lastOne && !closing) {
            LOG.warn("{}: the connection is lost: {}", this, why);
        }
        for (Pending pending : stranded) {
            // What was being repeated starts anew with the next link.
            if (!pending.isReplay()) {
                resubmit(pending);
            }
        }
        if (toStart != null) {
            toStart.start();
        }
        if (closing) {
            parking.settle();
        }
        if (wasUp) {
            dialer.lost(link.lifeNanos());
        }
    }

    /// Requests that were under way go out again, but not beyond their deadline: the one who asked
    /// has given up by then, and may have put something else in their place.
    private void resubmit(Pending pending) {
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

    /// A connection could not be made.
    void dialFailed(String why) {
        if (state == DeviceStatus.State.UNAVAIL) {
            reason = why;
        }
    }

    private void fault(String why) {
        lock.lock();
        try {
            state = DeviceStatus.State.FAULTED;
            reason = why;
            since = Instant.now();
        } finally {
            lock.unlock();
        }
        LOG.error("{}: FAULTED: {}", this, why);
        parking.settle();
    }

    boolean wantsLinks() {
        return !closing && state != DeviceStatus.State.FAULTED;
    }

    /// Whether an attempt to connect is under way.
    boolean isDialling() {
        return dialer.isDialling();
    }

    /// How many links are up.
    int linkCount() {
        return links.size();
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
            while (underWay > 0 && left > 0 && state == DeviceStatus.State.ONLINE) {
                left = idle.awaitNanos(left);
            }
            closing = true;
        } catch (InterruptedException e) {
            closing = true;
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        parking.settle();
        for (NbdLink link : links) {
            link.loop().execute(link::disconnect);
        }
        for (NbdLink link : greeting) {
            link.loop().execute(link::disconnect);
        }
        unflushed.close();
    }

    @Override
    public String toString() {
        return options.name();
    }
}
