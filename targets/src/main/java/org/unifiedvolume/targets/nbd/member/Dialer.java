package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.transport.Transport;

/// Keeps as many connections of an [NbdDevice] as it should have: dials, and dials again after a
/// loss, ever less often while that fails.
///
/// Connections are spread over the loops. Host names are looked up anew for each attempt, on a
/// virtual thread. Safe for concurrent use.
final class Dialer {
    private static final long FIRST_RETRY_NANOS = 50_000_000L;
    private static final long LONGEST_RETRY_NANOS = 5_000_000_000L;

    /// A connection that ends earlier counts as a failed attempt: a server that takes connections
    /// and drops them is not dialled in a tight loop.
    private static final long SHORT_LIFE_NANOS = 1_000_000_000L;

    private final NbdDevice device;
    private final Transport transport;
    private final List<Loop> loops = new ArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private CompletableFuture<Void> first;
    private int wanted = 1;
    private int dialling;
    private int nextLoop;
    private int failures;

    Dialer(NbdDevice device, Transport transport) {
        this.device = device;
        this.transport = transport;
        transport.loops(loops::add);
    }

    /// Makes the first connection. Only one attempt is made.
    ///
    /// @param up is completed when it is up, or with the reason why not
    void start(CompletableFuture<Void> up) {
        lock.lock();
        try {
            first = up;
            dialling++;
        } finally {
            lock.unlock();
        }
        dial();
    }

    /// Whether an attempt to connect or to shake hands is under way.
    boolean isDialling() {
        lock.lock();
        try {
            return dialling > 0;
        } finally {
            lock.unlock();
        }
    }

    /// A connection is up.
    ///
    /// @param allowsMore whether the server keeps several connections consistent
    void connected(boolean allowsMore) {
        CompletableFuture<Void> told;
        lock.lock();
        try {
            dialling--;
            wanted = allowsMore ? device.options().connections() : 1;
            told = first;
            first = null;
        } finally {
            lock.unlock();
        }
        if (told != null) {
            told.complete(null);
        }
        fillUp();
    }

    /// A connection has ended after it was up.
    ///
    /// @param lifeNanos for how long it was
    void lost(long lifeNanos) {
        if (lifeNanos < SHORT_LIFE_NANOS) {
            device.context().timers().after(nextDelayNanos(), this::fillUp);
            return;
        }
        lock.lock();
        try {
            failures = 0;
        } finally {
            lock.unlock();
        }
        fillUp();
    }

    /// How long to wait after one more failure.
    private long nextDelayNanos() {
        lock.lock();
        try {
            long delay = Math.min(FIRST_RETRY_NANOS << Math.min(failures, 20), LONGEST_RETRY_NANOS);
            failures++;
            return delay;
        } finally {
            lock.unlock();
        }
    }

    /// An attempt to connect or to shake hands has failed.
    void failed(IOException cause) {
        CompletableFuture<Void> told;
        lock.lock();
        try {
            dialling--;
            told = first;
            first = null;
        } finally {
            lock.unlock();
        }
        if (told != null) {
            told.completeExceptionally(cause);
            return;
        }
        device.links().dialFailed(cause.getMessage());
        device.context().timers().after(nextDelayNanos(), this::fillUp);
    }

    /// Dials until there are as many connections as wanted.
    private void fillUp() {
        while (device.links().areWanted()) {
            lock.lock();
            try {
                if (device.links().count() + dialling >= wanted) {
                    return;
                }
                dialling++;
            } finally {
                lock.unlock();
            }
            dial();
        }
    }

    private void dial() {
        Loop loop;
        lock.lock();
        try {
            loop = loops.get(nextLoop);
            nextLoop = (nextLoop + 1) % loops.size();
        } finally {
            lock.unlock();
        }
        Thread.ofVirtual()
                .name("uvol-dial-" + device)
                .start(
                        () -> {
                            try {
                                connect(device.options().address().resolve(), loop);
                            } catch (IOException e) {
                                failed(e);
                            }
                        });
    }

    private void connect(SocketAddress address, Loop loop) {
        transport.dial(
                address,
                loop,
                device.options().connectNanos(),
                new Transport.Dialled() {
                    @Override
                    public StreamHandler connected(ByteStream stream) {
                        return new NbdLink(device, Dialer.this, stream);
                    }

                    @Override
                    public void failed(IOException cause) {
                        Dialer.this.failed(cause);
                    }
                });
    }
}
