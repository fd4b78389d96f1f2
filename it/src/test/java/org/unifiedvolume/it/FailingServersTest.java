package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Load;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.Peer;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.SequencedWrites;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: a server that fails, stalls or goes away costs the requests that needed it, within the
/// deadline, and nothing else: no wrong bytes, no hang, no other volume.
class FailingServersTest {
    private static final long SIZE = 32L << 20;
    private static final byte[] BLOCK = new byte[4096];

    @RegisterExtension final Lab lab = new Lab();

    /// Where the server of the remote member listens, and where the volumes are served.
    private int remote;

    private int port;

    @BeforeEach
    void choosePorts() throws IOException {
        remote = lab.port();
        port = lab.port();
    }

    /// Serves a volume of one remote member and one of a local file, on one port.
    ///
    /// @param options of the remote member: `?deadline=2s`
    private Daemon serveFarAndNear(String options) throws IOException {
        String member = Nbd.uri(remote, "") + options;
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
        lab.nbdkit(
                remote,
                "--filter=error",
                "memory",
                "size=" + SIZE,
                "error=EIO",
                "error-pread-rate=100%",
                "error-pwrite-rate=100%",
                "error-file=" + trigger);
        Daemon daemon = serveFarAndNear("");
        try (NbdClient client = NbdClient.open(port, "far")) {
            assertEquals(0, client.write(0, BLOCK, 0));
            Files.createFile(trigger);
            assertEquals(NbdClient.EIO, client.write(4096, BLOCK, 0));
            assertEquals(NbdClient.EIO, client.call(NbdClient.READ, 0, 0, 4096));
            Files.delete(trigger);
            assertEquals(0, client.write(4096, BLOCK, 0));
            assertEquals(4096, client.read(0, 4096).length);
        }
        assertEquals("ONLINE", daemon.state("far"));
    }

    @Test
    void aFullDiskOfTheServerIsAFullDisk() throws IOException {
        Programs.needFilter("error");
        lab.nbdkit(
                remote,
                "--filter=error",
                "memory",
                "size=" + SIZE,
                "error-pwrite=ENOSPC",
                "error-pwrite-rate=100%");
        serveFarAndNear("");
        try (NbdClient client = NbdClient.open(port, "far")) {
            assertEquals(NbdClient.ENOSPC, client.write(0, BLOCK, 0));
            assertEquals(0, client.flush());
        }
    }

