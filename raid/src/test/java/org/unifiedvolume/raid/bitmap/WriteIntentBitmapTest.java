package org.unifiedvolume.raid.bitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.testkit.VirtualTime;

class WriteIntentBitmapTest {
    private static final UUID ARRAY = new UUID(7, 9);
    private static final long REGION = 1 << 20;
    private static final int REGIONS = 100;
    private final DeviceFault fault = new DeviceFault(DeviceFault.Kind.IO, "broken");

    private final VirtualTime time = new VirtualTime();
    private final ManualStore store = new ManualStore();
    private final List<DeviceFault> told = new ArrayList<>();
    private WriteIntentBitmap bitmap;

    /// Answers when the test says so.
    private static final class ManualStore implements BitmapStore {
        private final ArrayDeque<Consumer<DeviceFault>> writes = new ArrayDeque<>();
        private final ArrayDeque<Consumer<Boolean>> questions = new ArrayDeque<>();
        private byte[] disk = new byte[BitmapBlocks.BLOCK_BYTES];
        private int count;

        @Override
        public void write(int firstBlock, byte[] blocks, Consumer<DeviceFault> done) {
            disk = blocks;
            count++;
            writes.add(done);
        }

        @Override
        public void prepareClear(Consumer<Boolean> go) {
            questions.add(go);
        }

        private void answer(DeviceFault fault) {
            writes.remove().accept(fault);
        }

        private BitSet dirty() {
            BitSet dirty = new BitSet();
            assertEquals(0, BitmapBlocks.decode(ARRAY, disk, REGIONS, dirty));
            return dirty;
        }
    }

    @BeforeEach
    void makeBitmap() {
        bitmap = create();
    }

    private WriteIntentBitmap create() {
        long rows = REGIONS * REGION - 4096;
        return new WriteIntentBitmap(ARRAY, rows, REGION, store, time, 1_000);
    }

    private void dirtyAndIdle(int region) {
        if (!bitmap.enter(region * REGION, 1, told::add)) {
            store.answer(null);
        }
        bitmap.leave(region * REGION, 1);
    }

    @Test
    void aChangeWaitsForItsBitsAndTheNextOneDoesNot() {
        assertFalse(bitmap.enter(REGION - 1, 2, told::add));
        assertEquals(BitSet.valueOf(new byte[] {3}), store.dirty());
        assertTrue(told.isEmpty());
        store.answer(null);
        assertEquals(1, told.size());
        assertNull(told.getFirst());
        assertTrue(bitmap.enter(0, 2 * REGION, told::add));
        assertEquals(1, store.count);
    }

    @Test
    void changesThatWaitAtOneTimeShareOneWrite() {
        assertFalse(bitmap.enter(0, 1, told::add));
        assertFalse(bitmap.enter(5, 1, told::add), "the bit is on its way");
        for (int region = 1; region < 50; region++) {
            assertFalse(bitmap.enter(region * REGION, 1, told::add));
        }
        assertEquals(1, store.count);
        store.answer(null);
        assertEquals(2, told.size(), "both changes of region 0");
        assertEquals(2, store.count);
        store.answer(null);
        assertEquals(51, told.size());
        assertEquals(2, store.count);
    }

    @Test
    void afterAFaultTheOnesWhoWaitedHaveNotEnteredAndTheNextOneTriesAgain() {
        assertFalse(bitmap.enter(0, 1, told::add));
        store.answer(fault);
        assertEquals(List.of(fault), told);
        assertEquals(1, store.count, "nobody waits");
        assertFalse(bitmap.enter(0, 1, told::add));
        store.answer(null);
        bitmap.leave(0, 1);
        assertEquals(2, told.size());
    }

    @Test
    void aSaveThatFailsLeavesNoRegionDurable() {
        bitmap.markAll();
        bitmap.save(told::add);
        store.answer(fault);
        assertFalse(bitmap.enter(0, 1, told::add), "no bit is on disk");
    }

    @Test
    void aSaveMeanwhileDoesNotForgetChangesUnderWay() {
        assertFalse(bitmap.enter(0, 1, told::add));
        store.answer(null);
        bitmap.save(told::add);
        store.answer(null);
        time.advance(10_000);
        assertTrue(store.questions.isEmpty(), "a change is under way");
        bitmap.leave(0, 1);
        time.advance(10_000);
        store.questions.remove().accept(true);
        assertTrue(store.dirty().isEmpty());
    }

    @Test
    void aRegionLeftAloneIsClearedAndTheNextChangeWaitsAnew() {
        dirtyAndIdle(3);
        time.advance(1_000);
        assertTrue(store.questions.isEmpty(), "used since the last look");
        time.advance(1_000);
        store.questions.remove().accept(true);
        assertTrue(store.dirty().isEmpty());
        assertFalse(bitmap.enter(3 * REGION, 1, told::add));
        store.answer(null);
        assertTrue(store.dirty().get(3));
        store.answer(null);
        assertEquals(2, told.size());
    }

    @Test
    void aChangeThatComesDuringTheFlushKeepsItsRegionDirty() {
        dirtyAndIdle(3);
        time.advance(2_000);
        assertTrue(bitmap.enter(3 * REGION, 1, told::add));
        bitmap.leave(3 * REGION, 1);
        store.questions.remove().accept(true);
        assertTrue(bitmap.isDirty(3 * REGION));
        assertEquals(1, store.count);
    }

