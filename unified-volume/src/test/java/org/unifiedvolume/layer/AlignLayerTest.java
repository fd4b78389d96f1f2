package org.unifiedvolume.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.VirtualTime;

class AlignLayerTest {
    private static final int SIZE_BYTES = 64 * 1024;
    private static final int ROUNDS = 300;

    private final VirtualTime time = new VirtualTime();
    private final BufferPool pool = new BufferPool(8 << 20, true);
    private final IoContext io = new IoContext(pool, time, new RequestIds());

    @AfterEach
    void allMemoryIsGivenBack() {
        assertEquals(List.of(), pool.leaks());
        pool.close();
    }

    /// Answers each request after a random time.
    private final class SlowDevice implements BlockDevice {
        private final MemoryDevice below;
        private final Random random;
        private Outcome failure;

        SlowDevice(int blockBytes, Random random) {
            this.below =
                    new MemoryDevice(
                            new DeviceShape(
                                    SIZE_BYTES,
                                    blockBytes,
                                    4096,
                                    1 << 20,
                                    1,
                                    EnumSet.allOf(Ability.class)),
                            Locality.LOCAL,
                            io);
            this.random = random;
        }

        @Override
        public DeviceShape shape() {
            return below.shape();
        }

        @Override
        public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
            return below.locality(operation, offsetBytes, lengthBytes);
        }

        @Override
        public DeviceStatus status() {
            return below.status();
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            time.after(
                    random.nextInt(1000),
                    () -> {
                        if (failure != null) {
                            done.complete(request, failure);
                        } else {
                            below.submit(request, done);
                        }
                    });
        }

