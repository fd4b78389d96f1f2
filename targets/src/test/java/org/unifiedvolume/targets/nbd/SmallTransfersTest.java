package org.unifiedvolume.targets.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.targets.nbd.member.NbdKind;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.transport.SocketTransport;
import org.unifiedvolume.transport.Transports;

/// A server that refuses requests longer than 64 KiB serves as a member all the same.
final class SmallTransfersTest {
    @TempDir private Path folder;

    @Test
    void longTransfersReachItInParts() throws Exception {
        Path socket = folder.resolve("s");
        Process server =
                new ProcessBuilder(
                                "nbdkit",
                                "-f",
                                "-U",
                                socket.toString(),
                                "--filter=blocksize-policy",
                                "memory",
                                "4M",
                                "blocksize-maximum=64K",
                                "blocksize-error-policy=error")
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("log").toFile())
                        .start();
        try (TestProcess process = TestProcess.start()) {
            TestProcess.await("nbdkit listens", () -> Files.exists(socket));
            TargetContext context =
                    new TargetContext(
                            process.context(),
                            process.loops(),
                            new Transports(
                                    new SocketTransport(process.loops(), process.pool()),
                                    () -> {
                                        throw new AssertionError("nobody asked for TLS");
                                    }),
                            null);
            DeviceUri uri =
                    DeviceUri.parse(Place.COMMAND_LINE, folder, "nbd+unix:///?socket=" + socket);
            try (BlockDevice device = new NbdKind().plan(uri).open(context)) {
                assertEquals(
                        DeviceShape.UNLIMITED_TRANSFER_BYTES, device.shape().maxTransferBytes());
                Asker asker = new Asker(device, process.context());
                byte[] bytes = new byte[3 << 20];
                Seeds.random(1).nextBytes(bytes);
                asker.done(asker.write(12_288, bytes, Durability.DURABLE));
                assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(12_288, bytes.length))));
                asker.checkAll();
            }
        } finally {
            server.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        }
    }
}
