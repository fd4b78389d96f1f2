package org.unifiedvolume.targets.nbd.export;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.targets.nbd.GateDevice;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.volume.Volume;

/// What the tests of the server share: a volume in memory behind a gate, served as `disk`, and the
/// check that nothing is left behind.
abstract class ServedVolume {
    static final int SIZE_BYTES = 1 << 20;

    final NbdHost host = new NbdHost();
    MemoryDevice memory;
    GateDevice gate;
    Volume volume;
    NbdServer server;
    private final List<RawClient> clients = new ArrayList<>();
    private final List<NbdServer> servers = new ArrayList<>();

    NbdServer serve() throws IOException {
        return serve(NbdLimits.DEFAULT, DeviceShape.ofMemory(SIZE_BYTES), false);
    }

    NbdServer serve(NbdLimits limits) throws IOException {
        return serve(limits, DeviceShape.ofMemory(SIZE_BYTES), false);
    }

    NbdServer serve(NbdLimits limits, DeviceShape shape, boolean readOnly) throws IOException {
        memory = new MemoryDevice(shape, Locality.LOCAL, host.io());
        gate = new GateDevice(memory);
        volume = host.volume("media", gate);
        server = listen(limits, null);
        server.add(new NbdExport("disk", volume, readOnly));
        return server;
    }

    NbdServer listen(NbdLimits limits, NbdTls tls) throws IOException {
        NbdServer one = host.listen(limits, tls);
        servers.add(one);
        return one;
    }

    int port() {
        return NbdHost.port(server);
    }

    RawClient connect() throws IOException {
        return kept(new RawClient(port()));
    }

    RawClient greeted() throws IOException {
        return kept(RawClient.greeted(port()));
    }

    RawClient simple() throws IOException {
        return kept(RawClient.simple(port(), "disk"));
    }

    RawClient structured() throws IOException {
        return kept(RawClient.structured(port(), "disk"));
    }

    RawClient extended() throws IOException {
        return kept(RawClient.extended(port(), "disk"));
    }

    private RawClient kept(RawClient client) {
        clients.add(client);
        return client;
    }

    /// A volume whose requests keep to a grid.
    static DeviceShape onGrid(int blockBytes) {
        DeviceShape plain = DeviceShape.ofMemory(SIZE_BYTES);
        return new DeviceShape(
                plain.sizeBytes(),
                blockBytes,
                4096,
                plain.maxTransferBytes(),
                1,
                plain.abilities());
    }

    /// Recognisable bytes for an offset.
    static byte[] pattern(long offset, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) ((offset + i) * 31 + ((offset + i) >> 8));
        }
        return bytes;
    }

    /// Fills the volume's memory with the pattern.
    void fill() {
        byte[] bytes = pattern(0, (int) memory.shape().sizeBytes());
        memory.content().copyFrom(java.lang.foreign.MemorySegment.ofArray(bytes));
    }

    byte[] stored(long offset, int length) {
        return memory.content()
                .asSlice(offset, length)
                .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    @AfterEach
    void nothingIsLeftBehind() throws IOException {
        if (gate != null) {
            gate.letGo();
        }
        for (RawClient client : clients) {
            client.close();
        }
        for (NbdServer one : servers) {
            NbdHost.await("all clients are gone", () -> one.connectionCount() == 0);
            one.close();
        }
        if (volume != null) {
            NbdHost.await("the volume is idle", () -> volume.underWayCount() == 0);
            NbdHost.await("the volume has no clients", () -> volume.clients().isEmpty());
        }
        host.close();
    }
}
