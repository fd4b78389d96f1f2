package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.bitmap.BitmapBlocks;
import org.unifiedvolume.raid.bitmap.CleanBlocks;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest.Write;

/// Bugs of the write-intent bitmap.
final class BitmapBugs {
    private static final long LATE_NANOS = 30_000_000;

    private BitmapBugs() {}

    /// A bit reaches the disks after the change that it stands for.
    static final class SetsLate extends MetadataBug {
        SetsLate(Timers timers) {
            super(timers);
        }

        @Override
        void writeBitmap(BlockDevice disk, Superblock own, Write write, Completion done) {
            writeLate(disk, write, done, LATE_NANOS);
        }
    }

    /// A bit is cleared soon after it was set, whatever is under way and whoever lacks it.
    static final class ClearsEarly extends MetadataBug {
        ClearsEarly(Timers timers) {
            super(timers);
        }

        @Override
        void writeBitmap(BlockDevice disk, Superblock own, Write write, Completion done) {
            long into = write.offsetBytes() - own.areas().bitmap().offset();
            byte[] clean =
                    CleanBlocks.of(
                            own.array().uuid(),
                            (int) (into / BitmapBlocks.BLOCK_BYTES),
                            (int) (write.lengthBytes() / BitmapBlocks.BLOCK_BYTES));
            Write clearing = copyOf(write, clean);
            disk.submit(
                    write,
                    (_, outcome) -> {
                        timers().after(LATE_NANOS, () -> disk.submit(clearing, (_, _) -> {}));
                        done.complete(write, outcome);
                    });
        }
    }
}
