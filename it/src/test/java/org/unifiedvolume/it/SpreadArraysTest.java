package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
import org.unifiedvolume.it.harness.SequencedWrites;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: members of linear and raid0 arrays are known wherever they moved, nothing is served
/// without all of them, and more of them can be added while clients write, whatever is killed.
class SpreadArraysTest {
    private static final long SIZE = 16L << 20;
    private static final long DATA = SIZE - (192 << 10);
    private static final int PIECE = 1 << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @RegisterExtension final Lab lab = new Lab();

    private String create(String level, Object... members) {
        List<Object> words = new ArrayList<>(List.of("create", "media", "--level", level));
        words.addAll(List.of(members));
        return Uvol.command(words.toArray()).run().succeeds().out();
    }

    private Path file(String name, String volumes, int port) throws IOException {
        return lab.write(
                name,
                "state: ./state\n%s    exports: ['%s']\n"
                        .formatted(volumes, Nbd.uri(port, "media")));
    }

    private static byte[] pattern(long seed) {
        byte[] bytes = new byte[PIECE];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static JsonNode detail(Daemon daemon) {
        return daemon.command("detail", "media", "--json").run().succeeds().json();
    }

    @ParameterizedTest
    @ValueSource(strings = {"linear", "raid0"})
    void membersAreFoundWhereverTheyMovedAndAllAreNeeded(String level) throws IOException {
        int port = lab.port();
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        Path file = file("uvol.yaml", create(level, one, other), port);
        Uvol.command("examine", other).run().succeeds().says("member 1 of array media", level);
        Daemon daemon = lab.serve(file);
        assertEquals("ONLINE", daemon.state("media"));
        Uvol.command("serve", file).run().fails().says("in use");
        for (int i = 0; i < 24; i += 3) {
            try (NbdClient client = NbdClient.open(port, "media")) {
                assertEquals(2 * DATA, client.sizeBytes());
                assertEquals(0, client.write((long) i * PIECE, pattern(i), 0));
            }
        }
        daemon.command("detail", "media").run().succeeds().says(level, "role 1  ONLINE", "b.img");
        daemon.command("fail", "media", "a.img").run().exits(1).says("needs all of its members");
        daemon.terminate();

        Path folder = lab.newFolder("elsewhere");
        Files.move(one, folder.resolve("b.img"));
        Files.move(other, folder.resolve("a.img"));
        lab.sparse("a.img", SIZE);
        lab.refuses(file).says("b.img", "cannot be opened");
        Uvol.command("assemble", folder.resolve("b.img"))
                .run()
                .exits(1)
                .says("role 1: missing at start; last seen as", "b.img");
        String found =
                Uvol.command("assemble", "--scan", folder)
                        .run()
                        .succeeds()
                        .says("starts ONLINE with 2 of 2 members", "metadata: start")
                        .out();
        Daemon again = lab.serve(file("found.yaml", found, port));
        try (NbdClient client = NbdClient.open(port, "media")) {
            for (int i = 0; i < 24; i += 3) {
                assertArrayEquals(pattern(i), client.read((long) i * PIECE, PIECE));
            }
        }
        again.command("stop", "media").run().succeeds();
        again.terminate();
        Uvol.command("zero-superblock", folder.resolve("a.img")).run().succeeds();
        Uvol.command("assemble", "--scan", folder).run().exits(1).says("role 1: missing");
    }

    /// Configurations of the time before there were superblocks say nothing of them: their members
    /// are bare data, and members of an array are not.
    @Test
    void whatIsWrittenWithoutMetadataIsBareDataOrRefused() throws IOException {
        int port = lab.port();
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        ServiceFile bare =
                ServiceFile.of(
                        "media", "raid0", List.of(one, other), List.of(Nbd.uri(port, "media")));
        Daemon daemon = lab.serve(bare);
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(2 * SIZE, client.sizeBytes());
            assertEquals(0, client.write(0, pattern(1), 0));
        }
        daemon.terminate();
        byte[] data = Files.readAllBytes(one);
        Uvol.command("create", "media", "--level", "raid0", one, other)
                .run()
                .exits(1)
                .says("a.img holds", "--force");
        ServiceFile shifted =
                ServiceFile.of(
                        "media",
                        "raid0",
                        List.of(one, other),
                        List.of(Nbd.uri(port, "media")),
                        "metadata: start");
        lab.refuses(lab.write("shifted.yaml", shifted.toString()))
                .says("this array is new, and would overwrite its members", "a.img");
        assertArrayEquals(data, Files.readAllBytes(one));
        daemon = lab.serve(bare);
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertArrayEquals(pattern(1), client.read(0, PIECE));
        }
        daemon.terminate();

