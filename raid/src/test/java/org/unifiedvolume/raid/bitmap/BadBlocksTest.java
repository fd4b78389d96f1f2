package org.unifiedvolume.raid.bitmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.testkit.Seeds;

class BadBlocksTest {
    private static final int ROWS = 2000;

    @Test
    void aFullListTakesNoMoreAndStaysAsItIs() {
        BadBlocks bad = new BadBlocks(ROWS);
        for (int i = 0; i < BadBlocks.MAX_RANGES; i++) {
            assertTrue(bad.add(i * 4L, 3));
        }
        List<BadBlocks.Range> full = bad.ranges();
        assertFalse(bad.add(1900, 1));
        assertFalse(bad.remove(1, 1), "would take two ranges for one");
        assertEquals(full, bad.ranges());
        assertTrue(bad.add(3, 1), "joins two ranges");
        assertTrue(bad.add(1900, 1));
    }

    @Test
    void theListIsTheSetOfWhatWasAddedAndNotRemoved() {
        Seeds.each(
                200,
                "BadBlocksTest#theListIsTheSetOfWhatWasAddedAndNotRemoved",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    BadBlocks bad = new BadBlocks(ROWS);
                    BitSet model = new BitSet();
                    for (int i = 0; i < 200; i++) {
                        step(bad, model, random);
                    }
                });
    }

    private static void step(BadBlocks bad, BitSet model, RandomGenerator random)
            throws DeviceFault {
        int row = random.nextInt(ROWS);
        int end = Math.min(ROWS, row + 1 + random.nextInt(random.nextBoolean() ? 4 : 300));
        assertEquals(!model.get(row, end).isEmpty(), bad.overlaps(row, end - row));
        boolean isAdded = random.nextInt(3) > 0;
        boolean hadRoom = isAdded ? bad.add(row, end - row) : bad.remove(row, end - row);
        assertTrue(hadRoom);
        model.set(row, end, isAdded);
        BadBlocks read = BadBlocks.decode(bad.encode(), ROWS);
        assertEquals(bad.ranges(), read.ranges());
        BitSet told = new BitSet();
        int before = -1;
        for (BadBlocks.Range range : read.ranges()) {
            assertTrue(range.row() > before, "ranges in order that do not touch");
            before = (int) (range.row() + range.lengthBytes());
            told.set((int) range.row(), before);
        }
        assertEquals(model, told);
        assertEquals(model.isEmpty(), bad.isEmpty());
    }

    @Test
    void aListThatIsNotWhatItShouldBeIsRefused() throws DeviceFault {
        BadBlocks bad = new BadBlocks(ROWS);
        bad.add(1990, 10);
        byte[] block = bad.encode();
        assertArrayEquals(block, BadBlocks.decode(block, ROWS).encode());
        assertThrows(DeviceFault.class, () -> BadBlocks.decode(block, ROWS - 1));
        assertThrows(DeviceFault.class, () -> BadBlocks.decode(new byte[4096], ROWS));
        assertThrows(DeviceFault.class, () -> BadBlocks.decode(new byte[7], ROWS));
        block[2000] ^= 4;
        assertThrows(DeviceFault.class, () -> BadBlocks.decode(block, ROWS));
    }
}
