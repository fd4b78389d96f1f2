package org.unifiedvolume.targets.nbd.member;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;

/// The connections of an [NbdDevice] and what follows from them: whether the member can be used,
/// and what its server is.
///
/// ```
///   ONLINE ──all links lost──► UNAVAIL ──first link up──► (replay) ──► ONLINE
///                                 │
///                                 └── another export answers ──► FAULTED
/// ```
///
/// Safe for concurrent use.
final class NbdLinks {
    private static final Logger LOG = LoggerFactory.getLogger(NbdLinks.class);

    private final NbdDevice device;
    private final Instant opened = Instant.now();

    /// The links that are up; replaced as a whole.
    private volatile List<NbdLink> up = List.of();

    /// Links that are being ended because another one was lost; guarded by lock.
    private final Set<NbdLink> doubted = new HashSet<>();

    /// The connections whose handshake is under way.
    private final Set<NbdLink> greeting = ConcurrentHashMap.newKeySet();

    /// What the server is; null before the first link is up. The shape is written before it.
    private volatile ExportInfo info;

    private DeviceShape shape;

    /// Held while a link comes or goes and while the state changes with it.
    private final ReentrantLock lock = new ReentrantLock();

    /// The repetition of changes under way; guarded by lock.
    private Replay replay;

    private volatile boolean closed;
    private volatile DeviceStatus.State state = DeviceStatus.State.UNAVAIL;
    private volatile String reason = "not connected yet";
    private volatile Instant since = Instant.now();
    private volatile long downSinceNanos;

    NbdLinks(NbdDevice device) {
        this.device = device;
        this.downSinceNanos = device.context().timers().nanoTime();
    }

    /// What the server is; null before the first link is up.
    ExportInfo info() {
        return info;
    }

    /// The member's shape; null before the first link is up.
    DeviceShape shape() {
        return shape;
    }

    DeviceStatus status() {
        DeviceStatus online =
                DeviceStatus.online(
                        device.options().name(),
                        "nbd",
                        opened,
                        Locality.REMOTE,
                        shape == null ? 0 : shape.sizeBytes(),
                        List.of());
        return switch (state) {
            case ONLINE, SPARE, RESYNCING, REBUILDING, RESHAPING, DEGRADED -> online;
            case UNAVAIL ->
                    online.as(
                            state, reason, since, "it is dialled again by itself; check the host");
            case FAULTED -> online.as(state, reason, since, "serve the right export, then restart");
        };
    }

    // --------------------------------------------------------------------------- choosing

    /// The link on the calling loop, or else any. None while changes are being repeated.
    NbdLink choose() {
        List<NbdLink> all = up;
        if (all.isEmpty() || state != DeviceStatus.State.ONLINE) {
            return null;
        }
        for (NbdLink link : all) {
            if (link.loop().inLoop()) {
                return link;
            }
        }
        return all.get((int) (Thread.currentThread().threadId() % all.size()));
    }

    /// Whether requests can be sent now.
    boolean isUsable() {
        return choose() != null;
    }

    boolean isOnline() {
        return state == DeviceStatus.State.ONLINE;
    }

    /// Whether requests fail without waiting: the server is another one, or has been away for
    /// longer than a request would wait.
    boolean isGivenUp() {
        return switch (state) {
            case ONLINE, SPARE, RESYNCING, REBUILDING, RESHAPING, DEGRADED -> false;
            case FAULTED -> true;
            case UNAVAIL ->
                    closed
                            || device.context().timers().nanoTime() - downSinceNanos
                                    >= device.options().deadlineNanos();
        };
    }

    /// The answer to a request that could not be sent in time.
    Outcome unreachable() {
        return switch (state) {
            case FAULTED -> Outcome.failed(DeviceFault.Kind.IO, "%s: %s".formatted(device, reason));
            case UNAVAIL ->
                    Outcome.failed(
                            DeviceFault.Kind.DISCONNECTED, "%s: %s".formatted(device, reason));
            case ONLINE, SPARE, RESYNCING, REBUILDING, RESHAPING, DEGRADED ->
                    Outcome.failed(
                            DeviceFault.Kind.TIMED_OUT,
                            "%s: too many writes wait for a flush, which does not succeed"
                                    .formatted(device));
        };
    }

    // ------------------------------------------------------------------- coming and going

