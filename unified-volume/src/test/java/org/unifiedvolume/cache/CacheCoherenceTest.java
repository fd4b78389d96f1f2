package org.unifiedvolume.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.FaultLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.VirtualTime;

/// However reads and changes of several clients overtake each other, a cached read never returns
/// what a change that was acknowledged before the read had replaced.
///
/// Simulated on virtual time over a device whose requests and answers take random times and
/// sometimes fail. Each block carries the number of the write it is from; a read may bring any
/// number that was current at some moment between its submission and its answer.
final class CacheCoherenceTest {
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 640;
    private static final int CLIENTS = 3;
    private static final int STEPS = 600;

    /// What a block may hold: the changes whose bytes may be there. A change under way may have
    /// landed or not; when it is acknowledged, whatever was settled before it began is gone.
    ///
    /// Writes have positive numbers, which they leave in the block; zeroes negative ones, and leave
    /// 0.
    private static final class Cell {
        private final Set<Integer> possible = new HashSet<>(Set.of(0));
        private final Set<Integer> underWay = new HashSet<>();
        private final List<Set<Integer>> watchers = new ArrayList<>();

        /// @return what will be gone once the change is acknowledged
        Set<Integer> changeStarts(int number) {
            Set<Integer> settled = new HashSet<>(possible);
            settled.removeAll(underWay);
            underWay.add(number);
            possible.add(number);
            watchers.forEach(seen -> seen.add(number));
            return settled;
        }

        void changeEnds(int number, boolean success, Set<Integer> settled) {
            underWay.remove(number);
            if (success) {
                possible.removeAll(settled);
            }
        }
    }

    private static final class Simulation {
        private final RandomGenerator random;
        private final VirtualTime time = new VirtualTime();
        private final IoContext context = TestProcess.simulated(time, 64 << 20);
        private final ReadCache cache;
        private final List<Asker> clients = new ArrayList<>();
        private final Cell[] cells = new Cell[BLOCKS];
        private int lastNumber;
        private int open;
        private AssertionError failure;

        Simulation(long seed, Supplier<Shard> shard) {
            random = Seeds.random(seed);
            MemoryDevice memory =
                    new MemoryDevice((long) BLOCKS * BLOCK_BYTES, Locality.LOCAL, context);
            FaultLayer faults = new FaultLayer(memory);
            faults.decideBy(this::fate);
            DelayLayer slow = new DelayLayer(faults, time, _ -> delay(), _ -> delay());
            cache = new ReadCache(slow, CacheOptions.of(1 << 20), context, shard);
            for (int i = 1; i <= CLIENTS; i++) {
                clients.add(new Asker(cache, context, i));
            }
            Arrays.setAll(cells, _ -> new Cell());
        }

        private long delay() {
            return random.nextInt(3) == 0 ? 0 : random.nextInt(2_000_000);
        }

        private FaultLayer.Fate fate(IoRequest request) {
            return switch (random.nextInt(60)) {
                case 0 -> FaultLayer.refuse(DeviceFault.Kind.IO, request);
                case 1 -> FaultLayer.loseAnswer(DeviceFault.Kind.IO, request);
                default -> FaultLayer.PASS;
            };
        }

        void run() {
            int sequential = 0;
            for (int i = 0; i < STEPS && failure == null; i++) {
                if (open > 12 || random.nextInt(4) == 0) {
                    time.advance(random.nextInt(1_500_000));
                }
                Asker client = clients.get(random.nextInt(CLIENTS));
                int count = 1 + random.nextInt(random.nextInt(5) == 0 ? 100 : 6);
                // Most requests meet in a small place, some wander.
                int at = random.nextInt(random.nextInt(3) == 0 ? BLOCKS - count : 12);
                switch (random.nextInt(8)) {
                    case 0, 1, 2 -> read(client, at, count);
                    case 3 -> {
                        sequential = sequential + 8 >= BLOCKS ? 0 : sequential;
                        read(clients.get(0), sequential, 8);
                        sequential += 8;
                    }
                    case 4, 5 -> write(client, at, count);
                    case 6 -> zero(client, at, count, random.nextBoolean());
                    default -> client.flush();
                }
            }
            time.runUntilIdle();
            if (failure != null) {
                throw failure;
            }
            assertEquals(0, open, "requests without an answer");
            clients.forEach(Asker::checkAll);
            assertTrue(cache.hitBytes() > 0, "nothing was ever cached");
            cache.close();
            TestProcess.checkGivenBack(context.pool());
            context.pool().close();
        }

        private void write(Asker client, int at, int count) {
            int number = ++lastNumber;
            byte[] bytes = new byte[count * BLOCK_BYTES];
            for (int i = 0; i < count; i++) {
                mark(bytes, i, number);
            }
            List<Set<Integer>> settled = changeStarts(at, count, number);
            Buffers payload = client.payload(bytes);
            IoRequest.Write write =
                    new IoRequest.Write(
                            client.tag(Operation.WRITE, (long) at * BLOCK_BYTES, bytes.length),
                            (long) at * BLOCK_BYTES,
                            payload,
                            Durability.VOLATILE);
            cache.submit(
                    write,
                    (_, outcome) -> {
                        payload.release();
                        changeEnds(at, number, outcome, settled);
                    });
        }

