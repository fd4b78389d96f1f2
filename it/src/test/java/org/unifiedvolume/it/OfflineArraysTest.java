package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: without a service, `create`, `examine`, `assemble` and `zero-superblock` tell the truth
/// about members, refuse what would destroy something, and find members wherever they moved.
class OfflineArraysTest {
    private static final long SIZE = 16L << 20;
    private static final int STEP = 1 << 20;

    @RegisterExtension final Lab lab = new Lab();

    private Path create(String name, Path... members) throws IOException {
        Object[] words = new Object[4 + members.length];
        System.arraycopy(new Object[] {"create", name, "--level", "raid1"}, 0, words, 0, 4);
        System.arraycopy(members, 0, words, 4, members.length);
        String text = Uvol.command(words).run().succeeds().out();
        return lab.write(name + ".yaml", "state: ./state\n" + text);
    }

    private static JsonNode examine(Path member) {
        return Uvol.command("examine", member, "--json")
                .run()
                .succeeds()
                .json()
                .path("members")
                .get(0);
    }

    @Test
    void whatIsCreatedCanBeServedAndIsCleanAtOnce() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        Path file = create("media", one, other);

        JsonNode superblock = examine(one).path("superblock");
        assertEquals("media", superblock.path("array").path("name").asText());
        assertEquals(0, superblock.path("role").asInt());
        assertTrue(superblock.path("clean").asBoolean(), superblock::toString);
        assertEquals(2, superblock.path("members").size());
        Daemon daemon = lab.serve(file);
        assertEquals("ONLINE", daemon.state("media"));
        daemon.terminate();
    }

    @Test
    void createRefusesMembersOfAnArrayAndFilesystemsAndChangesNothing() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        create("media", one, lab.sparse("b.img", SIZE));
        Path disk = lab.sparse("c.img", SIZE);
        Command.of("mkfs.ext4", "-q", "-F", disk).run().succeeds();
        byte[] before = Files.readAllBytes(disk);
        byte[] member = Files.readAllBytes(one);

        Uvol.command("create", "new", "--level", "raid1", one, lab.sparse("d.img", SIZE))
                .run()
                .exits(1)
                .says("a.img carries member 0 of array media", "--force");
        Uvol.command("create", "new", "--level", "raid1", disk, lab.path("d.img"))
                .run()
                .exits(1)
                .says("c.img holds an ext4 filesystem", "--force");

        assertArrayEquals(before, Files.readAllBytes(disk));
        assertArrayEquals(member, Files.readAllBytes(one));
        Uvol.command("create", "new", "--level", "raid1", "--force", one, disk).run().succeeds();
        assertEquals("new", examine(disk).path("superblock").path("array").path("name").asText());
    }

    @Test
    void metadataAtTheEndKeepsAnExistingFilesystemInPlace() throws IOException {
        Path old = lab.sparse("old.img", SIZE);
        Command.of("mkfs.ext4", "-q", "-F", old, SIZE / 1024 - 1024).run().succeeds();
        Path fresh = lab.sparse("new.img", SIZE);
        String text =
                Uvol.command(
                                "create",
                                "media",
                                "--level",
                                "raid1",
                                "--metadata",
                                "end",
                                "--primary",
                                old,
                                old,
                                fresh)
                        .run()
                        .succeeds()
                        .out();
        Command.of("e2fsck", "-fn", old).run().succeeds();
        int port = lab.port();
        Daemon daemon =
                lab.serve(
                        lab.write(
                                "uvol.yaml",
                                "state: ./state\n%s    exports: ['%s']\n"
                                        .formatted(text, Nbd.uri(port, "media"))));
        Waiting.until(
                "the new leg is filled",
                Duration.ofSeconds(30),
                () -> daemon.state("media").equals("ONLINE"));
        daemon.terminate();
        Command.of("e2fsck", "-fn", fresh).run().succeeds();
    }

    @Test
    void examineSaysWhatOtherDevicesCarryAndRefusesThoseInUse() throws IOException {
        Path disk = lab.sparse("c.img", SIZE);
        Uvol.command("examine", disk).run().succeeds().says("c.img: nothing");
        Command.of("mkfs.ext4", "-q", "-F", disk).run().succeeds();
        Uvol.command("examine", disk).run().succeeds().says("ext4 filesystem");
        Path one = lab.sparse("a.img", SIZE);
        lab.serve(create("media", one, lab.sparse("b.img", SIZE)));

        Uvol.command("examine", one).run().exits(1).says("a.img is in use");
        Uvol.command("zero-superblock", one).run().exits(1).says("a.img is in use");
    }

    @Test
    void examineShowsATornSlotBesideTheGoodOne() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        create("media", one, lab.sparse("b.img", SIZE));
        long events = examine(one).path("superblock").path("events").asLong();
        JsonNode slots = examine(one).path("slots");
        assertEquals(2, slots.size(), slots::toString);
        for (JsonNode slot : slots) {
            if (slot.path("state").asText().equals("event " + events)) {
                try (RandomAccessFile file = new RandomAccessFile(one.toFile(), "rw")) {
                    file.seek(slot.path("offset").asLong() + 4096);
                    file.write(new byte[] {1, 2, 3});
                }
            }
        }

        JsonNode after = examine(one);

        assertEquals(events - 1, after.path("superblock").path("events").asLong());
        assertTrue(
                after.path("slots").findValuesAsText("state").stream()
                        .anyMatch(state -> state.contains("a superblock, but")),
                after::toString);
    }

    @Test
    void membersAreFoundWhereverTheyMoved() throws IOException {
        int port = lab.port();
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        Path file = create("media", one, other);
        Daemon daemon =
                lab.serve(
                        lab.write(
                                "uvol.yaml",
                                Files.readString(file)
                                        + "    exports: ['%s']%n"
                                                .formatted(Nbd.uri(port, "media"))));
        byte[] content = new byte[STEP];
        Arrays.fill(content, (byte) 7);
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(0, content, 0));
        }
        daemon.terminate();
        Path folder = lab.newFolder("elsewhere");
        Files.move(one, folder.resolve("x.img"));
        Files.move(other, folder.resolve("a.img")); // not the one that was called so
        Files.writeString(folder.resolve("note.txt"), "no disk");

        Path found = folder.resolve("found.yaml");
        Uvol.command("assemble", "--scan", folder, "-o", found)
                .run()
                .succeeds()
                .says("media", "starts ONLINE with 2 of 2 members", "x.img");

        Daemon again =
                lab.serve(
                        lab.write(
                                "again.yaml",
                                "state: ./state2\n%s    exports: ['%s']\n"
                                        .formatted(
                                                Files.readString(found), Nbd.uri(port, "media"))));
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertArrayEquals(content, client.read(0, STEP));
        }
        again.terminate();
    }

    @Test
    void assembleNamesWhoIsMissingAndStaleAndSplit() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        create("media", one, other);
        Command.Result alone = Uvol.command("assemble", one).run().exits(1);
        assertTrue(alone.out().contains("b.img is missing"), alone::toString);
        assertTrue(alone.out().contains("degraded: true"), alone::toString);

        // Each half runs without the other, vouched for by somebody who was wrong.
        for (Path half : List.of(one, other)) {
            Path gone = lab.path("gone.img");
            String state = "state-" + half.getFileName();
            Path file =
                    lab.write(
                            "half.yaml",
                            ServiceFile.of(
                                            "media",
                                            "raid1",
                                            List.of(half, gone),
                                            List.of(),
                                            "degraded: true")
                                    .toString()
                                    .replace("./state", "./" + state));
            Daemon daemon = lab.start(file);
            Waiting.until(
                    "the half serves",
                    Duration.ofSeconds(30),
                    () -> daemon.output().contains("ready"));
            daemon.close();
        }

        Command.Result split = Uvol.command("assemble", one, other).run().exits(1);

        assertTrue(split.out().contains("split brain"), split::toString);
        assertTrue(split.out().contains("a.img") && split.out().contains("b.img"));
        assertTrue(split.out().contains("prefer:"), split::toString);
    }

    @Test
    void aZeroedMemberBelongsToNobody() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        create("media", one, lab.sparse("b.img", SIZE));

        Uvol.command("zero-superblock", one).run().succeeds();

        assertTrue(examine(one).path("superblock").isMissingNode());
        Uvol.command("zero-superblock", one).run().exits(1).says("carries no superblock");
        Uvol.command("zero-superblock", one, "--force").run().succeeds();
    }
}
