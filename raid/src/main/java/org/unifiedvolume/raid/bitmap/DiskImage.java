package org.unifiedvolume.raid.bitmap;

import java.util.BitSet;
import java.util.UUID;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/// What the disk shall hold, and what of it is not there yet.
///
/// ```
///            set                takeOff               land
///  clean ──────────► lacking ───────────► flying ─────────────► durable
///    ▲                  ▲                    │ it failed           │
///    │                  └────────────────────┘                     │
///    └──────────────────────── clear ──────────────────────────────┘
/// ```
///
/// Not safe for concurrent callers: [WriteIntentBitmap] calls it under its lock.
final class DiskImage {
    /// Blocks on their way to the disk.
    static final class Flight {
        private final int firstBlock;
        private final byte[] blocks;

        private Flight(int firstBlock, byte[] blocks) {
            this.firstBlock = firstBlock;
            this.blocks = blocks;
        }

        int firstBlock() {
            return firstBlock;
        }

        byte[] blocks() {
            return blocks;
        }
    }

    private final UUID array;
    private final int regionCount;
    private final BitSet dirty;

    /// Of the dirty regions those whose bits are neither on disk nor on the way there.
    private final BitSet lacking;

    /// Of the dirty regions those whose bits are on the way and may not be on disk yet.
    private final BitSet flying;

    private final BitSet changedBlocks;

    DiskImage(UUID array, int regionCount) {
        this.array = array;
        this.regionCount = regionCount;
        this.dirty = new BitSet(regionCount);
        this.lacking = new BitSet(regionCount);
        this.flying = new BitSet(regionCount);
        this.changedBlocks = new BitSet(blockCount());
    }

    int blockCount() {
        return BitmapBlocks.count(regionCount);
    }

    /// Adds what one member holds.
    ///
    /// @param blocks from the first one on
    /// @return how many blocks were not what they should be
    int add(byte[] blocks) {
        int bad = BitmapBlocks.decode(array, blocks, regionCount, dirty);
        takeAllAsLacking();
        return bad;
    }

    void setAll() {
        dirty.set(0, regionCount);
        takeAllAsLacking();
    }

    /// What one member holds may not be on another one.
    private void takeAllAsLacking() {
        lacking.or(dirty);
        changeAll();
    }

    /// All blocks have to be written, whether or not they have changed.
    void changeAll() {
        changedBlocks.set(0, blockCount());
    }

    /// The bit of a region whose bit is not durable shall be.
    ///
    /// @return whether it takes another write than the one under way
    boolean set(int region) {
        if (flying.get(region)) {
            return false;
        }
        dirty.set(region);
        lacking.set(region);
        changedBlocks.set(region / BitmapBlocks.REGIONS);
        return true;
    }

    /// The region is clean. If its bit is on the way, it is not durable when it has arrived, as the
    /// next write takes it back.
    void clear(int region) {
        dirty.clear(region);
        lacking.clear(region);
        flying.clear(region);
        changedBlocks.set(region / BitmapBlocks.REGIONS);
    }

    boolean isDirty(int region) {
        return dirty.get(region);
    }

    boolean isClean() {
        return dirty.isEmpty();
    }

    /// The first dirty region from one on; the number of regions if there is none.
    int nextDirty(int region) {
        int next = dirty.nextSetBit(region);
        return next < 0 ? regionCount : next;
    }

    /// The dirty regions as they are now.
    IntStream dirtyRegions() {
        return ((BitSet) dirty.clone()).stream();
    }

    int dirtyCount() {
        return dirty.cardinality();
    }

    /// Whether the disk may hold something else than it shall.
    boolean hasChanges() {
        return !changedBlocks.isEmpty();
    }

    /// The blocks to write: everything from the first that has changed to the last. They are few,
    /// so one write is cheaper than several. [#land] comes next.
    Flight takeOff() {
        int first = changedBlocks.nextSetBit(0);
        int count = changedBlocks.length() - first;
        byte[] blocks = BitmapBlocks.encode(array, first, count, dirty);
        flying.or(lacking);
        lacking.clear();
        changedBlocks.clear();
        return new Flight(first, blocks);
    }

    /// The blocks have reached the disk.
    ///
    /// @param durable told of each region whose bit is durable from now on
    void land(IntConsumer durable) {
        flying.stream().forEach(durable);
        flying.clear();
    }

    /// The blocks may or may not have reached the disk.
    void crash(Flight flight) {
        lacking.or(flying);
        flying.clear();
        int count = flight.blocks.length / BitmapBlocks.BLOCK_BYTES;
        changedBlocks.set(flight.firstBlock, flight.firstBlock + count);
    }
}
