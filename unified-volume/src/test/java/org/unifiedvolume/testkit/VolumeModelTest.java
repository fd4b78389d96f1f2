package org.unifiedvolume.testkit;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// The model allows what a block device may do, and nothing else.
class VolumeModelTest {
    private static final int SECTOR = 4096;
    private static final int UNIT = 512;

    private final VolumeModel model = new VolumeModel(8, SECTOR, UNIT);

    private byte[] written(int first, int count) {
        Change change = model.write(first, count);
        byte[] bytes = model.bytes(change);
        model.acknowledged(change, false);
        return bytes;
    }

    private void finds(int first, byte[] bytes) {
        model.check(model.begin(), first, bytes);
    }

    private void refuses(int first, byte[] bytes, String why) {
        long began = model.begin();
        AssertionError refused =
                assertThrows(AssertionError.class, () -> model.check(began, first, bytes));
        assertTrue(refused.getMessage().contains(why), refused.getMessage());
    }

    @Test
    void whatWasAcknowledgedIsFound() {
        byte[] old = written(1, 2);
        byte[] bytes = written(1, 2);
        finds(1, bytes);
        refuses(1, old, "sector 1, byte 0, holds change 1: only [2] may be there");
        refuses(1, new byte[SECTOR], "holds change 0");
    }

    @Test
    void theBytesOfAnotherSectorAreKnownAsSuch() {
        byte[] bytes = written(1, 2);
        byte[] second = Arrays.copyOfRange(bytes, SECTOR, 2 * SECTOR);
        refuses(1, second, "holds change 1 of sector 2");
    }

    @Test
    void aSectorIsTornOnlyBetweenUnitsThatMayBothBeThere() {
        byte[] old = written(3, 1);
        byte[] torn = written(3, 1);
        System.arraycopy(old, 0, torn, UNIT, UNIT);
        refuses(3, torn, "sector 3, byte 512, holds change 1");
        model.powerCut();
        finds(3, torn);
        torn[UNIT + 8]++;
        refuses(3, torn, "garbled");
    }

    @Test
    void whatWasFlushedOutlivesAPowerCut() {
        byte[] old = written(3, 1);
        byte[] durable = written(3, 1);
        model.flushed(model.begin());
        byte[] young = written(3, 1);
        model.powerCut();
        finds(3, durable);
        finds(3, young);
        refuses(3, old, "holds change 1");
        finds(4, new byte[SECTOR]);
    }

    @Test
    void aTornSectorStaysAsItWasFound() {
        byte[] old = written(3, 1);
        byte[] torn = written(3, 1);
        byte[] whole = torn.clone();
        System.arraycopy(old, 0, torn, UNIT, UNIT);
        model.powerCut();
        finds(3, torn);
        model.pin(3, torn);
        finds(3, torn);
        refuses(3, whole, "sector 3, byte 512, holds change 2");
    }

    @Test
    void aForsakenChangeMayLeaveAnythingUntilTheNextWriteButOnlyInItsRange() {
        byte[] before = written(2, 1);
        model.flushed(model.begin());
        Change change = model.write(3, 2);
        model.forsake(change);
        model.processEnds();
        byte[] garbage = new byte[SECTOR];
        for (int i = 0; i < SECTOR; i++) {
            garbage[i] = (byte) (i * 31);
        }
        finds(3, garbage);
        finds(4, garbage);
        refuses(2, garbage, "garbled");
        refuses(5, garbage, "garbled");
        finds(2, before);
        byte[] after = written(3, 1);
        finds(3, after);
        refuses(3, garbage, "garbled");
    }

    @Test
    void whatAForsakenChangeLeftStaysAsItWasFound() {
        Change change = model.write(3, 1);
        model.forsake(change);
        model.powerCut();
        byte[] garbage = new byte[SECTOR];
        Arrays.fill(garbage, (byte) 5);
        garbage[7] = 6;
        finds(3, garbage);
        model.pin(3, garbage);
        finds(3, garbage);
        garbage[7] = 7;
        refuses(3, garbage, "garbled");
    }

    @Test
    void aDiscardLeavesWhatWasThereOrZeroes() {
        byte[] old = written(3, 1);
        Change discard = model.discard(3, 1);
        model.acknowledged(discard, false);
        finds(3, old);
        finds(3, new byte[SECTOR]);
        refuses(3, written(4, 1), "of sector 4");
    }
}
