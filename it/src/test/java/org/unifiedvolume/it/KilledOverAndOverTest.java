package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.Peer;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.RemoteDisk;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: however often the daemon and the hosts of its legs are killed while fio writes, what
/// fio has counted as synced is there afterwards; a lost host costs no error; and what is copied
/// then is no more than what was dirty.
///
/// A few rounds; `mvn -Pkill verify` runs 200 of them, `-Duvol.kills=N` N, `-Duvol.seed=S` the same
/// ones again (as far as processes repeat themselves).
class KilledOverAndOverTest {
    private static final int ROUNDS = Integer.getInteger("uvol.kills", 4);
    private static final long SEED = Long.getLong("uvol.seed", System.nanoTime());

    /// Every level that keeps redundancy.
    private static final List<String> LEVELS = List.of("raid1", "raid10", "raid5", "raid6");

    private static final List<String> EXPORTS = List.of("nbd", "fuse");
    private static final long MEMBER_SIZE = 128L << 20;
    private static final long WINDOW = 8L << 20;
    private static final long WRITES = 600;
    private static final long BLOCK = 4096;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @RegisterExtension final Lab lab = new Lab();

    private final Random random = new Random(SEED);
    private final List<RemoteDisk> hosts = new ArrayList<>();
    private Daemon daemon;
    private Object[] place;
    private int daemonKills;
    private int hostKills;
    private long syncedBlocks;
    private long copiedBytes;
    private long boundBytes;

    /// All of them; if there are fewer rounds than that, each level over one export.
    static Stream<Arguments> levelsAndExports() {
        boolean all = ROUNDS >= LEVELS.size() * EXPORTS.size();
        return LEVELS.stream()
                .flatMap(
                        level ->
                                EXPORTS.stream()
                                        .filter(export -> all || isFirstChoice(level, export))
                                        .map(export -> Arguments.of(level, export)));
    }

    private static boolean isFirstChoice(String level, String export) {
        return LEVELS.indexOf(level) % EXPORTS.size() == EXPORTS.indexOf(export);
    }

    @ParameterizedTest
    @MethodSource("levelsAndExports")
    void nothingThatWasSyncedIsLost(String level, String export) throws Exception {
        start(level, export);
        int rounds = Math.ceilDiv(ROUNDS, LEVELS.size() * EXPORTS.size());
        Fio last = null;
        for (int round = 0; round < rounds || last == null; round++) {
            Fio fio = round(round);
            last = fio.synced > 0 ? fio : last;
        }
        // That another round's bytes are not taken for this one's is what all of this relies on.
        assertTrue(new Fio(last.window, last.number + 1).verify(last.synced) != 0);
        daemon.command("scrub", "media", "--wait").run().succeeds().says("nothing differs");
        daemon.terminate();
        System.out.printf(
                "%s over %s, seed %d: %d rounds, the daemon killed %d times, a host %d times;"
                        + " %d synced blocks found again; %.1f MiB copied, at most %.1f MiB allowed%n",
                level,
                export,
                SEED,
                rounds,
                daemonKills,
                hostKills,
                syncedBlocks,
                copiedBytes / 1048576.0,
                boundBytes / 1048576.0);
    }

