package org.unifiedvolume.raid.integrity;

import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;

/// The blocks of the area that tell of a range of data, held in memory for one request.
final class BlockUse {
    /// Who needs them.
    @FunctionalInterface
    interface User {
        /// Told exactly once, on any thread; must not block.
        ///
        /// @param fault why they cannot be had, and are not held; null if they are
        void ready(DeviceFault fault);
    }

    private final ChecksumArea area;
    private final long firstData;
    private final ChecksumBlock[] blocks;
    private final AtomicInteger pending = new AtomicInteger();
    private DeviceFault fault;

    /// @param first the number of the first block of data
    /// @param count how many
    BlockUse(ChecksumArea area, long first, long count) {
        this.area = area;
        this.firstData = first;
        long from = first / ChecksumSectors.ENTRIES;
        long last = (first + count - 1) / ChecksumSectors.ENTRIES;
        this.blocks = new ChecksumBlock[Math.toIntExact(last - from + 1)];
    }

    /// Asks for them.
    ///
    /// @param mayBeLost whether what cannot be read shall count as lost
    void begin(boolean mayBeLost, User user) {
        long from = firstData / ChecksumSectors.ENTRIES;
        pending.set(blocks.length);
        for (int i = 0; i < blocks.length; i++) {
            int index = i;
            area.use(
                    from + i,
                    mayBeLost,
                    (block, why) -> {
                        given(index, block, why);
                        if (pending.decrementAndGet() == 0) {
                            end(user);
                        }
                    });
        }
    }

    private synchronized void given(int index, ChecksumBlock block, DeviceFault why) {
        blocks[index] = block;
        fault = why == null ? fault : why;
    }

    private void end(User user) {
        DeviceFault why;
        synchronized (this) {
            why = fault;
        }
        if (why != null) {
            giveBack();
        }
        user.ready(why);
    }

    /// They need not stay in memory any more.
    synchronized void giveBack() {
        for (ChecksumBlock block : blocks) {
            if (block != null) {
                area.giveBack(block);
            }
        }
    }

    private ChecksumBlock blockOf(long number) {
        return blocks[
                (int) (number / ChecksumSectors.ENTRIES - firstData / ChecksumSectors.ENTRIES)];
    }

    /// What is kept of a block of data.
    int get(long number) {
        return blockOf(number).get((int) (number % ChecksumSectors.ENTRIES));
    }

    void set(long number, int entry) {
        blockOf(number).set((int) (number % ChecksumSectors.ENTRIES), entry);
    }

    /// Says the same of several blocks.
    void setAll(long first, long count, int entry) {
        for (long number = first; number < first + count; number++) {
            set(number, entry);
        }
    }

    /// How many writes [#save] makes.
    int saveCount() {
        return blocks.length;
    }

    /// Writes them to the member; each write is told of on its own.
    void save(Durability durability, ChecksumBlock.Saver saver) {
        for (ChecksumBlock block : blocks) {
            area.save(block, durability, saver);
        }
    }
}
