package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
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
import org.unifiedvolume.it.harness.Peer;
import org.unifiedvolume.it.harness.SequencedWrites;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: when a remote host dies in the middle of writing, a mirror goes on from its other leg,
/// says that it is DEGRADED and why, never reads the stale leg, and gives it what it lacks when the
/// host is back; stripes wait for the host as long as the deadline allows.
class KilledRemoteTest {
    private static final long SIZE = 64L << 20;

    /// How large a mirror of two such members is: superblocks and bitmap come before its data.
    private static final long DATA_OFFSET = 1 << 20;

    private static final long MIRROR_SIZE = SIZE - DATA_OFFSET;

    @RegisterExtension final Lab lab = new Lab();

    private int port;
    private int remote;
    private Path remoteDisk;
    private Peer server;

    @BeforeEach
    void startTheRemote() throws Exception {
        port = lab.port();
        remote = lab.port();
        remoteDisk = lab.sparse("remote.img", SIZE);
        server = lab.nbdkit(remote, "file", remoteDisk);
    }

    private ServiceFile volume(String level, String deadline) throws Exception {
        return ServiceFile.of(
                "media",
                level,
                List.of(lab.sparse("local.img", SIZE), Nbd.uri(remote, "")),
                List.of(Nbd.uri(port, "media")),
                "deadline: " + deadline);
    }

    private void awaitState(Daemon daemon, String state) {
        Waiting.until(
                () -> "the volume is %s: %s".formatted(state, daemon.status("media")),
                Duration.ofSeconds(40),
                () -> daemon.state("media").equals(state));
    }

    @Test
    void aMirrorGoesOnDegradedAndNeverUsesTheStaleLeg() throws Exception {
        Daemon daemon = lab.serve(volume("raid1", "2s"));
        SequencedWrites writes = new SequencedWrites(71, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(10);

        server.kill();
        load.awaitRounds(20);
        load.stopsWithoutErrors();

        JsonNode status = daemon.status("media");
        assertEquals("DEGRADED", status.path("state").asText(), status::toString);
        assertTrue(
                status.path("reason").asText().contains("127.0.0.1:" + remote), status::toString);
        assertTrue(!status.path("remedy").asText().isEmpty(), status::toString);
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
        daemon.terminate();

        // The host is back, with what it had when it died: all is right before that is mended, and
        // meanwhile, and afterwards.
        lab.nbdkit(remote, "file", remoteDisk);
        Daemon again = lab.serve(daemon.file());
        try (NbdClient client = NbdClient.open(port, "media")) {
            for (int i = 0; i < 3; i++) {
                writes.verify(client);
            }
            awaitState(again, "ONLINE");
            writes.verify(client);
        }
        again.terminate();
        assertSameData();
    }

    /// Both legs hold the same bytes where the mirror's data are.
    private void assertSameData() {
        Command.of("cmp", "-i", DATA_OFFSET, lab.path("local.img"), remoteDisk).run().succeeds();
    }

    @Test
    void aMirrorWhoseHostIsFrozenDropsItAtTheDeadline() throws Exception {
        server.kill();
        server = lab.qemuNbd(remote, remoteDisk);
        Daemon daemon = lab.serve(volume("raid1", "2s"));
        SequencedWrites writes = new SequencedWrites(72, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);

        server.freeze();
        load.awaitRounds(20);
        load.stopsWithoutErrors();

        awaitState(daemon, "DEGRADED");
        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
        server.thaw();
        awaitState(daemon, "ONLINE");
        daemon.terminate();
        assertSameData();
    }

    @Test
    void aDegradedMirrorIsInSyncAgainByItselfWhenTheHostIsBack() throws Exception {
        Daemon daemon = lab.serve(volume("raid1", "2s"));
        SequencedWrites writes = new SequencedWrites(73, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        server.kill();
        load.awaitRounds(5);

        lab.nbdkit(remote, "file", remoteDisk);
        load.awaitRounds(5);
        awaitState(daemon, "ONLINE");
        load.stop();

        assertEquals(List.of(), writes.errors());
        daemon.terminate();
        assertSameData();
    }

    @Test
    void aLegThatWasTakenOutByHandStaysOutUntilItIsReAdded() throws Exception {
        Daemon daemon = lab.serve(volume("raid1", "2s"));
        SequencedWrites writes = new SequencedWrites(75, 0, MIRROR_SIZE);
        Load load = Load.start(lab, port, "media", writes);
        load.awaitRounds(5);
        daemon.command("fail", "media", Nbd.uri(remote, "")).run().succeeds();
        load.awaitRounds(5);
        JsonNode failed = daemon.status("media").path("members").get(1);
        assertEquals("FAULTED", failed.path("state").asText(), failed::toString);
        daemon.command("fail", "media", "local.img").run().exits(1).says("cannot do without");

        daemon.command("re-add", "media", Nbd.uri(remote, "")).run().succeeds();
        load.awaitRounds(5);
        awaitState(daemon, "ONLINE");
        load.stopsWithoutErrors();

        daemon.terminate();
        assertSameData();
    }

    @Test
    void stripesWaitForAHostThatIsBackInTime() throws Exception {
        Daemon daemon = lab.serve(volume("raid0", "30s"));
        SequencedWrites writes = new SequencedWrites(74, 0, SIZE);
        Load load = Load.start(lab, port, "media", writes);
        for (int kills = 0; kills < 3; kills++) {
            load.awaitRounds(5);
            server.kill();
            server = lab.nbdkit(remote, "file", remoteDisk);
        }
        load.awaitRounds(5);
        load.stopsWithoutErrors();

        try (NbdClient client = NbdClient.open(port, "media")) {
            writes.verify(client);
        }
        assertEquals("ONLINE", daemon.state("media"));
    }

    @Test
    void stripesWhoseHostStaysAwayFailOnlyWhatLivesThere() throws Exception {
        Daemon daemon = lab.serve(volume("raid0", "1s"));
        byte[] stripe = new byte[4096];
        try (NbdClient client = NbdClient.open(port, "media")) {
            assertEquals(0, client.write(0, stripe, 0));
            assertEquals(0, client.write(64 << 10, stripe, 0));
            server.kill();
            assertEquals(NbdClient.EIO, client.write(64 << 10, stripe, 0));
            assertEquals(0, client.write(0, stripe, 0));
            assertEquals(NbdClient.EIO, client.call(NbdClient.READ, 0, 60 << 10, 8 << 10));
            assertEquals(0, client.read(0, 4096)[0]);
        }
        awaitState(daemon, "UNAVAIL");
        daemon.terminate();
    }
}
