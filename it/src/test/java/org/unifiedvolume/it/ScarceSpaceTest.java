package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: a disk that is full under a sparse member, or a member that shrinks while it is used,
/// fails the requests that need what is not there; the daemon and all other data live on.
class ScarceSpaceTest {
    private static final long SIZE = 64L << 20;
    private static final int STEP = 1 << 20;

    @RegisterExtension final Lab lab = new Lab();

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void aFullDiskIsNoSpaceForNbdClients() throws IOException {
        Path small = lab.tmpfs("small", 16 << 20);
        int port = lab.port();
        Daemon daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "linear",
                                List.of("file:%s/a.img?size=64MiB".formatted(small)),
                                List.of(Nbd.uri(port, "media"))));
        try (NbdClient client = NbdClient.open(port, "media")) {
            int stored = 0;
            int error = 0;
            while (error == 0 && stored < 40) {
                error = client.write((long) stored * STEP, filled(STEP, stored + 1), 0);
                stored += error == 0 ? 1 : 0;
            }
            assertEquals(NbdClient.ENOSPC, error);
            assertTrue(stored >= 14 && stored <= 16, "stored " + stored);
            for (int i = 0; i < stored; i++) {
                assertArrayEquals(filled(STEP, i + 1), client.read((long) i * STEP, STEP));
            }
            assertEquals(0, client.flush());

            assertEquals(0, client.call(NbdClient.TRIM, 0, 0, 4 * STEP));
            assertEquals(0, client.write(40L * STEP, filled(STEP, 99), 0));
            assertArrayEquals(filled(STEP, 99), client.read(40L * STEP, STEP));
        }
        daemon.terminate();
    }

    @Test
    void aFullDiskIsNoSpaceForUsersOfTheFuseFile() throws IOException {
        Programs.needRoot("serve a FUSE file");
        Path small = lab.tmpfs("small", 16 << 20);
        Path disk = lab.path("disk");
        Daemon daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "linear",
                                List.of("file:%s/a.img?size=64MiB".formatted(small)),
                                List.of("fuse:" + disk)));
        String message = "";
        try (FileChannel channel =
                FileChannel.open(disk, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int i = 0; i < 40; i++) {
                channel.write(ByteBuffer.wrap(filled(STEP, i + 1)), (long) i * STEP);
            }
        } catch (IOException e) {
            message = e.getMessage();
        }
        assertTrue(message.contains("No space left"), message);
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.READ)) {
            ByteBuffer read = ByteBuffer.allocate(STEP);
            assertEquals(STEP, channel.read(read, 0));
            assertArrayEquals(filled(STEP, 1), read.array());
        }
        daemon.terminate();
    }

    @Test
    void aMemberThatIsTruncatedFailsWhereItsBytesWere() throws IOException {
        Path member = lab.sparse("a.img", SIZE);
        int port = lab.port();
        Daemon daemon =
                lab.serve(
                        new ServiceFile()
                                .volume(
                                        "media",
                                        "linear",
                                        List.of(member),
                                        List.of(Nbd.uri(port, "media")))
                                .volume(
                                        "other",
                                        "linear",
                                        List.of(lab.sparse("b.img", SIZE)),
                                        List.of(Nbd.uri(port, "other"))));
        try (NbdClient client = NbdClient.open(port, "media");
                NbdClient other = NbdClient.open(port, "other")) {
            assertEquals(0, client.write(0, filled(STEP, 7), 0));
            assertEquals(0, client.write(SIZE - STEP, filled(STEP, 8), 0));
            try (RandomAccessFile file = new RandomAccessFile(member.toFile(), "rw")) {
                file.setLength(SIZE / 2);
            }
            assertEquals(NbdClient.EIO, client.call(NbdClient.READ, 0, SIZE - STEP, STEP));
            assertEquals(NbdClient.EIO, client.call(NbdClient.READ, 0, SIZE / 2 - 4096, 8192));
            assertArrayEquals(filled(STEP, 7), client.read(0, STEP));
            assertEquals(0, other.write(0, filled(STEP, 9), 0));
            assertArrayEquals(filled(STEP, 9), other.read(0, STEP));
        }
        daemon.terminate();
    }

    @Test
    void aMirrorDropsTheLegWhoseDiskIsFull() throws IOException {
        Path small = lab.tmpfs("small", 8 << 20);
        int port = lab.port();
        Daemon daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "raid1",
                                List.of(
                                        lab.sparse("a.img", SIZE),
                                        "file:%s/b.img?size=64MiB".formatted(small)),
                                List.of(Nbd.uri(port, "media")),
                                "assume-clean: true"));
        try (NbdClient client = NbdClient.open(port, "media")) {
            for (int i = 0; i < 16; i++) {
                assertEquals(0, client.write((long) i * STEP, filled(STEP, i + 1), 0));
            }
            for (int i = 0; i < 16; i++) {
                assertArrayEquals(filled(STEP, i + 1), client.read((long) i * STEP, STEP));
            }
        }
        assertEquals("DEGRADED", daemon.state("media"));
        assertTrue(
                daemon.status("media").path("reason").asText().contains("b.img"),
                () -> daemon.status("media").toString());
        daemon.terminate();
    }
}
