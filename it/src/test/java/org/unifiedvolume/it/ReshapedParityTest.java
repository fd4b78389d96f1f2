package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Load;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.SequencedWrites;
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: RAID 5 and RAID 6 get more members while clients write, and nothing is lost, whatever
/// is killed meanwhile and whichever member is lost.
class ReshapedParityTest {
    private static final long SIZE = 24L << 20;
    private static final long PATTERN = 12L << 20;
    private static final int KILLS = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @RegisterExtension final Lab lab = new Lab();

    private final List<Path> members = new ArrayList<>();
    private int port;

    private Daemon serve(String name, String volumes) throws IOException {
        return lab.serve(
                lab.write(
                        name,
                        "state: ./state\n%s    exports: ['%s']\n"
                                .formatted(volumes, Nbd.uri(port, "media"))));
    }

    private String fromMembers(String command) {
        List<Object> words = new ArrayList<>(List.of(command.split(" ")));
        words.addAll(members);
        return Uvol.command(words.toArray()).run().succeeds().out();
    }

    private void addMember() throws IOException {
        members.add(lab.sparse("m%d.img".formatted(members.size()), SIZE));
    }

    @ParameterizedTest
    @CsvSource({"raid5, 3, 1", "raid6, 4, 2"})
    void itGrowsByMembersWhileItIsWrittenKilledAndLosesOne(String level, int legs, int more)
            throws IOException {
        Programs.need("fio");
        port = lab.port();
        for (int i = 0; i < legs; i++) {
            addMember();
        }
        Daemon daemon =
                serve("uvol.yaml", fromMembers("create media --chunk 16KiB --level " + level));
        long before = detail(daemon).path("size").asLong();
        fio("write");
        // The upper part is written all the while, from in front of what moves to behind it.
        SequencedWrites writes =
                new SequencedWrites(5, PATTERN, before - PATTERN - before % (1 << 20));
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(3);
        Path small = lab.sparse("small.img", 1 << 20);
        daemon.command("grow", "media", "--add", small).run().exits(1).says("has room for");
        List<Object> words = new ArrayList<>(List.of("grow", "media", "--max-rate", "3MiB"));
        for (int i = 0; i < more; i++) {
            addMember();
            words.addAll(List.of("--add", members.getLast()));
        }
        daemon.command(words.toArray()).run().succeeds().says("when its bytes are laid out anew");
        daemon.command("status").run().succeeds().says("RESHAPING");
        daemon.command("grow", "media", "--add", small).run().exits(1).says("reshaped already");
        for (int kills = 0; kills < KILLS; kills++) {
            long from = position(daemon);
            Daemon running = daemon;
            Waiting.until(
                    "the reshape gets on",
                    PATIENCE,
                    () -> position(running) > from + (1 << 20) || position(running) < 0);
            load.awaitRounds(3);
            daemon.kill();
            load.join();
            assertEquals(1, writes.errors().size(), writes.errors()::toString); // it was cut
            writes.errors().clear();
            if (kills == 0) {
                Uvol.command("examine", members.getFirst())
                        .run()
                        .succeeds()
                        .says("from %d members to %d".formatted(legs, legs + more));
            }
            // After the last kill nothing has to be caught half way any more.
            String rate = kills < KILLS - 1 ? "3MiB" : "16MiB";
            String found = fromMembers("assemble") + "    max-rate: %s\n".formatted(rate);
            daemon = serve("again.yaml", found);
            try (NbdClient client = NbdClient.open(port, "media")) {
                assertTrue(writes.verify(client) > 0);
            }
            fio("read");
            load = Load.start(lab, port, "media", writes);
        }
        daemon.command("fail", "media", "m1.img").run().succeeds();
        daemon.command("status").run().succeeds().says("DEGRADED");
        load.awaitRounds(3);
        daemon.command("re-add", "media", "m1.img").run().succeeds();
        Daemon last = daemon;
        Waiting.until("the reshape ends", PATIENCE, () -> last.state("media").equals("ONLINE"));
        load.awaitRounds(3);
        load.stopsWithoutErrors();
        assertGrown(daemon, before / (legs - more) * legs, writes);
    }

    private void assertGrown(Daemon daemon, long size, SequencedWrites writes) throws IOException {
        assertEquals(size, detail(daemon).path("size").asLong());
        daemon.command("scrub", "media", "--wait").run().succeeds().says("nothing differs");
        fio("read");
        daemon.command("fail", "media", "m0.img").run().succeeds();
        fio("read");
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(size, client.sizeBytes());
            assertEquals(0, client.write(size - 4096, new byte[4096], NbdClient.FUA));
            assertTrue(writes.verify(client) > 0);
        }
        daemon.terminate();
    }

    /// Writes a pattern to the first part, or reads it and compares.
    private void fio(String what) {
        Command.of(
                        "fio",
                        "--name=pattern",
                        "--ioengine=nbd",
                        "--uri=" + Nbd.uri(port, "media"),
                        "--rw=" + what,
                        "--bs=64k",
                        "--size=" + PATTERN,
                        "--iodepth=4",
                        "--verify=crc32c",
                        "--verify_fatal=1",
                        "--do_verify=1",
                        "--verify_state_save=0",
                        "--end_fsync=1")
                .run()
                .succeeds();
    }

    private static JsonNode detail(Daemon daemon) {
        return daemon.command("detail", "media", "--json").run().succeeds().json();
    }

    /// How much has its new shape; negative if there is no reshape.
    private static long position(Daemon daemon) {
        return detail(daemon).path("reshape").path("position").asLong(-1);
    }
}
