package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.it.harness.Command;
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

/// Promise: when the daemon is killed in the middle of writing, nothing is missing afterwards that
/// had been acknowledged and flushed, or written with FUA.
class KilledDaemonTest {
    private static final long SIZE = 64L << 20;
    private static final long SEED = 61;

    /// How much fio has brought to one member when the daemon is killed.
    private static final long FIO_BYTES = 1 << 20;

    @RegisterExtension final Lab lab = new Lab();

    private ServiceFile volume(String level, int port) throws IOException {
        int remote = lab.port();
        List<?> members =
                switch (level) {
                    case "linear" -> List.of(lab.sparse("a.img", SIZE));
                    case "raid0" -> {
                        lab.nbdkit(remote, "memory", "size=" + SIZE / 2);
                        yield List.of(lab.sparse("a.img", SIZE / 2), Nbd.uri(remote, ""));
                    }
                    case "raid1" -> {
                        lab.nbdkit(remote, "memory", "size=" + SIZE);
                        yield List.of(lab.sparse("a.img", SIZE), Nbd.uri(remote, ""));
                    }
                    default -> throw new IllegalArgumentException(level);
                };
        return ServiceFile.of("media", level, members, List.of(Nbd.uri(port, "media")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"linear", "raid0", "raid1"})
    void keepsWhatWasFlushed(String level) throws IOException {
        int port = lab.port();
        Daemon daemon = lab.serve(volume(level, port));
        SequencedWrites low = new SequencedWrites(SEED, 0, SIZE / 4);
        SequencedWrites high = new SequencedWrites(SEED + 1, SIZE / 2, SIZE / 4);

        for (int kills = 0; kills < 2; kills++) {
            Load first = Load.start(lab, port, "media", low);
            Load second = Load.start(lab, port, "media", high);
            first.awaitRounds(20);
            second.awaitRounds(5);
            daemon.kill();
            first.join();
            second.join();

            daemon = lab.serve(daemon.file());
            try (NbdClient client = NbdClient.open(port, "media")) {
                assertTrue(low.verify(client) > 100);
                assertTrue(high.verify(client) > 50);
            }
            assertEquals(List.of(), refusals(low), "seed " + SEED);
            assertEquals(List.of(), refusals(high), "seed " + SEED);
        }
    }

    /// fio writes blocks with checksums, one after the other in an order of chance that it can
    /// repeat, and syncs each. What it has counted as synced when the daemon dies is there
    /// afterwards.
    @ParameterizedTest
    @ValueSource(strings = {"linear", "raid0", "raid1"})
    void keepsWhatFioHasSynced(String level) throws IOException {
        int port = lab.port();
        Daemon daemon = lab.serve(volume(level, port));

        keepsWhatFioHasSynced(daemon, "--ioengine=nbd", "--uri=" + Nbd.uri(port, "media"));
    }

    @Test
    void keepsWhatFioHasSyncedThroughTheFuseFile() throws IOException {
        Programs.needRoot("serve a FUSE file");
        Path disk = lab.path("disk");
        Daemon daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "linear",
                                List.of(lab.sparse("a.img", SIZE)),
                                List.of("fuse:" + disk)));

        keepsWhatFioHasSynced(daemon, "--ioengine=psync", "--filename=" + disk);
    }

    private void keepsWhatFioHasSynced(Daemon daemon, String... place) {
        Path written = lab.path("written.json");
        List<Object> job =
                new ArrayList<>(
                        List.of(
                                "--name=kill",
                                "--rw=randwrite",
                                "--randrepeat=1",
                                "--bs=4k",
                                "--size=" + SIZE,
                                "--fsync=1",
                                "--verify=crc32c",
                                "--verify_fatal=1",
                                "--verify_state_save=0",
                                "--output-format=json"));
        job.addAll(List.of(place));

        List<Object> writing = new ArrayList<>(job);
        writing.addAll(List.of("--do_verify=0", "--output=" + written));
        Peer fio = lab.peer("fio", writing.toArray());
        Waiting.until(
                () -> "fio writes: " + fio,
                Duration.ofSeconds(40),
                () -> lab.allocatedBytes("a.img") > FIO_BYTES);
        daemon.kill();
        assertTrue(fio.ends(Duration.ofSeconds(40)) != 0, "fio did not notice: " + fio);
        long synced = job(written).path("sync").path("total_ios").asLong();
        assertTrue(synced > 50 && synced < SIZE / 4096, "synced blocks: " + synced);

        lab.serve(daemon.file());

        Path verified = lab.path("verified.json");
        job.addAll(List.of("--verify_only", "--io_size=" + synced * 4096, "--output=" + verified));
        Command.of("fio", job.toArray()).run().succeeds();
        assertEquals(0, job(verified).path("error").asInt());
        assertEquals(synced * 4096, job(verified).path("read").path("io_bytes").asLong());
    }

    private static JsonNode job(Path report) {
        return Command.of("cat", report).run().succeeds().json().path("jobs").get(0);
    }

    private static List<String> refusals(SequencedWrites writes) {
        return writes.errors().stream().filter(error -> !error.startsWith("cut:")).toList();
    }

    @Test
    void keepsWhatWasSyncedThroughTheFuseFileAndClearsTheStaleMount() throws IOException {
        Programs.needRoot("serve a FUSE file");
        Path disk = lab.path("disk");
        Daemon daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "raid0",
                                List.of(
                                        lab.sparse("a.img", SIZE / 2),
                                        lab.sparse("b.img", SIZE / 2)),
                                List.of("fuse:" + disk)));
        int blocks = 64;
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            for (int i = 0; i < blocks; i++) {
                channel.write(block(i), i * 100_000L);
                channel.force(false);
            }
            daemon.kill();
        } catch (IOException e) {
            // Closing a file of a dead daemon may fail: that is what a killed one leaves.
            assertTrue(!daemon.isAlive(), e::toString);
        }
        assertThrows(
                IOException.class,
                () -> FileChannel.open(disk, StandardOpenOption.READ).close(),
                "a dead mount must not look alive");

        lab.serve(daemon.file());

        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.READ)) {
            Waiting.until("it has its size", Duration.ofSeconds(5), () -> channel.size() == SIZE);
            for (int i = 0; i < blocks; i++) {
                ByteBuffer read = ByteBuffer.allocate(4096);
                assertEquals(4096, channel.read(read, i * 100_000L));
                assertEquals(block(i), read.flip(), "block " + i);
            }
        }
    }

    private static ByteBuffer block(int number) {
        ByteBuffer block = ByteBuffer.allocate(4096);
        while (block.hasRemaining()) {
            block.putInt(number + 1);
        }
        return block.flip();
    }
}
