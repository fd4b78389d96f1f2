package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
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
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: the daemon starts quickly, can be looked into while it works, and ends within seconds
/// without a trace.
class OperationsTest {
    private static final long SIZE = 32L << 20;

    /// What a mirror keeps on a member of that size beside data.
    private static final long MIRROR_METADATA = 192 << 10;

    private static final ObjectMapper JSON = new ObjectMapper();

    @RegisterExtension final Lab lab = new Lab();

    @Test
    void servesEightVolumesSoonAndSaysReadyOnce() throws IOException {
        int port = lab.port();
        ServiceFile file = new ServiceFile();
        for (int i = 0; i < 8; i++) {
            file.volume(
                    "v" + i,
                    i % 2 == 0 ? "raid0" : "raid1",
                    List.of("./a%d?size=32MiB".formatted(i), "./b%d?size=32MiB".formatted(i)),
                    List.of(Nbd.uri(port, "v" + i)));
        }
        Daemon daemon = lab.serve(file);

        for (int i = 0; i < 8; i++) {
            try (NbdClient client = NbdClient.open(port, "v" + i)) {
                assertEquals(i % 2 == 0 ? 2 * SIZE : SIZE - MIRROR_METADATA, client.sizeBytes());
            }
        }
        assertEquals(1, daemon.output().lines().filter(line -> line.startsWith("ready")).count());
        System.out.printf("ready with 8 volumes after %d ms%n", daemon.startTime().toMillis());
        daemon.terminate();
    }

