package org.unifiedvolume.targets.nbd;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.List;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.targets.nbd.export.NbdExport;
import org.unifiedvolume.targets.nbd.export.NbdLimits;
import org.unifiedvolume.targets.nbd.export.NbdServer;
import org.unifiedvolume.targets.nbd.member.NbdDevice;
import org.unifiedvolume.targets.nbd.member.NbdOptions;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.transport.SocketTransport;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;
import org.unifiedvolume.volume.Volume;

/// A device behind a volume and an NBD server, for clients in the same process.
public final class NbdLoopback implements AutoCloseable {
    private final TestProcess process;
    private final SocketTransport transport;
    private final Volume volume;
    private final NbdServer server;

    /// @param device is closed with this
    /// @param socket a path for a Unix socket; null for TCP
    public NbdLoopback(TestProcess process, BlockDevice device, Path socket) throws IOException {
        this.process = process;
        this.transport = new SocketTransport(process.loops(), process.pool());
        Lanes lanes = new Lanes();
        Tracer tracer = new Tracer(process.context().timers());
        Member member =
                new Member(
                        "test:member",
                        Locality.LOCAL,
                        device,
                        StackOptions.ofMember(OrderPolicy.Named.DEADLINE, 128, 30_000_000_000L),
                        process.context(),
                        lanes,
                        tracer);
        volume =
                new Volume(
                        "test",
                        member,
                        List.of(member),
                        lanes,
                        tracer,
                        StackOptions.ofVolume(OrderPolicy.Named.FAIR, 1024),
                        process.context());
        SocketAddress address =
                socket == null
                        ? new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)
                        : UnixDomainSocketAddress.of(socket);
        server =
                NbdServer.listen(
                        transport,
                        address,
                        NbdLimits.DEFAULT,
                        null,
                        new Admission(process.pool().ceilingBytes() / 2));
        server.add(new NbdExport("test", volume, false));
    }

    public Volume volume() {
        return volume;
    }

    /// The server's address as NBD URIs name it.
    public NbdAddress address() {
        return switch (server.address()) {
            case InetSocketAddress inet ->
                    new NbdAddress("127.0.0.1", inet.getPort(), null, "test", false);
            case UnixDomainSocketAddress unix ->
                    new NbdAddress("", 0, unix.getPath(), "test", false);
            case SocketAddress other -> throw new AssertionError(other);
        };
    }

    /// Another member that reaches the server over the loopback.
    public NbdDevice connect(int connections) throws IOException {
        int before = volume.clients().size();
        NbdDevice device =
                NbdDevice.open(
                        new NbdOptions(
                                "nbd:test",
                                address(),
                                null,
                                false,
                                connections,
                                20_000_000_000L,
                                5_000_000_000L,
                                1 << 20),
                        transport,
                        process.context());
        // A connection that is still being made when the test ends would hold pool memory.
        TestProcess.await(
                "all connections are up", () -> volume.clients().size() == before + connections);
        return device;
    }

    @Override
    public void close() {
        server.close();
        TestProcess.await("all connections ended", () -> server.connectionCount() == 0);
        volume.close();
    }
}