    /// A connection begins its handshake; on its loop.
    ///
    /// @return false if the device is being closed: the connection must end
    boolean greets(NbdLink link) {
        greeting.add(link);
        return !closed;
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
            fault("%s is not the export it was: %s".formatted(device.options().name(), difference));
            link.fail(difference);
            return;
        }
        Replay toStart = null;
        boolean isFirst;
        lock.lock();
        try {
            if (!areWanted() || !doubted.isEmpty()) {
                link.disconnect();
                return;
            }
            if (info == null) {
                shape = now.shape(device.options().readOnly());
                info = now;
            }
            isFirst = up.isEmpty();
            List<NbdLink> more = new ArrayList<>(up);
            more.add(link);
            up = List.copyOf(more);
            if (isFirst && !device.unflushed().isEmpty()) {
                replay = new Replay(device, link, device.unflushed().all());
                toStart = replay;
            } else if (replay == null) {
                online();
            }
        } finally {
            lock.unlock();
        }
        if (toStart != null) {
            LOG.info(
                    "{}: connected; repeating {} changes that were not flushed",
                    device,
                    toStart.size());
            toStart.start();
        } else if (isFirst) {
            LOG.info("{}: connected", device);
        }
        device.parking().settle();
    }

    /// Under the lock. A member that is FAULTED stays so: its content is not what it should be.
    private void online() {
        if (state == DeviceStatus.State.FAULTED) {
            return;
        }
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
        device.parking().settle();
        device.flushes().flushSoon();
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
    /// While there are changes to repeat, the other links are ended with it: the server may have
    /// been started anew without a word to those on which nothing was under way, and as long as one
    /// of them counts as up nothing is repeated.
    ///
    /// @param stranded what was under way on it
    void linkDown(NbdLink link, String why, List<Pending> stranded) {
        boolean lastOne;
        boolean mayDial;
        Replay toStart = null;
        List<NbdLink> toEnd = List.of();
        lock.lock();
        try {
            boolean wasDoubted = doubted.remove(link);
            boolean wasUp = up.contains(link);
            List<NbdLink> others = new ArrayList<>(up);
            others.remove(link);
            if (wasUp && !device.unflushed().isEmpty()) {
                toEnd = others;
                doubted.addAll(others);
                others = List.of();
            }
            up = List.copyOf(others);
            lastOne = wasUp && up.isEmpty();
            mayDial = (wasUp || wasDoubted) && doubted.isEmpty();
            if (replay != null && replay.link() == link) {
                replay =
                        up.isEmpty()
                                ? null
                                : new Replay(device, up.get(0), device.unflushed().all());
                toStart = replay;
            }
            if (lastOne && state != DeviceStatus.State.FAULTED) {
                state = DeviceStatus.State.UNAVAIL;
                since = Instant.now();
                downSinceNanos = device.context().timers().nanoTime();
            }
            if (state == DeviceStatus.State.UNAVAIL) {
                reason = why;
            }
        } finally {
            lock.unlock();
        }
        if (lastOne && !closed) {
            LOG.warn("{}: the connection is lost: {}", device, why);
        }
        for (Pending pending : stranded) {
            // What was being repeated starts anew with the next link.
            if (!pending.isReplay()) {
                device.resubmit(pending);
            }
        }
        if (toStart != null) {
            toStart.start();
        }
        if (closed) {
            device.parking().settle();
        }
        for (NbdLink other : toEnd) {
            other.loop().execute(() -> other.fail("another connection to its server was lost"));
        }
        if (mayDial) {
            device.dialer().lost(link.lifeNanos());
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
        LOG.error("{}: FAULTED: {}", device, why);
        device.parking().settle();
    }

    /// Whether more connections are of use.
    boolean areWanted() {
        return !closed && state != DeviceStatus.State.FAULTED;
    }

    /// How many links are up.
    int count() {
        return up.size();
    }

    /// Ends all connections, those too whose handshake is under way; lets no others come up.
    void close() {
        List<NbdLink> all;
        lock.lock();
        try {
            closed = true;
            all = up;
        } finally {
            lock.unlock();
        }
        for (NbdLink link : all) {
            link.loop().execute(link::disconnect);
        }
        for (NbdLink link : greeting) {
            link.loop().execute(link::disconnect);
        }
    }
}