    /// An array whose every second leg is on another host.
    private void start(String level, String export) throws IOException {
        if (export.equals("fuse")) {
            Programs.needRoot("serve a FUSE file");
        }
        List<Object> members = new ArrayList<>();
        int pairs = level.equals("raid1") ? 1 : 2;
        for (int i = 0; i < pairs; i++) {
            members.add(lab.sparse("local%d.img".formatted(i), MEMBER_SIZE));
            RemoteDisk host =
                    new RemoteDisk(
                            lab, lab.port(), lab.sparse("remote%d.img".formatted(i), MEMBER_SIZE));
            host.start();
            hosts.add(host);
            members.add(host.uri());
        }
        int port = lab.port();
        Path disk = lab.path("disk");
        boolean isNbd = export.equals("nbd");
        place =
                isNbd
                        ? new Object[] {"--ioengine=nbd", "--uri=" + Nbd.uri(port, "media")}
                        : new Object[] {"--ioengine=psync", "--filename=" + disk};
        daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                level,
                                members,
                                List.of(isNbd ? Nbd.uri(port, "media") : "fuse:" + disk),
                                "assume-clean: true",
                                "deadline: 1s"));
    }

    private Fio round(int round) throws Exception {
        JsonNode atFirst = detail();
        Copied before = Copied.of(atFirst);
        long windows = (MEMBER_SIZE - 2 * WINDOW) / WINDOW;
        Fio fio = new Fio(random.nextLong(windows) * WINDOW, round + 1);
        Peer writer = fio.start();
        boolean killsDaemon = random.nextInt(3) > 0;
        boolean killsHost = !killsDaemon || random.nextInt(3) > 0;
        RemoteDisk host = hosts.get(random.nextInt(hosts.size()));
        pause(500, 1500);
        if (killsHost) {
            hostKills++;
            host.kill();
            pause(50, 600);
            if (random.nextBoolean()) {
                host.start();
                pause(100, 900);
            }
        }
        if (killsDaemon) {
            daemonKills++;
            daemon.kill();
            before = Copied.NONE;
        }
        int status = writer.ends(LIMIT);
        assertTrue(status == 0 || killsDaemon, () -> "seed %d: %s".formatted(SEED, writer));
        fio.synced = fio.syncs();
        boolean isLate = killsDaemon && random.nextInt(4) == 0;
        if (!isLate) {
            host.start();
        }
        if (killsDaemon) {
            daemon = lab.serve(daemon.file());
        }
        host.start();
        assertEquals(0, fio.verify(fio.synced), () -> "seed %d, round %d".formatted(SEED, round));
        syncedBlocks += fio.synced;
        checkCopied(before, atFirst.path("bitmap").path("dirty").asLong());
        return fio;
    }

    /// Waits until all legs are in sync. What was copied until then is, for each job, no more than
    /// what was dirty when the round began and what it has written to: rows of its window, and of
    /// the regions that those begin and end in.
    private void checkCopied(Copied before, long dirtyBefore) {
        JsonNode[] last = new JsonNode[1];
        Waiting.until(
                () -> "the volume is ONLINE, seed %d: %s".formatted(SEED, last[0]),
                LIMIT,
                () -> {
                    last[0] = detail();
                    return last[0].path("state").asText().equals("ONLINE");
                });
        long rows = last[0].path("used").asLong();
        long region = last[0].path("bitmap").path("region").asLong();
        long windowRows = WINDOW * rows / last[0].path("size").asLong();
        // A window that begins within a region touches one more than it is long.
        long written = (windowRows + region - 1) / region * region + region;
        Copied now = Copied.of(last[0]);
        long bytes = now.bytes - before.bytes;
        long bound = (now.jobs - before.jobs) * (dirtyBefore + written);
        assertTrue(
                bytes <= bound,
                () -> "seed %d: copied %d of %d: %s".formatted(SEED, bytes, bound, last[0]));
        assertTrue(dirtyBefore + written < rows / 2, () -> last[0].toString());
        copiedBytes += bytes;
        boundBytes += bound;
    }

    private JsonNode detail() {
        return daemon.command("detail", "media", "--json").run().succeeds().json();
    }

    private void pause(int leastMillis, int mostMillis) throws InterruptedException {
        Thread.sleep(leastMillis + random.nextInt(mostMillis - leastMillis));
    }

    /// What jobs have copied since the daemon started.
    private record Copied(long jobs, long bytes) {
        static final Copied NONE = new Copied(0, 0);

        static Copied of(JsonNode detail) {
            JsonNode copied = detail.path("copied");
            return new Copied(copied.path("jobs").asLong(), copied.path("bytes").asLong());
        }
    }

    /// fio, which fills blocks with the number of its round and where they are, in an order of
    /// chance that it can repeat, and syncs each.
    private final class Fio {
        private final long window;
        private final int number;
        private final Path report = lab.path("fio.json");
        private long synced;

        Fio(long window, int number) {
            this.window = window;
            this.number = number;
        }

        private List<Object> job() {
            List<Object> job =
                    new ArrayList<>(
                            List.of(
                                    "--name=kill",
                                    "--rw=randwrite",
                                    "--bs=" + BLOCK,
                                    "--offset=" + window,
                                    "--size=" + WINDOW,
                                    "--fsync=1",
                                    "--verify=pattern",
                                    "--verify_pattern=0x%08x%%o".formatted(number),
                                    "--verify_fatal=1",
                                    "--verify_state_save=0",
                                    "--output-format=json"));
            job.addAll(List.of(place));
            return job;
        }

        Peer start() {
            List<Object> job = job();
            job.add("--do_verify=0");
            job.add("--io_size=" + WRITES * BLOCK);
            job.add("--output=" + report);
            return lab.peer("fio", job.toArray());
        }

        long syncs() {
            JsonNode job = Command.of("cat", report).run().succeeds().json().path("jobs").get(0);
            return job.path("sync").path("total_ios").asLong();
        }

        /// @return 0 if so many blocks are what was written
        int verify(long blocks) {
            if (blocks == 0) {
                return 0;
            }
            List<Object> job = job();
            job.add("--verify_only");
            job.add("--io_size=" + blocks * BLOCK);
            return Command.of("fio", job.toArray()).within(LIMIT).run().exitCode();
        }
    }
}
