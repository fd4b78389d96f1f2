package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.Peer;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: a server that fails, stalls or goes away costs the requests that needed it, within the
/// deadline, and nothing else: no wrong bytes, no hang, no other volume.
class FailingServersTest {
    private static final long SIZE = 32L << 20;
    private static final int EIO = 5;
    private static final int ENOSPC = 28;
    private static final byte[] BLOCK = new byte[4096];

    @RegisterExtension final Lab lab = new Lab();

    /// Serves a volume of one remote member and one of a local file, on one port.
    private Daemon serveFarAndNear(int port, String member) throws IOException {
        return lab.serve(
                new ServiceFile()
                        .volume("far", "linear", List.of(member), List.of(Nbd.uri(port, "far")))
                        .volume(
                                "near",
                                "linear",
                                List.of(lab.sparse("near.img", SIZE)),
                                List.of(Nbd.uri(port, "near"))));
    }

    @Test
    void errorsOfTheServerAreErrorsOfTheRequest() throws IOException {
        Programs.needFilter("error");
        Path trigger = lab.path("fail-now");
        int remote = lab.port();
        lab.nbdkit(
                remote,
                "--filter=error",
                "memory",
                "size=" + SIZE,
                "error=EIO",
                "error-pread-rate=100%",
                "error-pwrite-rate=100%",
                "error-file=" + trigger);
        int port = lab.port();
        Daemon daemon = serveFarAndNear(port, Nbd.uri(remote, ""));
        try (NbdClient client = NbdClient.open(port, "far")) {
            assertEquals(0, client.write(0, BLOCK, 0));
            Files.createFile(trigger);
            assertEquals(EIO, client.write(4096, BLOCK, 0));
            assertEquals(EIO, client.call(NbdClient.READ, 0, 0, 4096));
            Files.delete(trigger);
            assertEquals(0, client.write(4096, BLOCK, 0));
            assertEquals(4096, client.read(0, 4096).length);
        }
        assertEquals("ONLINE", daemon.state("far"));
    }

    @Test
    void aFullDiskOfTheServerIsAFullDisk() throws IOException {
        Programs.needFilter("error");
        int remote = lab.port();
        lab.nbdkit(
                remote,
                "--filter=error",
                "memory",
                "size=" + SIZE,
                "error-pwrite=ENOSPC",
                "error-pwrite-rate=100%");
        int port = lab.port();
        serveFarAndNear(port, Nbd.uri(remote, ""));
        try (NbdClient client = NbdClient.open(port, "far")) {
            assertEquals(ENOSPC, client.write(0, BLOCK, 0));
            assertEquals(0, client.flush());
        }
    }

    @Test
    void someErrorsAmongManyRequestsHitOnlyTheirOwn() throws IOException {
        Programs.needFilter("error");
        int remote = lab.port();
        lab.nbdkit(
                remote,
                "--filter=error",
                "memory",
                "size=" + SIZE,
                "error=EIO",
                "error-pwrite-rate=20%");
        int port = lab.port();
        serveFarAndNear(port, Nbd.uri(remote, ""));

        int failed = 0;
        try (NbdClient client = NbdClient.open(port, "far")) {
            int blocks = 512;
            int[] error = new int[blocks];
            for (int i = 0; i < blocks; i++) {
                byte[] block = new byte[4096];
                Arrays.fill(block, (byte) (i % 100 + 1));
                client.putWrite(0, i, i * 4096L, block);
                if (i % 32 == 31) {
                    client.flushOut();
                    for (int answered = 0; answered < 32; answered++) {
                        NbdClient.Reply reply = client.reply();
                        error[(int) reply.cookie()] = reply.error();
                    }
                }
            }
            for (int i = 0; i < blocks; i++) {
                if (error[i] != 0) {
                    assertEquals(EIO, error[i]);
                    failed++;
                } else {
                    byte[] read = client.read(i * 4096L, 4096);
                    for (byte b : read) {
                        assertEquals((byte) (i % 100 + 1), b, "in block " + i);
                    }
                }
            }
        }
        assertTrue(failed > 30 && failed < 300, "failed: " + failed);
    }

    @Test
    void theServersOwnRetriesAreWaitedFor() throws IOException {
        Programs.needFilter("retry");
        Programs.needFilter("error");
        int remote = lab.port();
        lab.nbdkit(
                remote,
                "--filter=retry",
                "--filter=error",
                "file",
                lab.sparse("far.img", SIZE),
                "error-pwrite-rate=40%",
                "retries=20",
                "retry-delay=1",
                "retry-exponential=no");
        int port = lab.port();
        serveFarAndNear(port, Nbd.uri(remote, ""));

        Nbd.io(
                Nbd.uri(port, "far"),
                "aio_write -P 1 0 64k",
                "aio_write -P 2 1M 64k",
                "aio_write -P 3 2M 64k",
                "aio_write -P 4 3M 64k",
                "aio_flush",
                "read -P 1 0 64k",
                "read -P 2 1M 64k",
                "read -P 3 2M 64k",
                "read -P 4 3M 64k");
    }

