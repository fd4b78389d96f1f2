package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Load;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.SequencedWrites;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: while clients write, members of an array can be replaced, removed and added, and its
/// copies compared and mended; `detail` tells what is so, and nothing is lost.
class RunningArraysTest {
    private static final long SIZE = 64L << 20;
    private static final long DATA_OFFSET = 1 << 20;
    private static final long MIRROR_SIZE = SIZE - DATA_OFFSET;

    @RegisterExtension final Lab lab = new Lab();

    private int port;
    private Path one;
    private Path other;

    @BeforeEach
    void makeMembers() throws IOException {
        port = lab.port();
        one = lab.sparse("a.img", SIZE);
        other = lab.sparse("b.img", SIZE);
    }

    private Daemon serve() throws IOException {
        return lab.serve(
                ServiceFile.of(
                        "media", "raid1", List.of(one, other), List.of(Nbd.uri(port, "media"))));
    }

    private static JsonNode detail(Daemon daemon) {
        return daemon.command("detail", "media", "--json").run().succeeds().json();
    }

    private static void awaitOnline(Daemon daemon) {
        Waiting.until(
                () -> "the volume is ONLINE: " + detail(daemon),
                Duration.ofSeconds(60),
                () -> daemon.state("media").equals("ONLINE"));
    }

    private static void assertSameData(Path first, Path second) {
        Command.of("cmp", "-i", DATA_OFFSET, first, second).run().succeeds();
    }