        /// A zero, or a discard, which the device below carries out as one.
        private void zero(Asker client, int at, int count, boolean discard) {
            long offset = (long) at * BLOCK_BYTES;
            long length = (long) count * BLOCK_BYTES;
            int number = - ++lastNumber;
            List<Set<Integer>> settled = changeStarts(at, count, number);
            cache.submit(
                    discard
                            ? new IoRequest.Discard(
                                    client.tag(Operation.DISCARD, offset, length),
                                    offset,
                                    length,
                                    Durability.VOLATILE)
                            : new IoRequest.Zero(
                                    client.tag(Operation.ZERO, offset, length),
                                    offset,
                                    length,
                                    true,
                                    false,
                                    Durability.VOLATILE),
                    (_, outcome) -> changeEnds(at, number, outcome, settled));
        }

        /// @return for each block, what will be gone once the change is acknowledged
        private List<Set<Integer>> changeStarts(int at, int count, int number) {
            open++;
            List<Set<Integer>> settled = new ArrayList<>();
            for (int i = at; i < at + count; i++) {
                settled.add(cells[i].changeStarts(number));
            }
            return settled;
        }

        private void changeEnds(int at, int number, Outcome outcome, List<Set<Integer>> settled) {
            open--;
            for (int i = 0; i < settled.size(); i++) {
                cells[at + i].changeEnds(number, outcome.isSuccess(), settled.get(i));
            }
        }

        private void read(Asker client, int at, int count) {
            open++;
            List<Set<Integer>> seen = new ArrayList<>();
            for (int i = at; i < at + count; i++) {
                Set<Integer> possible = new HashSet<>(cells[i].possible);
                seen.add(possible);
                cells[i].watchers.add(possible);
            }
            long offset = (long) at * BLOCK_BYTES;
            long length = (long) count * BLOCK_BYTES;
            cache.submit(
                    new IoRequest.Read(client.tag(Operation.READ, offset, length), offset, length),
                    (_, outcome) -> {
                        open--;
                        for (int i = 0; i < count; i++) {
                            Set<Integer> own = seen.get(i);
                            cells[at + i].watchers.removeIf(set -> set == own);
                        }
                        if (outcome instanceof Outcome.Data(Buffers buffers)) {
                            check(at, buffers.toBytes(), seen);
                            buffers.release();
                        }
                    });
        }

        private static void mark(byte[] bytes, int block, int number) {
            MemorySegment.ofArray(bytes)
                    .set(ValueLayout.JAVA_INT_UNALIGNED, (long) block * BLOCK_BYTES, number);
        }

        private void check(int at, byte[] bytes, List<Set<Integer>> seen) {
            for (int i = 0; i < seen.size(); i++) {
                int number =
                        MemorySegment.ofArray(bytes)
                                .get(ValueLayout.JAVA_INT_UNALIGNED, (long) i * BLOCK_BYTES);
                boolean fits =
                        number == 0
                                ? seen.get(i).stream().anyMatch(one -> one <= 0)
                                : seen.get(i).contains(number);
                if (!fits && failure == null) {
                    failure =
                            new AssertionError(
                                    "block %d read as of write %d; possible were %s"
                                            .formatted(at + i, number, seen.get(i)));
                }
            }
        }
    }

    @Test
    void noReadIsOlderThanTheLastAcknowledgedChange() {
        Seeds.each(
                60,
                "CacheCoherenceTest#noReadIsOlderThanTheLastAcknowledgedChange",
                seed -> new Simulation(seed, Shard::new).run());
    }

    private static void findsThePlantedMistake(Supplier<Shard> wrong) {
        AssertionError found =
                assertThrows(
                        AssertionError.class,
                        () -> {
                            for (long seed = 1; seed <= 60; seed++) {
                                new Simulation(seed, wrong).run();
                            }
                        });
        assertTrue(found.getMessage().contains("read as of write"), found.getMessage());
    }

    @Test
    void theSimulationFindsACacheThatKeepsWhatAChangeOvertook() {
        findsThePlantedMistake(
                () ->
                        new Shard() {
                            @Override
                            void spoilFills(Change change) {
                                // the mistake: a read under way is thought to be fresh
                            }
                        });
    }

    @Test
    void theSimulationFindsACacheThatForgetsToDropStaleBytes() {
        findsThePlantedMistake(
                () ->
                        new Shard() {
                            @Override
                            void changeStarts(
                                    Change change, List<Segment> removed, List<Segment> pieces) {
                                // the mistake: nothing is dropped
                            }
                        });
    }

    @Test
    void theSimulationFindsACacheThatFillsWhileAChangeIsUnderWay() {
        findsThePlantedMistake(
                () ->
                        new Shard() {
                            @Override
                            void changeStarts(
                                    Change change, List<Segment> removed, List<Segment> pieces) {
                                super.changeStarts(change, removed, pieces);
                                // the mistake: the change is no longer known to be under way
                                changeEnded(change);
                            }
                        });
    }
}
