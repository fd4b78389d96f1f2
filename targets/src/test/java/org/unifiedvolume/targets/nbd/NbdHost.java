package org.unifiedvolume.targets.nbd;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.targets.nbd.export.NbdLimits;
import org.unifiedvolume.targets.nbd.export.NbdServer;
import org.unifiedvolume.targets.nbd.export.NbdTls;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.transport.NettyTransport;
import org.unifiedvolume.transport.SocketTransport;
import org.unifiedvolume.transport.Transports;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Volume;

/// A small process for tests: two loops, a traced pool, admission, transports.
///
/// Closing it checks that nothing was left behind: no payload memory, no admitted bytes.
public final class NbdHost implements AutoCloseable {
    /// How long tests wait for what must happen; far beyond what it takes.
    public static final long PATIENCE_NANOS = 15_000_000_000L;

    private static final long POLL_NANOS = 200_000;
    private static final long POOL_BYTES = 64L << 20;
    private static final long ADMISSION_BYTES = 32L << 20;

    private final LoopGroup loops = new LoopGroup(2);
    private final BufferPool pool;
    private final Admission admission;
    private final IoContext io;
    private final Transports transports;
    private NettyTransport netty;

    public NbdHost() {
        this(POOL_BYTES, ADMISSION_BYTES);
    }

    public NbdHost(long poolBytes, long admissionBytes) {
        pool = new BufferPool(poolBytes, true);
        admission = new Admission(admissionBytes);
        io = new IoContext(pool, loops.get(0), new RequestIds());
        transports = new Transports(new SocketTransport(loops, pool), this::netty);
    }

    private synchronized NettyTransport netty() {
        netty = new NettyTransport(2, pool);
        return netty;
    }

    public IoContext io() {
        return io;
    }

    public BufferPool pool() {
        return pool;
    }

    public Admission admission() {
        return admission;
    }

    public Transports transports() {
        return transports;
    }

    public TargetContext context() {
        return new TargetContext(io, loops, transports, admission);
    }

    /// A volume that is nothing but one device.
    public Volume volume(String name, BlockDevice device) {
        return new Volume(
                name,
                device,
                List.of(),
                new Lanes(),
                new Tracer(io.timers()),
                StackOptions.ofVolume(OrderPolicy.Named.FIFO, 4096),
                io);
    }

    /// A server on a free port of the loopback interface, without exports as yet.
    public NbdServer listen(NbdLimits limits, NbdTls tls) throws IOException {
        return NbdServer.listen(
                tls == null ? transports.plain() : transports.secure(),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                limits,
                tls,
                admission);
    }

    public static int port(NbdServer server) {
        return ((InetSocketAddress) server.address()).getPort();
    }

    public static DeviceUri uri(String text) throws ConfigFault {
        return DeviceUri.parse(Place.COMMAND_LINE, Path.of("/base"), text);
    }

    /// Waits until a condition holds.
    ///
    /// @param what the condition in words, for the message
    public static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("in vain waited until " + what);
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /// Ends the process, and fails if it left something behind.
    @Override
    public void close() {
        try {
            await("nothing is admitted any more", () -> admission.admittedBytes() == 0);
            await("nobody waits for admission", () -> admission.waiting() == 0);
            long end = System.nanoTime() + PATIENCE_NANOS;
            while (pool.outstandingBytes() != 0) {
                if (System.nanoTime() - end > 0) {
                    AssertionError leak =
                            new AssertionError(
                                    "%d bytes of the pool leaked"
                                            .formatted(pool.outstandingBytes()));
                    pool.leaks().forEach(leak::addSuppressed);
                    throw leak;
                }
                LockSupport.parkNanos(POLL_NANOS);
            }
        } finally {
            loops.close();
            if (netty != null) {
                netty.close();
            }
        }
        pool.close();
    }
}