        Uvol.command("create", "media", "--level", "raid0", "--force", one, other)
                .run()
                .succeeds()
                .says("metadata: start");
        byte[] made = Files.readAllBytes(one);
        lab.refuses(lab.write(bare)).says("is a member of array media", "write metadata: start");
        assertArrayEquals(made, Files.readAllBytes(one));
    }

    @Test
    void aLinearArrayGrowsByMembersWhileItIsWritten() throws IOException {
        int port = lab.port();
        Path file = file("uvol.yaml", create("linear", lab.sparse("a.img", SIZE)), port);
        Daemon daemon = lab.serve(file);
        SequencedWrites writes = new SequencedWrites(5, 0, DATA / 2);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        Path small = lab.sparse("small.img", 64 << 10);
        daemon.command("grow", "media", "--add", small).run().exits(1).says("has room for");
        Path full = lab.image("full.img", SIZE, 9);
        daemon.command("grow", "media", "--add", full).run().exits(1).says("holds", "--force");
        Path more = lab.sparse("b.img", SIZE);
        Path most = lab.sparse("c.img", SIZE);
        daemon.command("grow", "media", "--add", more, "--add", most)
                .run()
                .succeeds()
                .says("media: 47.4 MiB now");
        load.awaitRounds(5);
        load.stopsWithoutErrors();
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(3 * DATA, client.sizeBytes());
            assertEquals(0, client.write(3 * DATA - PIECE, pattern(3), NbdClient.FUA));
        }
        daemon.kill();

        lab.refuses(file).says("role 1: missing at start; last seen as", "b.img");
        String found = Uvol.command("assemble", "--scan", lab.folder()).run().succeeds().out();
        daemon = lab.serve(file("grown.yaml", found, port));
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
            assertArrayEquals(pattern(3), client.read(3 * DATA - PIECE, PIECE));
        }
        assertEquals(List.of(), refusals(writes));
        daemon.terminate();
    }

    @Test
    void aStripeIsLaidOutOverMoreMembersWhileItIsWrittenAndTheDaemonIsKilled() throws IOException {
        int port = lab.port();
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        Path added = lab.sparse("c.img", SIZE);
        Daemon daemon =
                lab.serve(file("uvol.yaml", create("raid0", one, other, "--chunk", "16KiB"), port));
        long size = 2 * DATA;
        int pieces = 12;
        try (NbdClient client = NbdClient.open(port, "media")) {
            for (int i = 0; i < pieces; i++) {
                assertEquals(0, client.write((long) i * PIECE, pattern(i), 0));
            }
        }
        // The upper half is written all the while, from in front of the position to behind it.
        SequencedWrites writes = new SequencedWrites(5, (long) pieces * PIECE, 16L << 20);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(3);
        daemon.command("grow", "media", "--add", added, "--max-rate", "4MiB")
                .run()
                .succeeds()
                .says("31.6 MiB now, 47.4 MiB when its bytes are laid out anew");
        daemon.command("grow", "media", "--add", lab.sparse("d.img", SIZE))
                .run()
                .exits(1)
                .says("a reshape is under way");
        for (int kills = 0; kills < 3; kills++) {
            long from = done(daemon);
            Daemon running = daemon;
            Waiting.until(
                    "the reshape gets on",
                    PATIENCE,
                    () -> done(running) > from + (1 << 20) || !isReshaping(running));
            load.awaitRounds(3);
            daemon.kill();
            load.join();
            Command.Result found = Uvol.command("assemble", one, other, added).run().succeeds();
            if (kills == 0) {
                found.says("starts RESHAPING, from 2 members to 3");
            }
            String limited = found.out() + "    max-rate: 6MiB\n";
            daemon = lab.serve(file("reshaping.yaml", limited, port));
            try (NbdClient client = NbdClient.open(port, "media")) {
                writes.verify(client);
                for (int i = 0; i < pieces; i++) {
                    assertArrayEquals(pattern(i), client.read((long) i * PIECE, PIECE));
                }
            }
            load = Load.start(lab, port, "media", writes);
        }
        Daemon last = daemon;
        Waiting.until("the reshape ends", PATIENCE, () -> last.state("media").equals("ONLINE"));
        load.awaitRounds(3);
        load.stop();
        assertEquals(List.of(), refusals(writes), "only kills may cut it off");
        assertEquals(3 * DATA, detail(daemon).path("size").asLong());
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(3 * DATA, client.sizeBytes());
            assertEquals(0, client.write(size, pattern(77), NbdClient.FUA));
            assertTrue(writes.verify(client) > 0);
            for (int i = 0; i < pieces; i++) {
                assertArrayEquals(pattern(i), client.read((long) i * PIECE, PIECE));
            }
            assertArrayEquals(pattern(77), client.read(size, PIECE));
        }
        daemon.terminate();
    }

    private static List<String> refusals(SequencedWrites writes) {
        return writes.errors().stream().filter(error -> !error.startsWith("cut")).toList();
    }

    private static boolean isReshaping(Daemon daemon) {
        return detail(daemon).path("state").asText().equals("RESHAPING");
    }

    private static long done(Daemon daemon) {
        return detail(daemon).path("jobs").path(0).path("done").asLong();
    }
}
