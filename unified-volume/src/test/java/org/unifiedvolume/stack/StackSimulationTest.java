package org.unifiedvolume.stack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.FaultLayer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.stack.OrderPolicy.Named;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.VirtualTime;

/// The promises of [RequestStack], under every policy, over a device that is slow, faulty and
/// sometimes silent: no request is lost, answered twice, answered late or with another's bytes; the
/// depth is kept; all memory comes back.
///
/// On virtual time, from a seed. The first half of the device holds a pattern and is only read, the
/// second half is written with that pattern only, so whatever lands in whatever order is right.
final class StackSimulationTest {
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 512;
    private static final int REQUESTS = 400;

    /// Counts what the stack has given down and not got back.
    private static final class Gauge implements BlockDevice {
        private final BlockDevice below;
        private int now;
        private int most;

        Gauge(BlockDevice below) {
            this.below = below;
        }

        @Override
        public DeviceShape shape() {
            return below.shape();
        }

        @Override
        public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
            return Locality.LOCAL;
        }

        @Override
        public DeviceStatus status() {
            return below.status();
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            most = Math.max(most, ++now);
            below.submit(
                    request,
                    (answered, outcome) -> {
                        now--;
                        done.complete(answered, outcome);
                    });
        }

        @Override
        public void close() {
            below.close();
        }
    }

    private static final class Simulation {
        private final RandomGenerator random;
        private final VirtualTime time = new VirtualTime();
        private final IoContext context = TestProcess.simulated(time, 64 << 20);
        private final MemoryDevice memory =
                new MemoryDevice((long) BLOCKS * BLOCK_BYTES, Locality.LOCAL, context);
        private final FaultLayer faults = new FaultLayer(memory);
        private final StackOptions options;
        private final Gauge gauge;
        private final RequestStack stack;
        private final List<Asker> clients = new ArrayList<>();
        private final int[] answers = new int[REQUESTS];
        private final boolean[] written = new boolean[BLOCKS];
        private final Map<DeviceFault.Kind, Integer> failures =
                new EnumMap<>(DeviceFault.Kind.class);
        private int submitted;
        private int merged;

        Simulation(long seed, Named policy) {
            random = Seeds.random(seed);
            for (int block = 0; block < BLOCKS; block++) {
                memory.content()
                        .set(
                                ValueLayout.JAVA_INT_UNALIGNED,
                                (long) block * BLOCK_BYTES,
                                block < BLOCKS / 2 ? block : -1);
            }
            faults.decideBy(this::fate);
            long deadline = random.nextInt(3) == 0 ? 0 : 1_000_000 + random.nextInt(20_000_000);
            options =
                    new StackOptions(
                            policy,
                            1 + random.nextInt(8),
                            deadline,
                            5_000_000,
                            random.nextBoolean() ? 0 : 1 << 20);
            DelayLayer slow = new DelayLayer(faults, time, _ -> delay(), _ -> delay());
            gauge = new Gauge(slow);
            stack =
                    new RequestStack(
                            "test", gauge, options, time, context.ids(), StackListener.NONE);
            for (int i = 1; i <= 3; i++) {
                clients.add(new Asker(stack, context, i));
            }
        }

        private long delay() {
            return random.nextInt(3) == 0 ? 0 : random.nextInt(1_000_000);
        }

        private FaultLayer.Fate fate(IoRequest request) {
            if (request.lengthBytes() > 0 && request.tag().parentId() != 0) {
                merged++;
            }
            int dice = random.nextInt(100);
            if (dice == 0 && options.deadlineNanos() != 0) {
                return FaultLayer.HANG;
            }
            return dice < 6 ? FaultLayer.refuse(DeviceFault.Kind.IO, request) : FaultLayer.PASS;
        }

        /// @param closeAt after how many requests to close the stack
        void run(int closeAt) {
            while (submitted < REQUESTS) {
                int burst = 1 + random.nextInt(random.nextInt(4) == 0 ? 40 : 4);
                int start = random.nextInt(BLOCKS / 2 - 8);
                boolean inOrder = random.nextBoolean();
                for (int i = 0; i < burst && submitted < REQUESTS; i++) {
                    int block = inOrder ? (start + i) % (BLOCKS / 2 - 8) : nextStart();
                    submitOne(block);
                    if (submitted == closeAt) {
                        stack.close();
                    }
                }
                time.advance(random.nextInt(3_000_000));
            }
            time.runUntilIdle();
            while (faults.hangingCount() > 0) {
                faults.release();
                time.runUntilIdle();
            }
            check(closeAt);
        }

        private int nextStart() {
            return random.nextInt(BLOCKS / 2 - 8);
        }

        private void submitOne(int block) {
            Asker client = clients.get(random.nextInt(clients.size()));
            int count = 1 + random.nextInt(random.nextInt(3) == 0 ? 8 : 1);
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3, 4 -> submitRead(client, block, count);
                case 9 -> submit(new IoRequest.Flush(client.tag(Operation.FLUSH, 0, 0)), 0, 0);
                default -> submitWrite(client, BLOCKS / 2 + block, count);
            }
        }

        private void submitRead(Asker client, int block, int count) {
            long offset = (long) block * BLOCK_BYTES;
            long length = (long) count * BLOCK_BYTES;
            submit(
                    new IoRequest.Read(client.tag(Operation.READ, offset, length), offset, length),
                    block,
                    count);
        }

        private void submitWrite(Asker client, int block, int count) {
            byte[] bytes = new byte[count * BLOCK_BYTES];
            for (int i = 0; i < count; i++) {
                MemorySegment.ofArray(bytes)
                        .set(ValueLayout.JAVA_INT_UNALIGNED, (long) i * BLOCK_BYTES, block + i);
            }
            long offset = (long) block * BLOCK_BYTES;
            submit(
                    new IoRequest.Write(
                            client.tag(Operation.WRITE, offset, bytes.length),
                            offset,
                            client.payload(bytes),
                            random.nextInt(5) == 0 ? Durability.DURABLE : Durability.VOLATILE),
                    block,
                    count);
        }

        private void submit(IoRequest request, int block, int count) {
            int index = submitted++;
            long entered = time.nanoTime();
            stack.submit(
                    request,
                    (answered, outcome) -> {
                        answers[index]++;
                        assertEquals(request, answered);
                        long waited = time.nanoTime() - entered;
                        assertTrue(
                                options.deadlineNanos() == 0 || waited <= options.deadlineNanos(),
                                "answered after %d ns".formatted(waited));
                        take(request, outcome, block, count);
                        if (request instanceof IoRequest.Write write) {
                            write.source().release();
                        }
                    });
            assertTrue(stack.underWayCount() <= options.depth());
        }

        private void take(IoRequest request, Outcome outcome, int block, int count) {
            switch (outcome) {
                case Outcome.Data(Buffers buffers) -> {
                    assertEquals(request.lengthBytes(), buffers.length());
                    byte[] bytes = buffers.toBytes();
                    buffers.release();
                    for (int i = 0; i < count; i++) {
                        assertEquals(block + i, numberIn(bytes, i), "another request's bytes");
                    }
                }
                case Outcome.InFile _ -> throw new AssertionError("the device has no file");
                case Outcome.Failed(DeviceFault fault) ->
                        failures.merge(fault.kind(), 1, Integer::sum);
                case Outcome.Done _ -> {
                    for (int i = 0; i < count; i++) {
                        written[block + i] = true;
                    }
                }
                case Outcome.Located _ -> throw new AssertionError(outcome);
            }
        }

        private static int numberIn(byte[] bytes, int block) {
            return MemorySegment.ofArray(bytes)
                    .get(ValueLayout.JAVA_INT_UNALIGNED, (long) block * BLOCK_BYTES);
        }

        private void check(int closeAt) {
            for (int i = 0; i < REQUESTS; i++) {
                assertEquals(1, answers[i], "answers to request " + i);
            }
            assertTrue(gauge.most <= options.depth(), gauge.most + " at once: " + options);
            assertEquals(0, gauge.now);
            assertEquals(0, stack.waitingCount());
            assertEquals(0, stack.underWayCount(), "places that were never given back");
            for (int block = 0; block < BLOCKS; block++) {
                if (written[block]) {
                    int found =
                            memory.content()
                                    .get(
                                            ValueLayout.JAVA_INT_UNALIGNED,
                                            (long) block * BLOCK_BYTES);
                    assertEquals(block, found, "an acknowledged write is missing");
                }
            }
            if (closeAt > 0) {
                assertTrue(failures.containsKey(DeviceFault.Kind.STOPPING), failures.toString());
            }
            TestProcess.checkGivenBack(context.pool());
            context.pool().close();
        }
    }

    @ParameterizedTest
    @EnumSource(Named.class)
    void everyRequestIsAnsweredOnceAndInTime(Named policy) {
        int[] merged = {0};
        int[] timedOut = {0};
        Seeds.each(
                80,
                "StackSimulationTest#everyRequestIsAnsweredOnceAndInTime",
                seed -> {
                    Simulation simulation = new Simulation(seed, policy);
                    simulation.run(0);
                    merged[0] += simulation.merged;
                    timedOut[0] += simulation.failures.getOrDefault(DeviceFault.Kind.TIMED_OUT, 0);
                });
        if (System.getProperty("seed") == null) {
            assertTrue(merged[0] > 0, "nothing was merged");
            assertTrue(timedOut[0] > 0, "nothing was late");
        }
    }

    @ParameterizedTest
    @EnumSource(Named.class)
    void aStackThatIsClosedAnswersWhatWaits(Named policy) {
        Seeds.each(
                30,
                "StackSimulationTest#aStackThatIsClosedAnswersWhatWaits",
                seed -> new Simulation(seed, policy).run(REQUESTS / 2));
    }

    /// At 95 % load, a policy that prefers newcomers leaves the oldest behind; the stack does not.
    @ParameterizedTest
    @EnumSource(Named.class)
    void nobodyStarves(Named policy) {
        long service = 1_000_000;
        long starvation = 20_000_000;
        VirtualTime time = new VirtualTime();
        IoContext context = TestProcess.simulated(time, 8 << 20);
        MemoryDevice memory = new MemoryDevice(1 << 20, Locality.LOCAL, context);
        RequestStack stack =
                new RequestStack(
                        "test",
                        new DelayLayer(memory, time, _ -> service, _ -> 0),
                        new StackOptions(policy, 1, 0, starvation, 0),
                        time,
                        context.ids(),
                        StackListener.NONE);
        RandomGenerator random = Seeds.random(7);
        long[] longest = {0};
        int[] answered = {0};
        for (int i = 0; i < 5000; i++) {
            boolean write = random.nextInt(4) == 0;
            Asker client = new Asker(stack, context, random.nextInt(3));
            long entered = time.nanoTime();
            IoRequest request =
                    write
                            ? new IoRequest.Zero(
                                    client.tag(Operation.ZERO, 0, 4096),
                                    0,
                                    4096,
                                    true,
                                    false,
                                    Durability.VOLATILE)
                            : new IoRequest.Read(client.tag(Operation.READ, 0, 4096), 0, 4096);
            stack.submit(
                    request,
                    (_, outcome) -> {
                        outcome.discard();
                        answered[0]++;
                        longest[0] = Math.max(longest[0], time.nanoTime() - entered);
                    });
            time.advance(random.nextLong(service * 2 * 20 / 19));
        }
        time.runUntilIdle();
        assertEquals(5000, answered[0]);
        // The queue at this load is seldom longer than 50; who is served for his age alone waits
        // for those who are older.
        assertTrue(
                longest[0] < starvation + 100 * service, "%d ms".formatted(longest[0] / service));
        context.pool().close();
    }

    @Test
    void theBackLogOfOneClientDoesNotHoldUpAnotherUnderFairShare() {
        VirtualTime time = new VirtualTime();
        IoContext context = TestProcess.simulated(time, 8 << 20);
        RequestStack stack =
                new RequestStack(
                        "test",
                        new DelayLayer(
                                new MemoryDevice(1 << 20, Locality.LOCAL, context),
                                time,
                                _ -> 1_000_000,
                                _ -> 0),
                        new StackOptions(Named.FAIR, 1, 0, 10_000_000_000L, 0),
                        time,
                        context.ids(),
                        StackListener.NONE);
        int[] served = new int[3];
        for (int i = 0; i < 400; i++) {
            submitFor(stack, context, 1, 4096, served);
        }
        // Four requests of another client, which enter behind the 400, with four times the bytes.
        for (int i = 0; i < 4; i++) {
            submitFor(stack, context, 2, 16384, served);
        }
        time.advance(80_000_000);
        assertEquals(4, served[2], "%d of the other client were served".formatted(served[1]));
        time.runUntilIdle();
        assertEquals(400, served[1]);
        context.pool().close();
    }

    private static void submitFor(
            RequestStack stack, IoContext context, int client, int length, int[] served) {
        Asker asker = new Asker(stack, context, client);
        stack.submit(
                new IoRequest.Read(asker.tag(Operation.READ, 0, length), 0, length),
                (_, outcome) -> {
                    outcome.discard();
                    served[client]++;
                });
    }
}