        @Override
        public void close() {
            below.close();
        }
    }

    private IoTag tag(Operation operation, long offset, long length) {
        return new IoTag(
                io.ids().next(), 0, operation, Locality.LOCAL, offset, length, 1, time.nanoTime());
    }

    private void write(BlockDevice device, long offset, byte[] bytes, List<Outcome> outcomes) {
        Buffers source = pool.allocate(bytes.length);
        source.copyFrom(0, MemorySegment.ofArray(bytes), 0, bytes.length);
        device.submit(
                new IoRequest.Write(
                        tag(Operation.WRITE, offset, bytes.length),
                        offset,
                        source,
                        Durability.VOLATILE),
                (_, outcome) -> {
                    source.release();
                    outcomes.add(outcome);
                });
    }

    private void zero(BlockDevice device, long offset, long length, List<Outcome> outcomes) {
        device.submit(
                new IoRequest.Zero(
                        tag(Operation.ZERO, offset, length),
                        offset,
                        length,
                        true,
                        false,
                        Durability.VOLATILE),
                (_, outcome) -> outcomes.add(outcome));
    }

    private byte[] read(BlockDevice device, long offset, long length) {
        List<Outcome> outcomes = new ArrayList<>();
        device.submit(
                new IoRequest.Read(tag(Operation.READ, offset, length), offset, length),
                (_, outcome) -> outcomes.add(outcome));
        time.runUntilIdle();
        Buffers bytes = assertInstanceOf(Outcome.Data.class, outcomes.getFirst()).buffers();
        byte[] copy = bytes.toBytes();
        bytes.release();
        return copy;
    }

    /// Neighbours that never overlap are changed all at once, off the grid, in requests that the
    /// device ends in any order: none may undo another.
    @ParameterizedTest
    @ValueSource(ints = {2, 512, 4096})
    void changesOfNeighboursLeaveEachOtherAlone(int blockBytes) {
        long seed = Long.getLong("align.seed", System.nanoTime());
        Random random = new Random(seed);
        SlowDevice slow = new SlowDevice(blockBytes, random);
        AlignLayer layer = new AlignLayer(slow, io);
        byte[] model = new byte[SIZE_BYTES];
        for (int round = 0; round < ROUNDS; round++) {
            List<Outcome> outcomes = new ArrayList<>();
            int count = 0;
            int at = random.nextInt(5000);
            while (at < SIZE_BYTES) {
                int length = Math.min(1 + random.nextInt(9000), SIZE_BYTES - at);
                if (random.nextInt(4) == 0) {
                    Arrays.fill(model, at, at + length, (byte) 0);
                    zero(layer, at, length, outcomes);
                } else {
                    byte[] bytes = new byte[length];
                    random.nextBytes(bytes);
                    System.arraycopy(bytes, 0, model, at, length);
                    write(layer, at, bytes, outcomes);
                }
                count++;
                at += length + (random.nextBoolean() ? 0 : random.nextInt(3000));
            }
            time.runUntilIdle();
            String again =
                    "seed %d; again: -Dtest=AlignLayerTest -Dalign.seed=%d".formatted(seed, seed);
            assertEquals(count, outcomes.size(), again);
            assertTrue(outcomes.stream().allMatch(Outcome::isSuccess), again);
            assertArrayEquals(model, slow.below.content().toArray(ValueLayout.JAVA_BYTE), again);
            int from = random.nextInt(SIZE_BYTES);
            int length = 1 + random.nextInt(Math.min(20_000, SIZE_BYTES - from));
            assertArrayEquals(
                    Arrays.copyOfRange(model, from, from + length),
                    read(layer, from, length),
                    again);
        }
    }

    /// One client writes a whole block while another changes a few bytes of it: these may be either
    /// one's afterwards, the others are the first one's.
    @Test
    void aWholeBlockIsNotUndoneByAChangeWithinIt() {
        long seed = Long.getLong("align.seed", System.nanoTime());
        Random random = new Random(seed);
        SlowDevice slow = new SlowDevice(512, random);
        AlignLayer layer = new AlignLayer(slow, io);
        for (int round = 1; round <= ROUNDS; round++) {
            List<Outcome> outcomes = new ArrayList<>();
            byte[] whole = new byte[512];
            Arrays.fill(whole, (byte) round);
            if (random.nextBoolean()) {
                write(layer, 512, whole, outcomes);
                write(layer, 600, new byte[10], outcomes);
            } else {
                write(layer, 600, new byte[10], outcomes);
                write(layer, 512, whole, outcomes);
            }
            time.runUntilIdle();
            byte[] bytes = read(layer, 512, 512);
            byte changed = bytes[88];
            assertTrue(changed == 0 || changed == (byte) round);
            Arrays.fill(whole, 88, 98, changed);
            assertArrayEquals(
                    whole,
                    bytes,
                    "seed %d; again: -Dtest=AlignLayerTest -Dalign.seed=%d".formatted(seed, seed));
        }
    }

    @Test
    void whatIsOnTheGridPassesAsItIs() {
        MemoryDevice below = new SlowDevice(512, new Random(1)).below;
        AlignLayer layer = new AlignLayer(below, io);
        List<Outcome> outcomes = new ArrayList<>();
        write(layer, 512, new byte[1024], outcomes);
        IoRequest.Read read = new IoRequest.Read(tag(Operation.READ, 512, 512), 512, 512);
        layer.submit(read, (_, outcome) -> outcome.discard());
        assertEquals(2, below.asked().size());
        assertSame(read, below.asked().getLast());
    }

    @Test
    void aFailureBelowIsAnsweredAndLetsTheNextOneGo() {
        SlowDevice slow = new SlowDevice(512, new Random(2));
        AlignLayer layer = new AlignLayer(slow, io);
        slow.failure = Outcome.failed(DeviceFault.Kind.IO, "as the test says");
        List<Outcome> outcomes = new ArrayList<>();
        write(layer, 100, new byte[1000], outcomes);
        write(layer, 200, new byte[10], outcomes);
        zero(layer, 300, 5000, outcomes);
        time.runUntilIdle();
        assertEquals(List.of(slow.failure, slow.failure, slow.failure), outcomes);
        slow.failure = null;
        write(layer, 100, new byte[] {1}, outcomes);
        time.runUntilIdle();
        assertTrue(outcomes.getLast().isSuccess());
        assertEquals(1, read(layer, 100, 1)[0]);
    }

    @Test
    void aDiscardGivesUpWholeBlocksOnly() {
        SlowDevice slow = new SlowDevice(512, new Random(3));
        slow.below.content().fill((byte) 5);
        AlignLayer layer = new AlignLayer(slow, io);
        List<Outcome> outcomes = new ArrayList<>();
        for (long[] range : new long[][] {{100, 200}, {100, 1000}, {0, 512}}) {
            layer.submit(
                    new IoRequest.Discard(
                            tag(Operation.DISCARD, range[0], range[1]),
                            range[0],
                            range[1],
                            Durability.VOLATILE),
                    (_, outcome) -> outcomes.add(outcome));
        }
        time.runUntilIdle();
        assertEquals(List.of(Outcome.Done.DONE, Outcome.Done.DONE, Outcome.Done.DONE), outcomes);
        byte[] bytes = read(layer, 0, 2048);
        assertEquals(0, bytes[511]);
        assertEquals(0, bytes[1023]);
        assertEquals(5, bytes[1024]);
    }

    @Test
    void extentsBeginWhereTheyWereAskedFor() {
        AlignLayer layer = new AlignLayer(new SlowDevice(512, new Random(4)), io);
        List<Outcome> outcomes = new ArrayList<>();
        layer.submit(
                new IoRequest.Locate(tag(Operation.LOCATE, 700, 5), 700, 5),
                (_, outcome) -> outcomes.add(outcome));
        time.runUntilIdle();
        Outcome.Located located = assertInstanceOf(Outcome.Located.class, outcomes.getFirst());
        assertEquals(5, located.extents().getFirst().lengthBytes());
    }
}
