package org.unifiedvolume.raid.badblock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Seeds;

class BadBlocksTest {
    private static final int ROWS = 2000;

    @Test
    void aFullListHasNoRoomForMoreUnlessRangesJoin() {
        BadBlocks bad = BadBlocks.NONE;
        for (int i = 0; i < BadBlocks.MAX_RANGES; i++) {
            bad = bad.plus(i * 4L, 3);
        }
        assertTrue(bad.fits());
        assertFalse(bad.plus(1900, 1).fits());
        assertFalse(bad.minus(1, 1).fits(), "would take two ranges for one");
        assertTrue(bad.plus(3, 1).plus(1900, 1).fits(), "joins two ranges");
    }

    @Test
    void theListIsTheSetOfWhatWasAddedAndNotRemoved() {
        Seeds.each(
                200,
                "BadBlocksTest#theListIsTheSetOfWhatWasAddedAndNotRemoved",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    BadBlocks bad = BadBlocks.NONE;
                    BitSet model = new BitSet();
                    for (int i = 0; i < 200; i++) {
                        bad = step(bad, model, random);
                    }
                });
    }

    private static BadBlocks step(BadBlocks bad, BitSet model, RandomGenerator random) {
        int row = random.nextInt(ROWS);
        int end = Math.min(ROWS, row + 1 + random.nextInt(random.nextBoolean() ? 4 : 300));
        assertEquals(!model.get(row, end).isEmpty(), bad.overlaps(row, end - row));
        assertEquals(model.nextClearBit(row) >= end, bad.covers(row, end - row));
        boolean isAdded = random.nextInt(3) > 0;
        BadBlocks next = isAdded ? bad.plus(row, end - row) : bad.minus(row, end - row);
        model.set(row, end, isAdded);
        BitSet told = new BitSet();
        int before = -1;
        for (BadBlocks.Range range : next.ranges()) {
            assertTrue(range.row() > before, "ranges in order that do not touch");
            before = (int) range.end();
            told.set((int) range.row(), before);
        }
        assertEquals(model, told);
        assertEquals(model.isEmpty(), next.isEmpty());
        assertEquals(model.cardinality(), next.totalBytes());
        return next;
    }
}
