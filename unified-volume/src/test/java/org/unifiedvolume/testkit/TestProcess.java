package org.unifiedvolume.testkit;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.request.RequestIds;

/// What a process gives its devices, for tests that run in real time: a pool that knows who
/// allocated what, two loops, ids. Closing it fails if pool memory was not given back.
public final class TestProcess implements AutoCloseable {
    private static final long WAIT_NANOS = 20_000_000_000L;

    private final BufferPool pool;
    private final LoopGroup loops;
    private final IoContext context;

    public TestProcess(long poolBytes) {
        this.pool = new BufferPool(poolBytes, true);
        this.loops = new LoopGroup(2);
        this.context = new IoContext(pool, loops.get(0), new RequestIds());
    }

    public static TestProcess start() {
        return new TestProcess(256L << 20);
    }

    public BufferPool pool() {
        return pool;
    }

    public LoopGroup loops() {
        return loops;
    }

    public IoContext context() {
        return context;
    }

    /// A context on virtual time, with a pool of this size that traces.
    public static IoContext simulated(Timers time, long poolBytes) {
        return new IoContext(new BufferPool(poolBytes, true), time, new RequestIds());
    }

    /// Waits, a bounded time, until a condition holds.
    public static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + WAIT_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("still not so after 20 s: " + what);
            }
            LockSupport.parkNanos(200_000);
        }
    }

    /// Fails, naming the places that allocated, if payload memory is still held. Waits a moment for
    /// answers on their way.
    public static void checkGivenBack(BufferPool pool) {
        long end = System.nanoTime() + 5_000_000_000L;
        long held = pool.outstandingBytes();
        while (held != 0 && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(200_000);
            held = pool.outstandingBytes();
        }
        if (held != 0) {
            AssertionError leak =
                    new AssertionError("%d bytes of the pool were not given back".formatted(held));
            pool.leaks().stream().limit(3).forEach(leak::addSuppressed);
            throw leak;
        }
    }

    @Override
    public void close() {
        // What a device does on its own account, such as reading ahead, may still be on its way.
        checkGivenBack(pool);
        loops.close();
        pool.close();
    }
}