    @Test
    void detailTellsWhoIsWhoAndExamineAgreesAfterwards() throws IOException {
        Daemon daemon = serve();
        JsonNode detail = detail(daemon);
        assertEquals("raid1", detail.path("level").asText());
        assertEquals("ONLINE", detail.path("state").asText(), detail::toString);
        assertEquals("start", detail.path("metadata").asText());
        assertEquals(1 << 20, detail.path("bitmap").path("region").asInt());
        assertEquals(2, detail.path("legs").size());
        daemon.command("detail", "media").run().succeeds().says("a.img", "b.img", "ONLINE");
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(0, new byte[4096], 0));
            assertEquals(1 << 20, detail(daemon).path("bitmap").path("dirty").asInt());
        }
        daemon.terminate();

        JsonNode examined =
                Uvol.command("examine", one, "--json").run().succeeds().json().path("members");
        assertEquals(
                detail.path("uuid").asText(),
                examined.get(0).path("superblock").path("array").path("uuid").asText());
        assertEquals(
                detail.path("legs").get(0).path("member").asText(),
                examined.get(0).path("superblock").path("member").asText());
    }

    @Test
    void aMemberIsReplacedWhileClientsWrite() throws Exception {
        Daemon daemon = serve();
        SequencedWrites writes = new SequencedWrites(91, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        Path small = lab.sparse("small.img", SIZE / 2);
        daemon.command("replace", "media", "b.img", small).run().exits(1).says("take a larger");
        Path used = lab.sparse("used.img", SIZE);
        Command.of("mkfs.ext4", "-q", "-F", used).run().succeeds();
        daemon.command("replace", "media", "b.img", used).run().exits(1).says("ext4", "--force");
        daemon.command("replace", "media", "b.img", one).run().exits(1).says("in use");
        assertEquals("ONLINE", daemon.state("media"));

        daemon.command("replace", "media", "b.img", used, "--force").run().succeeds();
        assertEquals("ONLINE", daemon.state("media"));
        load.awaitRounds(5);
        Waiting.until(
                () -> "the new one has the role: " + detail(daemon),
                Duration.ofSeconds(60),
                () ->
                        detail(daemon)
                                .path("legs")
                                .get(1)
                                .path("name")
                                .asText()
                                .endsWith("used.img"));
        assertEquals("ONLINE", daemon.state("media"));
        load.stop();

        assertEquals(List.of(), writes.errors());
        Uvol.command("examine", other).run().succeeds().says("data of an unknown kind");
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
        daemon.terminate();
        assertSameData(one, used);
        other = used;
        Daemon again = serve();
        assertEquals("ONLINE", again.state("media"));
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
    }

    @Test
    void aRemovedMemberIsNobodysAndAnotherOneTakesItsRole() throws Exception {
        Daemon daemon = serve();
        SequencedWrites writes = new SequencedWrites(92, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        Path third = lab.sparse("c.img", SIZE);
        daemon.command("remove", "media", "a.img").run().succeeds();

        assertEquals("DEGRADED", daemon.state("media"));
        Uvol.command("examine", one).run().succeeds().says("data of an unknown kind");
        daemon.command("remove", "media", "b.img").run().exits(1).says("cannot do without");
        daemon.command("add", "media", third).run().succeeds();
        load.awaitRounds(5);
        awaitOnline(daemon);
        load.stop();
        assertEquals(List.of(), writes.errors());
        daemon.terminate();
        assertSameData(third, other);
    }

    @Test
    void aScrubFindsWhatRottedAndRepairsIt() throws Exception {
        Daemon daemon = serve();
        try (NbdClient client = NbdClient.open(port, "media")) {
            byte[] content = new byte[1 << 20];
            Arrays.fill(content, (byte) 5);
            for (int i = 0; i < 8; i++) {
                assertEquals(0, client.write((long) i << 20, content, 0));
            }
            assertEquals(0, client.flush());
        }
        daemon.command("scrub", "media", "--wait").run().succeeds().says("nothing differs");
        try (RandomAccessFile file = new RandomAccessFile(other.toFile(), "rw")) {
            file.seek(DATA_OFFSET + (3 << 20) + 12345);
            file.write(99);
        }

        daemon.command("scrub", "media", "--wait").run().exits(1);

        JsonNode status = daemon.status("media");
        assertTrue(
                status.path("reason").asText().contains("the last scrub found"), status::toString);
        assertTrue(status.path("remedy").asText().contains("--repair"), status::toString);
        daemon.command("scrub", "media", "--repair", "--wait").run().succeeds();
        daemon.command("scrub", "media", "--wait").run().succeeds().says("nothing differs");
        daemon.command("scrub", "media", "--max-rate", "1MiB").run().succeeds();
        daemon.command("scrub", "media").run().exits(1).says("under way", "--stop");
        daemon.command("scrub", "media", "--stop").run().succeeds();
        daemon.terminate();
        assertSameData(one, other);
    }

    @Test
    void aVolumeIsStoppedCleanUnlessSomebodyUsesIt() throws IOException {
        Daemon daemon = serve();
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(0, new byte[4096], 0));
            daemon.command("stop", "media").run().exits(1).says("in use", "nbd", "--force");
        }
        Waiting.until(
                "the client is gone",
                Duration.ofSeconds(10),
                () -> daemon.status("media").path("clients").isEmpty());
        daemon.command("stop", "media").run().succeeds().says("is stopped");
        daemon.command("status", "media").run().exits(1).says("no volume");
        Uvol.command("examine", one).run().succeeds().says("state  clean");
        daemon.terminate();
        Daemon again = serve();
        assertEquals("ONLINE", again.state("media"));
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(0, new byte[4096], 0));
            again.command("stop", "media", "--force").run().succeeds();
        }
    }

    @Test
    void aMirrorGetsAnotherLegAndGivesOneBackWhileClientsWrite() throws Exception {
        Daemon daemon = serve();
        SequencedWrites writes = new SequencedWrites(93, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        Path third = lab.sparse("c.img", SIZE);
        daemon.command("grow", "media", "--legs", "3").run().exits(1).says("--add");
        daemon.command("grow", "media", "--legs", "1").run().exits(1).says("2 to 32");
        daemon.command("grow", "media", "--add", third).run().exits(1).says("--legs");

        daemon.command("grow", "media", "--legs", "3", "--add", third).run().succeeds();
        load.awaitRounds(5);
        awaitOnline(daemon);
        assertEquals(3, detail(daemon).path("legs").size());
        daemon.command("grow", "media", "--legs", "2", "--remove", "a.img").run().succeeds();
        assertEquals(2, detail(daemon).path("legs").size());
        load.awaitRounds(5);
        load.stop();

        assertEquals(List.of(), writes.errors());
        assertEquals("ONLINE", daemon.state("media"));
        Uvol.command("examine", one).run().succeeds().says("data of an unknown kind");
        daemon.terminate();
        assertSameData(third, other);
        Daemon again =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "raid1",
                                List.of(one, other, third),
                                List.of(Nbd.uri(port, "media"))));
        assertEquals("ONLINE", again.state("media"));
        assertEquals(2, detail(again).path("legs").size());
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
    }

    @Test
    void anArrayWithParityGrowsAndReplacesAMemberWhileClientsWrite() throws Exception {
        long half = SIZE / 2;
        Path third = lab.sparse("c.img", SIZE);
        Path fresh = lab.sparse("d.img", SIZE);
        ServiceFile file =
                ServiceFile.of(
                        "media",
                        "raid5",
                        List.of(one, other, third),
                        List.of(Nbd.uri(port, "media")),
                        "size: 32MiB");
        Daemon daemon = lab.serve(file);
        SequencedWrites writes = new SequencedWrites(94, 0, 2 * half);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        daemon.command("grow", "media", "--size", "1GiB").run().exits(1).says("has room for");
        daemon.command("grow", "media", "--size", "max").run().succeeds();
        long size = detail(daemon).path("size").asLong();
        assertTrue(size > 2 * (SIZE - (8 << 20)), size + " bytes");
        byte[] content = new byte[4096];
        Arrays.fill(content, (byte) 9);
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(size - 4096, content, 0));
        }
        awaitOnline(daemon);
        daemon.command("replace", "media", "b.img", fresh).run().succeeds();
        assertEquals("ONLINE", daemon.state("media"));
        load.awaitRounds(5);
        Waiting.until(
                () -> "the new one has the role: " + detail(daemon),
                Duration.ofSeconds(60),
                () -> detail(daemon).path("legs").get(1).path("name").asText().endsWith("d.img"));
        assertEquals("ONLINE", daemon.state("media"));
        load.awaitRounds(5);
        load.stop();
        assertEquals(List.of(), writes.errors());
        Uvol.command("examine", other).run().succeeds().says("data of an unknown kind");
        daemon.command("fail", "media", "a.img").run().succeeds();
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
            assertArrayEquals(content, client.read(size - 4096, 4096));
        }
    }

    @Test
    void anArrayGrowsIntoLargerMembersWhileItIsUsed() throws IOException {
        long half = SIZE / 2;
        ServiceFile file =
                ServiceFile.of(
                        "media",
                        "raid1",
                        List.of(one, other),
                        List.of(Nbd.uri(port, "media")),
                        "size: 32MiB");
        Daemon daemon = lab.serve(file);
        byte[] content = new byte[4096];
        Arrays.fill(content, (byte) 7);
        daemon.command("grow", "media", "--size", "1GiB").run().exits(1).says("has room for");
        daemon.command("grow", "media", "--size", "16MiB").run().exits(1).says("do not shrink");
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(0, content, 0));
            daemon.command("grow", "media", "--size", "max").run().succeeds().says("63 MiB now");
            assertEquals(0, client.write(4096, content, 0));
        }
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(MIRROR_SIZE - 4096, content, 0));
        }
        awaitOnline(daemon);
        assertEquals(MIRROR_SIZE, detail(daemon).path("size").asLong());
        daemon.terminate();
        assertSameData(one, other);
        for (Path member : List.of(one, other)) {
            Command.of("truncate", "-s", SIZE + half, member).run().succeeds();
        }

        Daemon again = lab.serve(file);
        assertEquals(MIRROR_SIZE, detail(again).path("size").asLong());
        again.command("grow", "media", "--size", "max").run().succeeds();
        awaitOnline(again);
        assertEquals(MIRROR_SIZE + half, detail(again).path("size").asLong());
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertArrayEquals(content, client.read(MIRROR_SIZE - 4096, 4096));
            assertEquals(0, client.write(MIRROR_SIZE + half - 4096, content, 0));
        }
    }

    @Test
    void withChecksumsRotIsFoundOnReadAndMended() throws Exception {
        String text =
                Uvol.command(
                                "create",
                                "media",
                                "--level",
                                "raid1",
                                "--integrity",
                                "crc32c",
                                one,
                                other)
                        .run()
                        .succeeds()
                        .says("integrity: crc32c")
                        .out();
        Daemon daemon =
                lab.serve(
                        lab.write(
                                "uvol.yaml",
                                "state: ./state\n%s    exports: ['%s']\n"
                                        .formatted(text, Nbd.uri(port, "media"))));
        Path image = lab.image("image", MIRROR_SIZE, 5);
        Nbd.copy(image, Nbd.uri(port, "media"));
        for (Path leg : List.of(one, other)) {
            try (RandomAccessFile file = new RandomAccessFile(leg.toFile(), "rw")) {
                file.seek(DATA_OFFSET + (2 << 20) + (leg.equals(one) ? 12345 : 543210));
                int held = file.read();
                file.seek(file.getFilePointer() - 1);
                file.write(held ^ 1);
            }
        }
        Nbd.assertSame(image, Nbd.uri(port, "media"));
        daemon.command("scrub", "media", "--repair", "--wait").run();
        Nbd.assertSame(image, Nbd.uri(port, "media"));
        JsonNode legs = detail(daemon).path("legs");
        long errors = 0;
        for (JsonNode leg : legs) {
            errors += leg.path("checksum-errors").asLong();
        }
        assertTrue(errors >= 2, legs::toString);
        daemon.command("detail", "media").run().succeeds().says("crc32c", "checksum errors");
        daemon.terminate();
        assertSameData(one, other);
    }
}