    @Test
    void someErrorsAmongManyRequestsHitOnlyTheirOwn() throws IOException {
        Programs.needFilter("error");
        lab.nbdkit(
                remote,
                "--filter=error",
                "memory",
                "size=" + SIZE,
                "error=EIO",
                "error-pwrite-rate=20%");
        serveFarAndNear("");

        int failed = 0;
        try (NbdClient client = NbdClient.open(port, "far")) {
            int blocks = 512;
            int[] error = new int[blocks];
            for (int i = 0; i < blocks; i++) {
                client.putWrite(0, i, i * 4096L, filled(i % 100 + 1));
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
                    assertEquals(NbdClient.EIO, error[i]);
                    failed++;
                } else {
                    assertArrayEquals(
                            filled(i % 100 + 1), client.read(i * 4096L, 4096), "block " + i);
                }
            }
        }
        assertTrue(failed > 30 && failed < 300, "failed: " + failed);
    }

    @Test
    void theServersOwnRetriesAreWaitedFor() throws IOException {
        Programs.needFilter("retry");
        Programs.needFilter("error");
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
        serveFarAndNear("");

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
        lab.nbdkit(remote, "--filter=delay", "memory", "size=" + SIZE, "delay-read=60");
        serveFarAndNear("?deadline=2s");
        try (NbdClient far = NbdClient.open(port, "far");
                NbdClient near = NbdClient.open(port, "near")) {
            long start = System.nanoTime();
            far.put(NbdClient.READ, 0, 1, 0, 4096);
            far.flushOut();
            for (int i = 0; i < 100; i++) {
                assertEquals(0, near.write(i * 4096L, BLOCK, 0));
            }
            assertTrue(seconds(start) < 1.5, "the neighbour waited");
            assertEquals(NbdClient.EIO, far.reply().error());
            assertTrue(seconds(start) > 1.5 && seconds(start) < 6, "after " + seconds(start));
        }
    }

    @Test
    void aFrozenServerFailsAtTheDeadlineAndIsUsedAgainWhenItWakes() throws Exception {
        Peer server = lab.qemuNbd(remote, lab.sparse("far.img", SIZE));
        Daemon daemon = serveFarAndNear("?deadline=2s");
        try (NbdClient client = NbdClient.open(port, "far")) {
            assertEquals(0, client.write(0, BLOCK, 0));
            server.freeze();
            long start = System.nanoTime();
            assertEquals(NbdClient.EIO, client.write(0, BLOCK, 0));
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
        Peer server = lab.nbdkit(remote, "file", disk);
        Daemon daemon = serveFarAndNear("?deadline=20s");
        try (NbdClient client = NbdClient.open(port, "far")) {
            for (int i = 0; i < 64; i++) {
                client.putWrite(0, i, i * 4096L, filled(i + 1));
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
        Peer server = lab.nbdkit(remote, "memory", "size=" + SIZE);
        Daemon daemon = serveFarAndNear("?deadline=1s");
        try (NbdClient far = NbdClient.open(port, "far");
                NbdClient near = NbdClient.open(port, "near")) {
            assertEquals(0, far.write(0, BLOCK, 0));
            server.kill();
            long start = System.nanoTime();
            assertEquals(NbdClient.EIO, far.write(0, BLOCK, 0));
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
        Peer server = lab.nbdkit(remote, "memory", "size=" + SIZE);
        Daemon daemon = serveFarAndNear("?deadline=2s");
        try (NbdClient far = NbdClient.open(port, "far")) {
            assertEquals(0, far.write(0, BLOCK, 0));
            server.kill();
            lab.nbdkit(remote, "memory", "size=" + SIZE / 2);
            assertEquals(NbdClient.EIO, far.write(0, BLOCK, 0));
        }
        Waiting.until(
                "it is FAULTED",
                Duration.ofSeconds(10),
                () -> daemon.status("far").toString().contains("FAULTED"));
        daemon.terminate();
    }

    /// Behind one filter the server takes no less than a block at a time and works on blocks as a
    /// whole, behind the other it refuses what is not in its blocks.
    @ParameterizedTest
    @ValueSource(strings = {"blocksize", "blocksize-policy"})
    void aServerWithBlocksOfItsOwnGetsWhatItCanTake(String filter) throws IOException {
        Programs.needFilter(filter);
        Path disk = lab.sparse("far.img", SIZE);
        List<Object> words = new ArrayList<>(List.of("--filter=" + filter, "file", disk));
        words.addAll(
                filter.equals("blocksize")
                        ? List.of("minblock=64k", "maxdata=64k", "maxlen=1M")
                        : List.of(
                                "blocksize-minimum=4096",
                                "blocksize-preferred=8192",
                                "blocksize-maximum=64k",
                                "blocksize-error-policy=error"));
        lab.nbdkit(remote, words.toArray());
        Daemon daemon = serveFarAndNear("");

        String far = Nbd.uri(port, "far");
        Nbd.io(
                far,
                "write -P 1 0 4M",
                "write -P 2 4k 4k",
                "write -P 3 1020k 200k",
                "write -z 2M 68k",
                "discard 3M 1M",
                "read -P 1 0 4k",
                "read -P 2 4k 4k",
                "read -P 1 8k 1012k",
                "read -P 3 1020k 200k",
                "read -P 0 2M 68k");
        Path image = lab.image("image", SIZE, 44);
        Nbd.copy(image, far, "--flush");

        Nbd.assertSame(image, far);
        Nbd.assertSame(image, disk);
        assertEquals("ONLINE", daemon.state("far"));
    }

    /// A server that wants to go takes no new connections, but serves those it has.
    @Test
    void aServerThatIsAboutToExitIsUsedToTheEndAndItsSuccessorAfterwards() throws Exception {
        Programs.needFilter("exitwhen");
        Path disk = lab.sparse("far.img", SIZE);
        Path trigger = lab.path("exit-now");
        Object[] words = {
            "--filter=exitwhen",
            "file",
            disk,
            "exit-when-file-created=" + trigger,
            "exit-when-poll=1"
        };
        Peer server = lab.nbdkit(remote, words);
        Daemon daemon = serveFarAndNear("?deadline=30s&connections=2");
        SequencedWrites writes = new SequencedWrites(45, 0, SIZE);
        Load load = Load.start(lab, port, "far", writes);
        load.awaitRounds(5);

        Files.createFile(trigger);
        load.awaitRounds(20);
        // It would stay for as long as it is used; now it is gone in the middle of a write.
        server.kill();
        Files.delete(trigger);
        lab.nbdkit(remote, words);
        load.awaitRounds(20);
        load.stopsWithoutErrors();

        try (NbdClient client = NbdClient.open(port, "far")) {
            writes.verify(client);
        }
        assertEquals("ONLINE", daemon.state("far"));
    }

    @Test
    void aServerThatTakesOneConnectionIsUsedWithOne() throws IOException {
        Programs.needFilter("limit");
        lab.nbdkit(remote, "--filter=limit", "memory", "size=" + SIZE, "limit=1");
        Daemon daemon = serveFarAndNear("?connections=4");
        Path image = lab.image("image", SIZE, 43);

        Nbd.copy(image, Nbd.uri(port, "far"), "--connections=4", "--flush");

        Nbd.assertSame(image, Nbd.uri(port, "far"));
        assertEquals("ONLINE", daemon.state("far"));
    }

    private static byte[] filled(int value) {
        byte[] block = new byte[BLOCK.length];
        Arrays.fill(block, (byte) value);
        return block;
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }
}