    @Test
    void aSlowServerFailsRequestsAtTheDeadlineAndNotTheNeighbour() throws Exception {
        Programs.needFilter("delay");
        int remote = lab.port();
        lab.nbdkit(remote, "--filter=delay", "memory", "size=" + SIZE, "delay-read=60");
        int port = lab.port();
        serveFarAndNear(port, Nbd.uri(remote, "") + "?deadline=2s");
        try (NbdClient far = NbdClient.open(port, "far");
                NbdClient near = NbdClient.open(port, "near")) {
            long start = System.nanoTime();
            far.put(NbdClient.READ, 0, 1, 0, 4096);
            far.flushOut();
            for (int i = 0; i < 100; i++) {
                assertEquals(0, near.write(i * 4096L, BLOCK, 0));
            }
            assertTrue(seconds(start) < 1.5, "the neighbour waited");
            assertEquals(EIO, far.reply().error());
            assertTrue(seconds(start) > 1.5 && seconds(start) < 6, "after " + seconds(start));
        }
    }

    @Test
    void aFrozenServerFailsAtTheDeadlineAndIsUsedAgainWhenItWakes() throws Exception {
        int remote = lab.port();
        Peer server = lab.nbdkit(remote, "memory", "size=" + SIZE);
        int port = lab.port();
        Daemon daemon = serveFarAndNear(port, Nbd.uri(remote, "") + "?deadline=2s");
        try (NbdClient client = NbdClient.open(port, "far")) {
            assertEquals(0, client.write(0, BLOCK, 0));
            server.freeze();
            long start = System.nanoTime();
            assertEquals(EIO, client.write(0, BLOCK, 0));
            assertTrue(seconds(start) < 6, "after " + seconds(start));
            server.thaw();
            Waiting.until(
                    "the server is used again",
                    Duration.ofSeconds(15),
                    () -> client.write(0, BLOCK, 0) == 0);
        }
        assertEquals("ONLINE", daemon.state("far"));
    }

    @Test
    void aServerThatRestartsWithinTheDeadlineCostsNothing() throws Exception {
        Path disk = lab.sparse("far.img", SIZE);
        int remote = lab.port();
        Peer server = lab.nbdkit(remote, "file", disk);
        int port = lab.port();
        Daemon daemon = serveFarAndNear(port, Nbd.uri(remote, "") + "?deadline=20s");
        try (NbdClient client = NbdClient.open(port, "far")) {
            for (int i = 0; i < 64; i++) {
                byte[] block = new byte[4096];
                Arrays.fill(block, (byte) (i + 1));
                client.putWrite(0, i, i * 4096L, block);
                if (i == 31) {
                    client.flushOut();
                    server.kill();
                }
            }
            client.flushOut();
            Waiting.until(
                    "the loss is noticed",
                    Duration.ofSeconds(10),
                    () -> daemon.state("far").equals("UNAVAIL"));
            lab.nbdkit(remote, "file", disk);
            for (int i = 0; i < 64; i++) {
                assertEquals(0, client.reply().error());
            }
            for (int i = 0; i < 64; i++) {
                assertEquals((byte) (i + 1), client.read(i * 4096L, 4096)[4095]);
            }
        }
        assertEquals("ONLINE", daemon.state("far"));
    }

    @Test
    void aServerThatStaysAwayFailsRequestsAndIsNamed() throws Exception {
        int remote = lab.port();
        Peer server = lab.nbdkit(remote, "memory", "size=" + SIZE);
        int port = lab.port();
        Daemon daemon = serveFarAndNear(port, Nbd.uri(remote, "") + "?deadline=1s");
        try (NbdClient far = NbdClient.open(port, "far");
                NbdClient near = NbdClient.open(port, "near")) {
            assertEquals(0, far.write(0, BLOCK, 0));
            server.kill();
            long start = System.nanoTime();
            assertEquals(EIO, far.write(0, BLOCK, 0));
            assertTrue(seconds(start) < 5, "after " + seconds(start));
            assertEquals(0, near.write(0, BLOCK, 0));
            assertEquals(0, near.flush());
        }
        assertEquals("UNAVAIL", daemon.state("far"));
        assertEquals("ONLINE", daemon.state("near"));
        String reason = daemon.status("far").toString();
        assertTrue(reason.contains("127.0.0.1:" + remote), reason);
        daemon.terminate();
    }

    @Test
    void anotherDiskUnderTheSameNameIsNotUsed() throws Exception {
        int remote = lab.port();
        Peer server = lab.nbdkit(remote, "memory", "size=" + SIZE);
        int port = lab.port();
        Daemon daemon = serveFarAndNear(port, Nbd.uri(remote, "") + "?deadline=2s");
        try (NbdClient far = NbdClient.open(port, "far")) {
            assertEquals(0, far.write(0, BLOCK, 0));
            server.kill();
            lab.nbdkit(remote, "memory", "size=" + SIZE / 2);
            assertEquals(EIO, far.write(0, BLOCK, 0));
        }
        Waiting.until(
                "it is FAULTED",
                Duration.ofSeconds(10),
                () -> daemon.status("far").toString().contains("FAULTED"));
        daemon.terminate();
    }

    @Test
    void aServerThatTakesOneConnectionIsUsedWithOne() throws IOException {
        Programs.needFilter("limit");
        int remote = lab.port();
        lab.nbdkit(remote, "--filter=limit", "memory", "size=" + SIZE, "limit=1");
        int port = lab.port();
        Daemon daemon = serveFarAndNear(port, Nbd.uri(remote, "") + "?connections=4");
        Path image = lab.image("image", SIZE, 43);

        Nbd.copy(image, Nbd.uri(port, "far"), "--connections=4", "--flush");

        Nbd.assertSame(image, Nbd.uri(port, "far"));
        assertEquals("ONLINE", daemon.state("far"));
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }
}
