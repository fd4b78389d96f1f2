package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.BitSet;
import java.util.List;
import org.unifiedvolume.raid.bitmap.BitmapBlocks;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberIo;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.testkit.SimulatedDisk;

/// Looks at the bitmaps on the disks of an array that is not running.
///
/// @param metadata where its members keep what is not data
record DirtyOnDisk(MetadataPlace metadata) {
    /// Tells what any disk says is dirty.
    void tell(List<SimulatedDisk> disks, ResyncWatch watch) throws IOException {
        BitSet dirty = new BitSet();
        long regionBytes = 0;
        for (SimulatedDisk disk : disks) {
            Superblock superblock = SuperblockSlots.read(new View(disk), metadata).current();
            if (superblock == null || superblock.events() == 0) {
                // It is new, or is being made: all of its legs may differ.
                watch.lifeBegins(0, dirty);
                return;
            }
            MemberAreas areas = superblock.areas();
            if (areas.bitmap().isPresent()) {
                regionBytes = areas.regionBytes();
                long rows = superblock.array().rowBytes();
                BitmapBlocks.decode(
                        superblock.array().uuid(),
                        disk.view(areas.bitmap().offset(), (int) areas.bitmap().length()),
                        (int) ((rows - 1) / regionBytes) + 1,
                        dirty);
            }
        }
        watch.lifeBegins(regionBytes, dirty);
    }

    /// Where the data of a disk begin; -1 if it carries no superblock that can be read.
    long dataOffset(SimulatedDisk disk) {
        try {
            Superblock superblock = SuperblockSlots.read(new View(disk), metadata).current();
            return superblock == null ? -1 : superblock.areas().data().offset();
        } catch (IOException e) {
            return -1;
        }
    }

    record View(SimulatedDisk disk) implements MemberIo {
        @Override
        public long sizeBytes() {
            return disk.size().sizeBytes();
        }

        @Override
        public byte[] read(long offset, int length) {
            return disk.view(offset, length);
        }

        @Override
        public void writeDurable(long offset, byte[] bytes) {
            throw new AssertionError("somebody who only looks wrote");
        }
    }
}
