package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.RemoteDisk;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.TreeChurn;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: a filesystem on an array of two local and two remote legs does not notice that the
/// hosts of the remote ones are killed and come back, again and again, while people work on it.
class FilesystemOnKilledLegsTest {
    private static final int KILLS = Integer.getInteger("uvol.leg-kills", 4);
    private static final long MEMBER_SIZE = 96L << 20;
    private static final int PEOPLE = 3;

    /// How much each of them does before the next thing happens.
    private static final long STEPS = 30;

    private static final Duration LIMIT = Duration.ofSeconds(60);

    @RegisterExtension final Lab lab = new Lab();

    private final List<TreeChurn> people = new ArrayList<>();
    private Daemon daemon;

    @ParameterizedTest
    @ValueSource(strings = {"raid10", "raid5"})
    void ext4HoldsWhatWasWritten(String level) throws Exception {
        Programs.needRoot("mount filesystems");
        Path folder = lab.newFolder("mnt");
        List<RemoteDisk> hosts = new ArrayList<>();
        List<Object> members = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            members.add(lab.sparse("local%d.img".formatted(i), MEMBER_SIZE));
            Path disk = lab.sparse("remote%d.img".formatted(i), MEMBER_SIZE);
            RemoteDisk host = new RemoteDisk(lab, lab.port(), disk);
            host.start();
            hosts.add(host);
            members.add(host.uri());
        }
        daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                level,
                                members,
                                List.of(Nbd.uri(lab.port(), "media")),
                                "assume-clean: true",
                                "deadline: 1s"));
        daemon.command("mount", "media", folder, "--mkfs", "ext4").run().succeeds();
        for (int i = 0; i < PEOPLE; i++) {
            people.add(lab.keep(TreeChurn.start(folder.resolve("person" + i), 100 + i)));
        }

        for (int i = 0; i < KILLS; i++) {
            RemoteDisk host = hosts.get(i % hosts.size());
            goOn();
            host.kill();
            awaitState("DEGRADED");
            goOn();
            host.start();
            awaitState("ONLINE");
        }
        goOn();
        for (TreeChurn person : people) {
            person.stop();
        }

        daemon.command("umount", folder).run().succeeds();
        String device = daemon.command("attach", "media").run().succeeds().out().strip();
        Command.of("e2fsck", "-fn", device).run().succeeds();
        daemon.command("detach", "media").run().succeeds();
        daemon.command("scrub", "media", "--wait").run().succeeds().says("nothing differs");
        daemon.terminate();
        daemon = lab.serve(daemon.file());
        daemon.command("mount", "media", folder).run().succeeds();
        for (TreeChurn person : people) {
            person.verify();
        }
        assertTrue(people.stream().allMatch(person -> person.steps() >= 2L * KILLS * STEPS));
        daemon.command("umount", folder).run().succeeds();
    }

    /// Waits until everybody has done something more.
    private void goOn() {
        for (TreeChurn person : people) {
            long until = person.steps() + STEPS;
            Waiting.until("people go on", LIMIT, () -> person.steps() >= until);
        }
    }

    private void awaitState(String state) {
        Waiting.until(
                () -> "the volume is %s: %s".formatted(state, daemon.status("media")),
                LIMIT,
                () -> daemon.state("media").equals(state));
    }
}