    @Test
    void endsWithinSecondsUnderLoadAndLeavesNothing() throws IOException {
        Programs.needRoot("mount filesystems");
        int port = lab.port();
        Path socket = lab.path("uvol.sock");
        Path disk = lab.path("disk");
        Path folder = lab.newFolder("mnt");
        Daemon daemon =
                lab.serve(
                        new ServiceFile()
                                .volume(
                                        "media",
                                        "raid0",
                                        List.of("./a?size=32MiB", "./b?size=32MiB"),
                                        List.of(Nbd.uri(port, "media"), Nbd.uri(socket, "media")))
                                .volume(
                                        "files",
                                        "raid1",
                                        List.of("./c?size=64MiB", "./d?size=64MiB"),
                                        List.of("fuse:" + disk)));
        daemon.command("mount", "files", folder, "--mkfs", "ext4").run().succeeds();
        Files.writeString(folder.resolve("file"), "content");
        SequencedWrites writes = new SequencedWrites(81, 0, 2 * SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(10);

        Duration took = daemon.terminate();

        load.join();
        System.out.printf("ended under load after %d ms%n", took.toMillis());
        assertFalse(Files.exists(socket), "the socket is left behind");
        assertFalse(Files.exists(disk), "the FUSE file is left behind");
        assertFalse(Files.exists(folder.resolve("file")), "still mounted");
        assertFalse(Files.exists(daemon.stateFolder().resolve("control.sock")));
        assertFalse(Files.exists(daemon.stateFolder().resolve("service.json")));
        Daemon again = lab.serve(daemon.file());
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
        assertEquals("ONLINE", again.state("files"));
    }

    @Test
    void showsItsStateAsJsonAndAsText() throws IOException {
        int port = lab.port();
        Daemon daemon = lab.serve(mixed(port, ""));
        try (NbdClient _ = NbdClient.open(port, "media")) {
            JsonNode volume = daemon.status("media");
            assertEquals("media", volume.path("name").asText());
            assertEquals("raid0", volume.path("level").asText());
            assertEquals("ONLINE", volume.path("state").asText());
            assertEquals("MIXED", volume.path("locality").asText());
            assertEquals(2 * SIZE, volume.path("sizeBytes").asLong());
            assertEquals("LOCAL", volume.path("members").get(0).path("locality").asText());
            assertEquals("REMOTE", volume.path("members").get(1).path("locality").asText());
            assertEquals(Nbd.uri(port, "media"), volume.path("exports").get(0).asText());
            assertEquals(1, volume.path("clients").size(), volume::toString);
        }
        daemon.command("status").run().succeeds().says("media", "ONLINE", "LOCAL", "REMOTE");
        JsonNode all = daemon.command("status", "--json").run().succeeds().json();
        assertEquals(daemon.pid(), all.path("pid").asLong());
    }

    private ServiceFile mixed(int port, String option) throws IOException {
        int remote = lab.port();
        lab.nbdkit(remote, "memory", "size=" + SIZE);
        return ServiceFile.of(
                "media",
                "raid0",
                List.of(lab.sparse("a.img", SIZE), Nbd.uri(remote, "")),
                List.of(Nbd.uri(port, "media"), Nbd.uri(port, "again")),
                option);
    }

    @Test
    void countsWhatGoesWhere() throws IOException {
        int port = lab.port();
        Daemon daemon = lab.serve(mixed(port, ""));
        SequencedWrites writes = new SequencedWrites(82, 0, 2 * SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(3);

        Command.Result result =
                daemon.command("iostat", "media", "0.5", "--count", 2, "--json").run().succeeds();
        load.stop();

        List<String> reports = result.out().lines().toList();
        assertEquals(2, reports.size(), result::toString);
        JsonNode lines = JSON.readTree(reports.get(1)).path("volumes").get(0).path("lines");
        List<String> names = new ArrayList<>();
        for (JsonNode line : lines) {
            names.add(line.path("what").asText() + " " + line.path("locality").asText());
            JsonNode write = line.path("write");
            assertTrue(write.path("requests").asLong() > 0, line::toString);
            assertTrue(write.path("bytesPerSecond").asDouble() > 0, line::toString);
            assertTrue(write.path("p50Nanos").asLong() > 0, line::toString);
            assertTrue(
                    write.path("p999Nanos").asLong() >= write.path("p50Nanos").asLong(),
                    line::toString);
        }
        assertEquals(
                List.of("volume ", "lane LOCAL", "lane REMOTE", "member LOCAL", "member REMOTE"),
                names);
        daemon.command("iostat", "media", "0.2", "--count", 1)
                .run()
                .succeeds()
                .says("media", "LOCAL", "REMOTE", "p99");
    }

    @Test
    void tracesARequestWithItsChildren() throws Exception {
        int port = lab.port();
        Daemon daemon = lab.serve(mixed(port, "chunk: 64KiB"));
        try (NbdClient client = NbdClient.open(port, "media")) {
            List<String> words = daemon.command("trace", "media", "--json", "--count", 1).words();
            Peer trace = lab.peer(words.getFirst(), words.subList(1, words.size()).toArray());
            // The trace begins some time after its process: whoever waits writes until it is seen.
            Waiting.until(
                    "a request is traced",
                    Duration.ofSeconds(20),
                    () -> {
                        client.write(0, new byte[128 << 10], 0);
                        return !trace.isAlive();
                    });
            String line =
                    trace.output()
                            .lines()
                            .filter(text -> text.contains("\"operation\""))
                            .findFirst()
                            .orElseThrow(() -> new AssertionError(trace));
            JsonNode request = JSON.readTree(line);
            assertEquals("WRITE", request.path("operation").asText());
            assertEquals("MIXED", request.path("locality").asText());
            assertEquals(128 << 10, request.path("lengthBytes").asInt());
            assertEquals(2, request.path("children").size(), request::toString);
            List<String> localities = new ArrayList<>();
            for (JsonNode child : request.path("children")) {
                localities.add(child.path("locality").asText());
                assertEquals(request.path("id").asLong(), child.path("parent").asLong(), line);
                assertEquals(64 << 10, child.path("lengthBytes").asInt());
            }
            localities.sort(null);
            assertEquals(List.of("LOCAL", "REMOTE"), localities);
        }
    }

    @Test
    void scansWhatAHostOffers() throws IOException {
        int port = lab.port();
        lab.serve(mixed(port, ""));

        JsonNode offers =
                Uvol.command("scan", "nbd://127.0.0.1:" + port, "--json")
                        .run()
                        .succeeds()
                        .json()
                        .path("offers");

        assertEquals(2, offers.size(), offers::toString);
        List<String> uris = new ArrayList<>();
        for (JsonNode offer : offers) {
            uris.add(offer.path("uri").asText());
            assertEquals(2 * SIZE, offer.path("sizeBytes").asLong());
        }
        uris.sort(null);
        assertEquals(List.of(Nbd.uri(port, "again"), Nbd.uri(port, "media")), uris);
        Uvol.command("scan", "nbd://127.0.0.1:" + lab.port()).run().exits(1).says("refused");
    }

    @Test
    void readsThroughTheCacheWhatAnotherExportHasWritten() throws IOException {
        Programs.needRoot("serve a FUSE file");
        int port = lab.port();
        Path disk = lab.path("disk");
        lab.serve(
                ServiceFile.of(
                        "media",
                        "raid0",
                        List.of("./a?size=32MiB", "./b?size=32MiB"),
                        List.of(Nbd.uri(port, "one"), Nbd.uri(port, "two"), "fuse:" + disk),
                        "cache: 16MiB"));
        try (NbdClient one = NbdClient.open(port, "one");
                NbdClient two = NbdClient.open(port, "two");
                FileChannel file =
                        FileChannel.open(disk, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            byte[] block = new byte[20_000];
            for (int i = 1; i <= 100; i++) {
                Arrays.fill(block, (byte) i);
                long at = i * 1000L;
                switch (i % 4) {
                    case 0 -> assertEquals(0, one.write(at, block, 0));
                    case 1 -> assertEquals(0, two.write(at, block, 0));
                    case 2 -> {
                        Arrays.fill(block, (byte) 0);
                        assertEquals(0, two.call(NbdClient.WRITE_ZEROES, 0, at, block.length));
                    }
                    default -> {
                        file.write(ByteBuffer.wrap(block), at);
                        file.force(false);
                    }
                }
                assertArrayEquals(block, one.read(at, block.length), "write " + i);
                assertArrayEquals(block, two.read(at, block.length), "write " + i);
            }
        }
    }
}
