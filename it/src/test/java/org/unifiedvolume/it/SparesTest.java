package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
import org.unifiedvolume.it.harness.SequencedWrites;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Uvol;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: a leg that stays lost gives its role to a spare by itself while clients write; the next
/// start knows that without a change of the configuration, and takes nobody in who was taken out.
class SparesTest {
    private static final long SIZE = 64L << 20;
    private static final long DATA_OFFSET = 1 << 20;

    @RegisterExtension final Lab lab = new Lab();

    private static JsonNode detail(Daemon daemon) {
        return daemon.command("detail", "media", "--json").run().succeeds().json();
    }

    private static void awaitOnline(Daemon daemon) {
        Waiting.until(
                () -> "the volume is ONLINE: " + detail(daemon),
                Duration.ofSeconds(60),
                () -> daemon.state("media").equals("ONLINE"));
    }

    private static String legName(Daemon daemon, int role) {
        return detail(daemon).path("legs").get(role).path("name").asText();
    }

    @Test
    void aSpareTakesTheRoleOfALegThatStaysLost() throws Exception {
        Path here = lab.sparse("a.img", SIZE);
        Path there = lab.sparse("b.img", SIZE);
        Path spare = lab.sparse("c.img", SIZE);
        int remotePort = lab.port();
        Peer remote = lab.nbdkit(remotePort, "file", there);
        int port = lab.port();
        ServiceFile file =
                ServiceFile.of(
                        "media",
                        "raid1",
                        List.of(here, Nbd.uri(remotePort, "") + "?deadline=1s"),
                        List.of(Nbd.uri(port, "media")),
                        "spares: ['%s']".formatted(spare),
                        "spare-delay: 2s");
        Path config = lab.write("media.yaml", file.toString());
        Daemon daemon = lab.serve(config);
        JsonNode waiting = detail(daemon).path("spares").get(0);
        assertEquals("SPARE", waiting.path("state").asText(), waiting::toString);
        daemon.command("status", "media").run().succeeds().says("c.img", "SPARE");
        daemon.command("detail", "media").run().succeeds().says("spare  SPARE");
        Uvol.command("examine", spare).run().exits(1).says("in use");
        SequencedWrites writes = new SequencedWrites(17, 0, SIZE - DATA_OFFSET);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);

        remote.kill();
        load.awaitRounds(2);
        Waiting.until(
                () -> "the spare has the role: " + detail(daemon),
                Duration.ofSeconds(60),
                () -> legName(daemon, 1).endsWith("c.img"));
        awaitOnline(daemon);
        load.awaitRounds(5);
        load.stop();

        assertEquals(List.of(), writes.errors());
        JsonNode lines =
                daemon.command("iostat", "media", "--count", "1", "--json")
                        .run()
                        .succeeds()
                        .json()
                        .path("volumes")
                        .get(0)
                        .path("lines");
        assertTrue(lines.findValuesAsText("name").stream().anyMatch(n -> n.endsWith("c.img")));
        daemon.terminate();
        Command.of("cmp", "-i", DATA_OFFSET, here, spare).run().succeeds();
        Daemon again = lab.serve(config);
        assertEquals("ONLINE", again.state("media"));
        assertTrue(legName(again, 1).endsWith("c.img"));
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
    }

    @Test
    void sparesAreCreatedFoundRemovedAndNamed() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        Path spare = lab.sparse("c.img", SIZE);
        String text =
                Uvol.command("create", "media", "--level", "raid1", "--spare", spare, one, other)
                        .run()
                        .succeeds()
                        .out();
        assertTrue(text.contains("spares:"), text);
        Uvol.command("examine", spare).run().succeeds().says("role  spare", "SPARE");
        String found = Uvol.command("assemble", one, spare, other).run().succeeds().out();
        assertTrue(found.contains("spares:\n") && found.contains("c.img'"), found);
        Uvol.command("create", "x", "--level", "linear", "--spare", lab.path("y"), lab.path("z"))
                .run()
                .exits(1)
                .says("no roles that a spare could take");

        Daemon daemon = lab.serve(lab.write("media.yaml", "state: ./state\n" + text));
        daemon.command("replace", "media", "c.img", lab.sparse("d.img", SIZE))
                .run()
                .exits(1)
                .says("has no role");
        daemon.command("remove", "media", "c.img").run().succeeds();
        assertEquals(0, detail(daemon).path("spares").size());
        daemon.command("add", "media", spare, "--force").run().succeeds().says("is a spare");
        daemon.command("remove", "media", "b.img").run().succeeds();
        daemon.command("remove", "media", "c.img").run().succeeds();
        daemon.terminate();

        Daemon again = lab.serve(lab.path("media.yaml"));
        assertEquals("DEGRADED", again.state("media"));
        again.command("detail", "media").run().succeeds().says("was removed by hand");
    }

    @Test
    void createWithForceChangesNothingIfTheArrayCannotBeMade() throws IOException {
        Path one = lab.sparse("a.img", SIZE);
        Path other = lab.sparse("b.img", SIZE);
        Uvol.command("create", "media", "--level", "raid1", one, other).run().succeeds();
        byte[] before = Files.readAllBytes(one);
        Uvol.command("create", "new", "--level", "raid1", "--force", "--size", "1GiB", one, other)
                .run()
                .exits(1)
                .says("has room for");
        Uvol.command(
                        "create",
                        "new",
                        "--level",
                        "raid1",
                        "--force",
                        "--primary",
                        "/dev/none",
                        one,
                        other)
                .run()
                .exits(1)
                .says("none of its members");
        assertArrayEquals(before, Files.readAllBytes(one));
    }
}