    @Test
    void anIdleBitmapPlansNothing() {
        dirtyAndIdle(3);
        time.advance(2_000);
        store.questions.remove().accept(true);
        store.answer(null);
        assertFalse(time.step());
    }

    @Test
    void whereNothingMayBeClearedNobodyAsksUntilItMayBe() {
        dirtyAndIdle(3);
        time.advance(2_000);
        store.questions.remove().accept(false);
        assertFalse(time.step());
        dirtyAndIdle(4);
        assertFalse(time.step());
        bitmap.mayClearAgain();
        time.advance(1_000);
        store.questions.remove().accept(true);
        assertEquals(REGION, bitmap.dirtyBytes(), "region 4 was used since the last look");
        time.advance(1_000);
        store.questions.remove().accept(true);
        assertEquals(0, bitmap.dirtyBytes());
    }

    @Test
    void aChangeOfMindDuringTheQuestionIsNotLost() {
        dirtyAndIdle(3);
        time.advance(2_000);
        bitmap.mayClearAgain();
        store.questions.remove().accept(false);
        time.advance(2_000);
        assertEquals(1, store.questions.size());
    }

    @Test
    void whatHasToStayDirtyStaysSo() {
        dirtyAndIdle(3);
        time.advance(2_000);
        bitmap.keepDirty(true);
        store.questions.remove().accept(true);
        assertTrue(bitmap.isDirty(3 * REGION));
        assertFalse(time.step());
        bitmap.keepDirty(false);
        time.advance(2_000);
        assertEquals(1, store.questions.size());
    }

    @Test
    void marksStayWithoutAChange() {
        assertFalse(bitmap.mark(2 * REGION, 3 * REGION, told::add));
        store.answer(null);
        assertEquals(1, told.size());
        assertTrue(bitmap.mark(2 * REGION, 3 * REGION, told::add));
        assertEquals(3 * REGION, bitmap.dirtyBytes());
        assertEquals(2 * REGION, bitmap.nextDirty(0));
        assertEquals(2 * REGION + 5, bitmap.nextDirty(2 * REGION + 5));
        assertEquals(REGIONS * REGION - 4096, bitmap.nextDirty(5 * REGION));
    }

    @Test
    void theLastRegionMayBeShort() {
        bitmap.markAll();
        assertEquals(REGIONS * REGION - 4096, bitmap.dirtyBytes());
    }

    @Test
    void aNewArrayAndAStoppedOneHaveAllBlocksWritten() {
        bitmap.clearAll(told::add);
        assertTrue(store.dirty().isEmpty());
        store.answer(null);
        assertFalse(bitmap.enter(0, 1, told::add));
        store.answer(null);
        bitmap.clearAll(told::add);
        assertTrue(store.dirty().get(0), "a change is under way");
        store.answer(null);
        bitmap.leave(0, 1);
        bitmap.clearAll(told::add);
        assertTrue(store.dirty().isEmpty());
        store.answer(null);
        assertEquals(4, told.size());
    }

    @Test
    void aMemberThatSaysLittleCountsAsAllDirty() {
        bitmap.markAll();
        bitmap.save(told::add);
        byte[] good = store.disk;
        assertEquals(0, create().load(List.of(good)));
        byte[] foreign = good.clone();
        foreign[100] ^= 1;
        for (byte[] bad : List.of(foreign, new byte[0], Arrays.copyOf(good, 4095))) {
            WriteIntentBitmap loaded = create();
            assertEquals(1, loaded.load(List.of(bad)));
            assertEquals(REGIONS * REGION - 4096, loaded.dirtyBytes());
        }
    }

    @Test
    void aStoreThatAnswersAtOnceDoesNotDeepenTheStack() {
        int[] entered = new int[1];
        WriteIntentBitmap[] made = new WriteIntentBitmap[1];
        BitmapStore prompt =
                new BitmapStore() {
                    @Override
                    public void write(int first, byte[] blocks, Consumer<DeviceFault> done) {
                        done.accept(null);
                    }

                    @Override
                    public void prepareClear(Consumer<Boolean> go) {
                        go.accept(true);
                    }
                };
        int count = 20_000;
        made[0] = new WriteIntentBitmap(ARRAY, count * REGION, REGION, prompt, time, 1_000);
        class Next implements WriteIntentBitmap.Waiter {
            @Override
            public void entered(DeviceFault fault) {
                int region = ++entered[0];
                if (region < count) {
                    assertFalse(made[0].enter(region * REGION, 1, this));
                }
            }
        }
        assertFalse(made[0].enter(0, 1, new Next()));
        assertEquals(count, entered[0]);
    }

    @Test
    void blocksLieAsDocumented() {
        BitSet dirty = new BitSet();
        dirty.set(9);
        dirty.set(32_704);
        byte[] blocks = BitmapBlocks.encode(new UUID(0x0102_0304_0506_0708L, 9), 0, 2, dirty);
        assertEquals(2, blocks[8 + 1]);
        assertEquals(1, blocks[4096 + 4], "the number of the second block");
        assertEquals(1, blocks[4096 + 8]);
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(new byte[] {1, 2, 3, 4});
        crc.update(blocks, 4, 4092);
        int stored =
                java.nio.ByteBuffer.wrap(blocks).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(0);
        assertEquals((int) crc.getValue(), stored);
    }
}
