package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
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
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: a block that the last good leg cannot read does not keep an array degraded. It is an
/// error, through a restart too, until it is written again, and all else is there.
class LostBlockTest {
    private static final long SIZE = 64L << 20;
    private static final long DATA_OFFSET = 1 << 20;
    private static final int BLOCK = 4096;
    private static final long BAD = 1234L * BLOCK;

    @RegisterExtension final Lab lab = new Lab();

    /// A server of a disk that cannot read one block while a file is there; writing it mends it.
    private Path serveBadDisk(int port) throws IOException {
        Path disk = lab.sparse("bad.img", SIZE);
        Path trigger = lab.path("is-bad");
        String hit =
                "[ -f %s ] && [ $4 -le %d ] && [ $(($4 + $3)) -gt %d ]"
                        .formatted(trigger, DATA_OFFSET + BAD, DATA_OFFSET + BAD);
        lab.nbdkit(
                port,
                "eval",
                "get_size=echo " + SIZE,
                "can_write=exit 0",
                "can_flush=exit 0",
                "flush=exit 0",
                "pread=if %s; then echo EIO bad sector >&2; exit 1; fi; dd iflag=skip_bytes,count_bytes if=%s skip=$4 count=$3 bs=1M 2>/dev/null"
                        .formatted(hit, disk),
                "pwrite=dd oflag=seek_bytes conv=notrunc of=%s seek=$4 bs=1M 2>/dev/null; if %s; then rm %s; fi"
                        .formatted(disk, hit, trigger));
        return trigger;
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

    private static byte[] filled(int value) {
        byte[] bytes = new byte[BLOCK];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static void assertLost(int port) throws IOException {
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(NbdClient.EIO, client.call(NbdClient.READ, 0, BAD, BLOCK));
            assertArrayEquals(filled(1), client.read(BAD - BLOCK, BLOCK));
            assertArrayEquals(filled(3), client.read(BAD + BLOCK, BLOCK));
        }
    }

    @Test
    void aBadSectorOfTheLastLegIsAnErrorAndNothingElse() throws IOException {
        Programs.need("nbdkit");
        int remote = lab.port();
        int port = lab.port();
        Path trigger = serveBadDisk(remote);
        Path old = lab.sparse("old.img", SIZE);
        Path fresh = lab.sparse("fresh.img", SIZE);
        String bad = Nbd.uri(remote, "");
        Daemon daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "raid1",
                                List.of(bad, old),
                                List.of(Nbd.uri(port, "media"))));
        awaitOnline(daemon);
        try (NbdClient client = NbdClient.open(port, "media")) {
            for (int i = 1; i <= 3; i++) {
                assertEquals(0, client.write(BAD + (i - 2L) * BLOCK, filled(i), 0));
            }
            assertEquals(0, client.flush());
        }
        daemon.command("fail", "media", "old.img").run().succeeds();
        Files.createFile(trigger);
        daemon.command("replace", "media", "old.img", fresh).run().succeeds();
        awaitOnline(daemon);

        JsonNode leg = detail(daemon).path("legs").get(1).path("bad-blocks");
        assertEquals(BLOCK, leg.path("bytes").asLong(), () -> detail(daemon).toString());
        assertEquals(BAD, leg.path("ranges").get(0).path("offset").asLong());
        daemon.command("detail", "media").run().succeeds().says("4 KiB lost");
        assertLost(port);

        daemon.terminate();
        Uvol.command("examine", fresh).run().succeeds().says("4 KiB in 1 ranges");
        Daemon again =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "raid1",
                                List.of(bad, fresh),
                                List.of(Nbd.uri(port, "media"))));
        assertLost(port);
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(BAD, filled(9), 0));
            assertArrayEquals(filled(9), client.read(BAD, BLOCK));
        }
        JsonNode mended = detail(again).path("legs").get(1).path("bad-blocks");
        assertEquals(0, mended.path("bytes").asLong());
        assertEquals("ONLINE", again.state("media"));
    }
}
