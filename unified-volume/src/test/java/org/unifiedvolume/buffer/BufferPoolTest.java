package org.unifiedvolume.buffer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.testkit.Seeds;

final class BufferPoolTest {
    private static final int KIB = 1024;
    private static final int MIB = 1024 * KIB;

    @ParameterizedTest
    @ValueSource(ints = {1, 4096, 4097, 16_384, 20_480, 65_536, 100_000, 262_144, 262_145, 5 * MIB})
    void aPayloadHasItsLengthIsAlignedAndCostsWhatWasSaid(int length) {
        try (BufferPool pool = new BufferPool(16 * MIB)) {
            Buffers payload = pool.allocate(length);
            assertEquals(length, payload.length());
            long sum = 0;
            for (int i = 0; i < payload.sliceCount(); i++) {
                assertEquals(0, payload.slice(i).address() % BufferPool.PAGE_BYTES);
                sum += payload.slice(i).length();
            }
            assertEquals(length, sum);
            assertEquals(BufferPool.costBytes(length), pool.outstandingBytes());
            assertTrue(pool.outstandingBytes() < 2L * Math.max(length, 4096));
            payload.release();
            assertEquals(0, pool.outstandingBytes());
        }
    }

    @Test
    void theCeilingIsReachedAndNeverPassed() {
        try (BufferPool pool = new BufferPool(2 * MIB)) {
            List<Block> blocks = new ArrayList<>();
            for (Block block = pool.allocateBlock(4096);
                    block != null;
                    block = pool.allocateBlock(4096)) {
                blocks.add(block);
            }
            assertEquals(2 * MIB / 4096, blocks.size());
            assertEquals(1, pool.spentCount());
            assertNull(pool.allocate(262_144));
            blocks.remove(blocks.size() - 1).release();
            assertNotNull(keep(blocks, pool.allocateBlock(1)));
            blocks.forEach(Block::release);
        }
    }

    private static Block keep(List<Block> blocks, Block block) {
        blocks.add(block);
        return block;
    }

    @Test
    void aLongPayloadThatDoesNotFitTakesNothing() {
        try (BufferPool pool = new BufferPool(MIB)) {
            assertNull(pool.allocate(MIB + 1));
            assertEquals(0, pool.outstandingBytes());
        }
    }

    @Test
    void memoryOfOneSizeServesAnotherWhenItIsFree() {
        try (BufferPool pool = new BufferPool(MIB)) {
            for (int size : new int[] {4096, 262_144, 16_384, 65_536, 4096}) {
                List<Block> blocks = new ArrayList<>();
                for (int i = 0; i < MIB / size; i++) {
                    blocks.add(pool.allocateBlock(size));
                }
                assertFalse(blocks.contains(null), "no room for blocks of " + size);
                blocks.forEach(Block::release);
            }
        }
    }

    @Test
    void noTwoBlocksShareMemory() {
        RandomGenerator random = Seeds.random(5);
        try (BufferPool pool = new BufferPool(8 * MIB)) {
            List<Block> blocks = new ArrayList<>();
            int number = 0;
            for (int i = 0; i < 20_000; i++) {
                if (random.nextInt(5) < 3) {
                    Block block = pool.allocateBlock(1 + random.nextInt(64 * KIB));
                    if (block != null) {
                        block.memory().set(ValueLayout.JAVA_INT, 0, ++number);
                        block.memory().set(ValueLayout.JAVA_INT, block.capacity() - 4, number);
                        blocks.add(block);
                    }
                } else if (!blocks.isEmpty()) {
                    Block block = blocks.remove(random.nextInt(blocks.size()));
                    assertEquals(
                            block.memory().get(ValueLayout.JAVA_INT, 0),
                            block.memory().get(ValueLayout.JAVA_INT, block.capacity() - 4));
                    block.release();
                }
            }
            blocks.forEach(Block::release);
        }
    }

    @Test
    void aBlockReturnsWithItsLastReference() {
        try (BufferPool pool = new BufferPool(MIB)) {
            Block block = pool.allocateBlock(4096);
            block.retain();
            assertFalse(block.isExclusive());
            block.release();
            assertTrue(block.isExclusive());
            assertEquals(4096, pool.outstandingBytes());
            block.release();
            assertEquals(0, pool.outstandingBytes());
        }
    }

    @Test
    void misuseIsNoticed() {
        try (BufferPool pool = new BufferPool(MIB)) {
            Block block = pool.allocateBlock(4096);
            block.release();
            assertThrows(AssertionError.class, block::retain);
        }
        BufferPool left = new BufferPool(MIB);
        Block held = left.allocateBlock(4096);
        assertThrows(AssertionError.class, left::close);
        held.release();
        left.close();
        assertThrows(IllegalArgumentException.class, () -> new BufferPool(1));
    }

    @Test
    void aTracedPoolNamesThoseWhoLeak() {
        try (BufferPool pool = new BufferPool(MIB, true)) {
            Buffers leaked = pool.allocate(16_384);
            pool.allocate(4096).release();
            assertEquals(1, pool.leaks().size());
            assertTrue(
                    Arrays.stream(pool.leaks().getFirst().getStackTrace())
                            .anyMatch(frame -> frame.getMethodName().contains("aTracedPool")));
            leaked.release();
            assertTrue(pool.leaks().isEmpty());
        }
    }

    @Test
    void freePagesGoBackToTheKernelAndReadAsZero() {
        try (BufferPool pool = new BufferPool(4 * MIB)) {
            Buffers payload = pool.allocate(2 * MIB);
            payload.slice(0).block().memory().fill((byte) 1);
            payload.release();
            assertEquals(2 * MIB, pool.trim());
            assertEquals(0, pool.trim(), "once is enough");
            Buffers again = pool.allocate(2 * MIB);
            for (int i = 0; i < again.sliceCount(); i++) {
                assertEquals(0, again.slice(i).block().memory().get(ValueLayout.JAVA_BYTE, 0));
            }
            again.release();
        }
    }

