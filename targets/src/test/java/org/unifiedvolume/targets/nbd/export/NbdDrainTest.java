package org.unifiedvolume.targets.nbd.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.targets.file.FileDevice;
import org.unifiedvolume.targets.file.FileOptions;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.volume.Volume;

/// Long writes go from the socket through a pipe into the file: whole, in place, or not at all.
@Timeout(90)
final class NbdDrainTest {
    private static final int SIZE_BYTES = 8 << 20;

    @TempDir private Path onDisk;
    private final NbdHost host = new NbdHost();
    private Path folder;
    private Path file;
    private FileDevice device;
    private Volume volume;
    private NbdServer server;
    private RawClient client;

    private void serve(String where) throws IOException {
        folder =
                where.equals("disk")
                        ? onDisk
                        : Files.createTempDirectory(Path.of("/dev/shm"), "uvol-test");
        file = folder.resolve("a.img");
        device = FileDevice.open(FileOptions.of(file).creating(SIZE_BYTES), host.io());
        volume = host.volume("media", device);
        server = host.listen(NbdLimits.DEFAULT, null);
        server.add(new NbdExport("disk", volume, false));
        client = RawClient.structured(NbdHost.port(server), "disk");
    }

    @AfterEach
    void nothingIsLeftBehind() throws IOException {
        client.close();
        NbdHost.await("the client is gone", () -> server.connectionCount() == 0);
        server.close();
        NbdHost.await("the volume is idle", () -> volume.underWayCount() == 0);
        device.close();
        host.close(); // checks that all memory is back
        if (!folder.equals(onDisk)) {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }

    private void holds(int offset, byte[] expected) throws IOException {
        byte[] all = Files.readAllBytes(file);
        assertArrayEquals(expected, Arrays.copyOfRange(all, offset, offset + expected.length));
    }

    @ParameterizedTest
    @ValueSource(strings = {"disk", "memory"})
    void writesOfManyLengthsLandWhereTheyShould(String where) throws IOException {
        serve(where);
        int offset = 1;
        for (int length : new int[] {65_536, 70_001, 262_144, 1 << 20, 3 << 20}) {
            byte[] payload = ServedVolume.pattern(length, length);
            assertEquals(0, client.write(0, offset, payload).error());
            holds(offset, payload);
            offset += length;
        }
        byte[] durable = ServedVolume.pattern(7, 100_000);
        assertEquals(0, client.write(Nbd.CMD_FLAG_FUA, 3, durable).error());
        holds(3, durable);
    }

    @ParameterizedTest
    @ValueSource(strings = {"disk", "memory"})
    void manyUnderWayKeepApart(String where) throws IOException {
        serve(where);
        int length = 200_000;
        int count = 24; // more than there are pipes
        for (int i = 0; i < count; i++) {
            client.send(client.header(0, Nbd.CMD_WRITE, i, (long) i * length, length));
            client.send(ServedVolume.pattern(i * 1000L, length));
            client.send(client.header(0, Nbd.CMD_FLUSH, 1000 + i, 0, 0));
        }
        for (int i = 0; i < 2 * count; i++) {
            assertEquals(0, client.readReply(0).error());
        }
        for (int i = 0; i < count; i++) {
            holds(i * length, ServedVolume.pattern(i * 1000L, length));
        }
    }

    /// Many short packets take more pages than the pipe has room for.
    @ParameterizedTest
    @ValueSource(strings = {"disk", "memory"})
    void aPayloadMayComeInSmallPieces(String where) throws IOException {
        serve(where);
        client.socket().setTcpNoDelay(true);
        byte[] payload = ServedVolume.pattern(99, 1 << 20);
        client.send(client.header(0, Nbd.CMD_WRITE, 77, 4096, payload.length));
        for (int at = 0; at < payload.length; at += 700) {
            client.send(Arrays.copyOfRange(payload, at, Math.min(at + 700, payload.length)));
        }
        assertEquals(0, client.readReply(0).error());
        holds(4096, payload);
    }

    @ParameterizedTest
    @ValueSource(strings = {"disk", "memory"})
    void aClientThatLeavesInTheMiddleHasWrittenNothing(String where) throws IOException {
        serve(where);
        client.send(client.header(0, Nbd.CMD_WRITE, 77, 4096, 1 << 20));
        client.send(ServedVolume.pattern(99, 600_000));
        client.close();
        NbdHost.await("the client is gone", () -> server.connectionCount() == 0);
        assertArrayEquals(new byte[SIZE_BYTES], Files.readAllBytes(file));
    }
}
