package org.unifiedvolume.raid.bitmap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;

/// The bitmap areas of some legs as a power cut would leave them, and which changes are not yet
/// durable on which leg.
final class ModelLegs {
    static final UUID ARRAY = new UUID(0x0123_4567_89ab_cdefL, 42);

    private static final int SECTOR_BYTES = 512;

    /// A change that was sent, until it is durable on all legs.
    static final class Change {
        final int first;
        final int last;

        /// For each leg and region: 0 lacks it, 1 has it, 2 has it durably.
        private final int[][] has;

        /// To which legs it was sent that did not leave since.
        final boolean[] sentTo;

        boolean underWay = true;

        Change(int first, int last, boolean[] takesChanges) {
            this.first = first;
            this.last = last;
            this.sentTo = takesChanges.clone();
            this.has = new int[takesChanges.length][last - first + 1];
        }

        void landed(int leg) {
            Arrays.setAll(has[leg], i -> Math.max(has[leg][i], 1));
        }

        boolean covers(int region) {
            return first <= region && region <= last;
        }

        void copied(int leg, int region) {
            has[leg][region - first] = 2;
        }

        private boolean isAtRisk(int region) {
            return Arrays.stream(has).anyMatch(leg -> leg[region - first] < 2);
        }
    }

    final int count;
    final boolean[] takesBitmap;
    final boolean[] takesChanges;
    final byte[][] bitmaps;
    private final int regions;

    /// What the bitmaps say; null where they have changed since.
    private final BitSet[] dirty;

    private List<Change> changes = new ArrayList<>();

    ModelLegs(int count, int regions) {
        this.count = count;
        this.regions = regions;
        this.takesBitmap = new boolean[count];
        this.takesChanges = new boolean[count];
        Arrays.fill(takesBitmap, true);
        Arrays.fill(takesChanges, true);
        this.dirty = new BitSet[count];
        this.bitmaps = new byte[count][BitmapBlocks.count(regions) * BitmapBlocks.BLOCK_BYTES];
    }

    Change send(int first, int last) {
        Change change = new Change(first, last, takesChanges);
        changes.add(change);
        return change;
    }

    /// A leg that takes part is gone; what it was sent and has not answered, it may lack.
    void leave(int leg) {
        takesBitmap[leg] = false;
        takesChanges[leg] = false;
        changes.forEach(change -> change.sentTo[leg] = false);
    }

    /// The changes that a flush that begins now makes durable on a leg.
    List<Runnable> flush(int leg) {
        List<Runnable> done = new ArrayList<>();
        for (Change change : changes) {
            for (int i = 0; i < change.has[leg].length; i++) {
                int[] has = change.has[leg];
                int at = i;
                if (has[at] == 1) {
                    done.add(() -> has[at] = 2);
                }
            }
        }
        return done;
    }

    /// Copies a region from the other legs, unless a change of it is under way that the leg is not
    /// sent.
    boolean copy(int leg, int region) {
        for (Change change : changes) {
            if (change.underWay && change.covers(region) && !change.sentTo[leg]) {
                return false;
            }
        }
        for (Change change : changes) {
            if (!change.underWay && change.covers(region)) {
                change.copied(leg, region);
            }
        }
        return true;
    }

    /// After a power cut: what was under way is over, and legs that were running are made alike
    /// where they say so.
    void resync(BitSet dirty) {
        for (Change change : changes) {
            change.underWay = false;
            for (int region = change.first; region <= change.last; region++) {
                for (int leg = 0; leg < count; leg++) {
                    if (takesChanges[leg] && dirty.get(region)) {
                        change.copied(leg, region);
                    }
                }
            }
        }
        forgetDurable();
    }

    void forgetDurable() {
        changes.removeIf(
                change -> {
                    for (int region = change.first; region <= change.last; region++) {
                        if (change.isAtRisk(region)) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    /// What one leg's bitmap says; not to be changed.
    BitSet dirtyOn(int leg) {
        if (dirty[leg] == null) {
            dirty[leg] = new BitSet();
            BitmapBlocks.decode(ARRAY, bitmaps[leg], regions, dirty[leg]);
        }
        return dirty[leg];
    }

    /// Every region where legs may differ is dirty on each leg by itself.
    void check(String when) {
        forgetDurable();
        for (int leg = 0; leg < count; leg++) {
            if (takesBitmap[leg] && takesChanges[leg]) {
                BitSet told = dirtyOn(leg);
                for (Change change : changes) {
                    checkChange(change, told, leg, when);
                }
            }
        }
    }

    private static void checkChange(Change change, BitSet dirty, int leg, String when) {
        for (int region = change.first; region <= change.last; region++) {
            if (change.isAtRisk(region) && !dirty.get(region)) {
                throw new AssertionError(
                        "%s: legs may differ in region %d, which is clean on leg %d"
                                .formatted(when, region, leg));
            }
        }
    }

    /// A write of blocks reaches a leg whole.
    void write(int leg, int firstBlock, byte[] blocks) {
        dirty[leg] = null;
        System.arraycopy(
                blocks, 0, bitmaps[leg], firstBlock * BitmapBlocks.BLOCK_BYTES, blocks.length);
    }

    /// A write is cut off: each sector is the old one, the new one or rubbish.
    void tear(int leg, int firstBlock, byte[] blocks, RandomGenerator random) {
        dirty[leg] = null;
        for (int at = 0; at < blocks.length; at += SECTOR_BYTES) {
            int to = firstBlock * BitmapBlocks.BLOCK_BYTES + at;
            switch (random.nextInt(5)) {
                case 0, 1 -> {}
                case 2, 3 -> System.arraycopy(blocks, at, bitmaps[leg], to, SECTOR_BYTES);
                default -> Arrays.fill(bitmaps[leg], to, to + SECTOR_BYTES, (byte) 0);
            }
        }
    }
}