    @Test
    void whoCanDoWithoutMemoryIsAskedWhenThePoolIsSpent() {
        try (BufferPool pool = new BufferPool(MIB)) {
            List<Block> spare = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                spare.add(pool.allocateBlock(262_144));
            }
            BufferPool.Reclaimer reclaimer =
                    bytes -> {
                        for (long left = bytes; left > 0 && !spare.isEmpty(); left -= 262_144) {
                            spare.removeLast().release();
                        }
                        return !spare.isEmpty();
                    };
            pool.addReclaimer(reclaimer);
            Block block = pool.allocateBlock(262_144);
            assertNotNull(block);
            assertEquals(3, spare.size(), "no more than needed");
            assertEquals(0, pool.spentCount());
            pool.removeReclaimer(reclaimer);
            assertNull(pool.allocateBlock(262_144));
            block.release();
            spare.forEach(Block::release);
        }
    }

    @Nested
    final class OnThreadsWithMagazines {
        @Test
        void blocksMayBeFreedElsewhereAndAllComeBack() throws Exception {
            try (BufferPool pool = new BufferPool(32 * MIB)) {
                ConcurrentLinkedQueue<Block> passed = new ConcurrentLinkedQueue<>();
                AtomicReference<Throwable> failure = new AtomicReference<>();
                List<Thread> threads = new ArrayList<>();
                for (int t = 0; t < 4; t++) {
                    RandomGenerator random = Seeds.random(t);
                    threads.add(new Returning(() -> exchange(pool, passed, random), failure));
                }
                threads.forEach(Thread::start);
                for (Thread thread : threads) {
                    thread.join();
                }
                passed.forEach(Block::release);
                if (failure.get() != null) {
                    throw new AssertionError(failure.get());
                }
                assertEquals(0, pool.outstandingBytes());
            }
        }

        private void exchange(
                BufferPool pool, ConcurrentLinkedQueue<Block> passed, RandomGenerator random) {
            for (int i = 0; i < 20_000; i++) {
                Block block = pool.allocateBlock(1 << (8 + random.nextInt(11)));
                if (block != null) {
                    long mark = Thread.currentThread().threadId() * 1_000_000L + i;
                    block.memory().set(ValueLayout.JAVA_LONG, 0, mark);
                    Thread.onSpinWait();
                    assertEquals(mark, block.memory().get(ValueLayout.JAVA_LONG, 0));
                    passed.add(block);
                }
                if (random.nextInt(8) > 0) {
                    Block other = passed.poll();
                    if (other != null) {
                        other.release();
                    }
                }
            }
        }

        /// A thread of the data path that gives its blocks back when it ends.
        private static final class Returning extends PoolThread {
            private final AtomicReference<Throwable> failure;

            Returning(Runnable task, AtomicReference<Throwable> failure) {
                super(task, "test");
                this.failure = failure;
            }

            @Override
            public void run() {
                try {
                    super.run();
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                } finally {
                    returnBlocks();
                }
            }
        }
    }

    @Nested
    final class Payloads {
        private final BufferPool pool = new BufferPool(4 * MIB);

        private Buffers numbered(int length, int sliceBytes) {
            List<Buffers> parts = new ArrayList<>();
            for (int at = 0; at < length; at += sliceBytes) {
                int count = Math.min(sliceBytes, length - at);
                Buffers part = pool.allocate(count);
                byte[] bytes = new byte[count];
                for (int i = 0; i < count; i++) {
                    bytes[i] = (byte) (at + i);
                }
                part.copyFrom(0, MemorySegment.ofArray(bytes), 0, count);
                parts.add(part);
            }
            return Buffers.concat(parts.toArray(Buffers[]::new));
        }

        @Test
        void aPartOfAnyRangeHoldsTheRightBytes() {
            Buffers whole = numbered(1000, 77);
            byte[] all = whole.toBytes();
            for (int from = 0; from <= 1000; from += 13) {
                for (int to = from; to <= 1000; to += 91) {
                    byte[] expected = Arrays.copyOfRange(all, from, to);
                    assertTrue(Arrays.equals(expected, whole.part(from, to - from).toBytes()));
                }
            }
            assertThrows(AssertionError.class, () -> whole.part(999, 2));
            assertThrows(AssertionError.class, () -> whole.part(-1, 2));
            whole.release();
            pool.close();
        }

        @Test
        void copyingBetweenPayloadsKeepsTheirOrder() {
            Buffers source = numbered(500, 33);
            Buffers target = pool.allocate(600);
            target.zero(0, 600);
            target.copyFrom(100, source);
            byte[] bytes = target.toBytes();
            assertEquals(0, bytes[99]);
            for (int i = 0; i < 500; i++) {
                assertEquals((byte) i, bytes[100 + i]);
            }
            source.release();
            target.release();
            pool.close();
        }

        @Test
        void alignmentIsThatOfEverySlice() {
            Buffers payload = pool.allocate(8192);
            assertTrue(payload.isAligned(4096));
            assertFalse(payload.part(1, 4096).isAligned(512));
            assertFalse(payload.part(0, 4095).isAligned(512));
            Set<Long> addresses = new HashSet<>();
            for (int i = 0; i < payload.sliceCount(); i++) {
                addresses.add(payload.slice(i).address());
            }
            assertEquals(payload.sliceCount(), addresses.size());
            payload.release();
            pool.close();
        }
    }
}
