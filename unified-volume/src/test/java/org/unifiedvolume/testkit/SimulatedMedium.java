package org.unifiedvolume.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/// What a simulated disk holds, sector by sector: what readers find, what is durable, and the
/// changes between the two.
///
/// It keeps book of its sectors that cannot be read and of those that lie: that hold, without
/// anybody having been told, something else than was written there last. A sector is an array that
/// nobody changes any more; null is a sector of zeroes.
final class SimulatedMedium {
    /// A change that has taken effect and that a power cut may lose.
    private static final class Change {
        private final int number;
        private final int first;
        private final int count;

        /// What it writes; null if it was acknowledged and never done.
        private final byte[][] sectors;

        /// Whether its sectors are not what belongs there.
        private final boolean lies;

        Change(int number, int first, int count, byte[][] sectors, boolean lies) {
            this.number = number;
            this.first = first;
            this.count = count;
            this.sectors = sectors;
            this.lies = lies;
        }
    }

    /// Everything that a disk held at one moment.
    static final class Snapshot {
        private final byte[][] sectors;
        private final BitSet lying;
        private final BitSet unreadable;

        private Snapshot(SimulatedMedium medium) {
            sectors = medium.view.clone();
            lying = (BitSet) medium.lying.clone();
            unreadable = (BitSet) medium.unreadable.clone();
        }
    }

    private final int sectorBytes;
    private final int sectorsPerBlock;
    private byte[][] view;
    private byte[][] durable;
    private int[] durableNumbers;
    private BitSet lying = new BitSet();
    private BitSet lyingDurably = new BitSet();
    private BitSet unreadable = new BitSet();
    private List<Change> unflushed = new ArrayList<>();
    private int changes;

    SimulatedMedium(int sectors, int sectorBytes, int sectorsPerBlock) {
        this.sectorBytes = sectorBytes;
        this.sectorsPerBlock = sectorsPerBlock;
        this.view = new byte[sectors][];
        this.durable = new byte[sectors][];
        this.durableNumbers = new int[sectors];
    }

    int sectorBytes() {
        return sectorBytes;
    }

    int sectorCount() {
        return view.length;
    }

    /// How many changes there were so far.
    int changes() {
        return changes;
    }

    /// What a reader finds; null for zeroes.
    byte[] sector(int index) {
        return view[index];
    }

    /// A change takes effect.
    ///
    /// @param sectors what it writes; they are the medium's from now on
    void apply(int first, byte[][] sectors, boolean isDurable, boolean lies) {
        int end = first + sectors.length;
        System.arraycopy(sectors, 0, view, first, sectors.length);
        lying.set(first, end, lies);
        unreadable.clear(first, end);
        remember(new Change(++changes, first, sectors.length, sectors, lies), isDurable);
    }

    /// A change is said to have taken effect, and has not.
    void pretend(int first, byte[][] sectors, boolean isDurable) {
        for (int i = 0; i < sectors.length; i++) {
            if (!Arrays.equals(sectors[i], view[first + i])) {
                lying.set(first + i);
            }
        }
        remember(new Change(++changes, first, sectors.length, null, true), isDurable);
    }

    private void remember(Change change, boolean isDurable) {
        if (isDurable) {
            harden(change);
        } else {
            unflushed.add(change);
        }
    }

    /// Makes durable what had taken effect when there had been so many changes.
    void flush(int changesBefore) {
        List<Change> younger = new ArrayList<>();
        for (Change change : unflushed) {
            if (change.number <= changesBefore) {
                harden(change);
            } else {
                younger.add(change);
            }
        }
        unflushed = younger;
    }

    private void harden(Change change) {
        for (int i = 0; i < change.count; i++) {
            harden(change, i);
        }
    }

    private void harden(Change change, int at) {
        int sector = change.first + at;
        if (durableNumbers[sector] < change.number) {
            durableNumbers[sector] = change.number;
            if (change.sectors == null) {
                lyingDurably.set(sector, lying.get(sector));
            } else {
                durable[sector] = change.sectors[at];
                lyingDurably.set(sector, change.lies);
            }
        }
    }

    /// The power goes: what is volatile is lost, wholly, in part or not at all.
    void powerCut(Random random, FaultCounts counts) {
        for (Change change : unflushed) {
            // All of it, any part of it, or nothing.
            int mode = change.sectors == null ? 2 : random.nextInt(3);
            if (mode == 0) {
                harden(change);
            } else if (mode == 1) {
                tear(change, random, counts);
            } else {
                counts.count(DiskFault.LOST_CHANGE);
            }
        }
        unflushed = new ArrayList<>();
        view = durable.clone();
        lying = (BitSet) lyingDurably.clone();
    }

    private void tear(Change change, Random random, FaultCounts counts) {
        BitSet kept = new BitSet();
        for (int i = 0; i < change.count; i++) {
            if (random.nextBoolean()) {
                kept.set(i);
                harden(change, i);
            }
        }
        countTears(kept, change.first, change.count, counts);
    }

    /// Counts what became of a change of which only some sectors are on the medium.
    void countTears(BitSet kept, int first, int count, FaultCounts counts) {
        int survivors = kept.cardinality();
        if (survivors == 0) {
            counts.count(DiskFault.LOST_CHANGE);
            return;
        }
        if (survivors == count) {
            return;
        }
        counts.count(DiskFault.TORN_CHANGE);
        for (int at = 0; at < count; ) {
            int end = Math.min(count, at + sectorsPerBlock - (first + at) % sectorsPerBlock);
            int inBlock = kept.get(at, end).cardinality();
            if (inBlock > 0 && inBlock < end - at) {
                counts.count(DiskFault.TORN_BLOCK);
            }
            at = end;
        }
    }

    /// A bit flips, durably.
    void rot(int sector, int bit) {
        byte[] old = view[sector];
        byte[] rotten = old == null ? new byte[sectorBytes] : old.clone();
        rotten[bit / 8] ^= (byte) (1 << (bit % 8));
        view[sector] = rotten;
        durable[sector] = rotten;
        durableNumbers[sector] = ++changes;
        lying.set(sector);
        lyingDurably.set(sector);
    }

    /// A sector cannot be read until it is written again.
    void spoil(int sector) {
        unreadable.set(sector);
    }

    /// The first sector of a range that cannot be read; -1 if there is none.
    int firstUnreadable(int first, int count) {
        int found = unreadable.nextSetBit(first);
        return found >= 0 && found < first + count ? found : -1;
    }

    /// The sectors of a range that cannot be read or lie.
    BitSet flaws(int first, int count) {
        BitSet flaws = (BitSet) lying.clone();
        flaws.or(unreadable);
        flaws.clear(0, first);
        flaws.clear(first + count, Math.max(first + count, flaws.length()));
        return flaws;
    }

    /// Whether a power cut could bring back something wrong that was written over since.
    boolean mayLieAgain() {
        return !lyingDurably.isEmpty() || unflushed.stream().anyMatch(change -> change.lies);
    }

    /// The unreadable sectors are well again, with what they held.
    void mend() {
        unreadable.clear();
    }

    Snapshot snapshot() {
        return new Snapshot(this);
    }

    /// Everything is durably as it was at that moment.
    void restore(Snapshot snapshot) {
        view = snapshot.sectors.clone();
        durable = snapshot.sectors.clone();
        Arrays.fill(durableNumbers, ++changes);
        lying = (BitSet) snapshot.lying.clone();
        lyingDurably = (BitSet) snapshot.lying.clone();
        unreadable = (BitSet) snapshot.unreadable.clone();
        unflushed = new ArrayList<>();
    }
}
