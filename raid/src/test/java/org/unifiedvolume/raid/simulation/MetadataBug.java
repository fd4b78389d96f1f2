package org.unifiedvolume.raid.simulation;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockCodec;
import org.unifiedvolume.raid.superblock.SuperblockFault;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Outcome;

/// A bug in what an array keeps on its disks beside the data: gets between the array and each disk,
/// and learns from the superblocks that pass where everything lies.
abstract class MetadataBug implements Planting {
    private static final int SLOTS = 2;

    private final Timers timers;
    private final Map<Integer, Superblock> passed = new HashMap<>();

    MetadataBug(Timers timers) {
        this.timers = timers;
    }

    final Timers timers() {
        return timers;
    }

    /// What is written instead of a superblock.
    Superblock written(Superblock superblock) {
        return superblock;
    }

    /// What is read instead of a superblock.
    Superblock read(Superblock superblock) {
        return superblock;
    }

    /// A write to the bitmap.
    ///
    /// @param own the last superblock of this disk that passed
    void writeBitmap(BlockDevice disk, Superblock own, Write write, Completion done) {
        disk.submit(write, done);
    }

    /// A write to the journal.
    void writeJournal(BlockDevice disk, Write write, Completion done) {
        disk.submit(write, done);
    }

    /// A write to the data.
    void writeData(BlockDevice disk, Write write, Completion done) {
        disk.submit(write, done);
    }

    /// Carries out a write after a while, though it is acknowledged at once.
    final void writeLate(BlockDevice disk, Write write, Completion done, long nanos) {
        Write late = copyOf(write, write.source().toBytes());
        timers.after(nanos, () -> disk.submit(late, (_, _) -> {}));
        done.complete(write, Outcome.Done.DONE);
    }

    /// The same write of other bytes.
    static Write copyOf(Write write, byte[] bytes) {
        return new Write(write.tag(), write.offsetBytes(), payload(bytes), write.durability());
    }

    private static Buffers payload(byte[] bytes) {
        return Buffers.outsidePool(MemorySegment.ofArray(bytes));
    }

    @Override
    public final BlockDevice disk(int index, BlockDevice disk) {
        return new TappedDevice(
                disk, (below, request, done) -> submit(index, below, request, done));
    }

    private void submit(int index, BlockDevice disk, IoRequest request, Completion done) {
        boolean mayBeSuperblock = request.lengthBytes() == Superblock.LENGTH_BYTES;
        if (request instanceof IoRequest.Read && mayBeSuperblock) {
            disk.submit(
                    request, (_, outcome) -> done.complete(request, readOutcome(index, outcome)));
        } else if (request instanceof Write write) {
            byte[] other = mayBeSuperblock ? superblockFor(index, write) : null;
            if (other == null) {
                writeElsewhere(index, disk, write, done);
            } else {
                disk.submit(copyOf(write, other), (_, outcome) -> done.complete(request, outcome));
            }
        } else {
            disk.submit(request, done);
        }
    }

    private Outcome readOutcome(int index, Outcome outcome) {
        if (!(outcome instanceof Outcome.Data(Buffers found))) {
            return outcome;
        }
        byte[] bytes = found.toBytes();
        for (int slot = 0; slot < SLOTS; slot++) {
            Superblock superblock = decoded(bytes, slot);
            if (superblock != null) {
                passed.put(index, superblock);
                found.release();
                return new Outcome.Data(payload(SuperblockCodec.encode(read(superblock), slot)));
            }
        }
        return outcome;
    }

    /// The bytes to be written instead of a superblock; null if it is none.
    private byte[] superblockFor(int index, Write write) {
        byte[] bytes = write.source().toBytes();
        for (int slot = 0; slot < SLOTS; slot++) {
            Superblock superblock = decoded(bytes, slot);
            if (superblock != null) {
                passed.put(index, superblock);
                return SuperblockCodec.encode(written(superblock), slot);
            }
        }
        return null;
    }

    private static Superblock decoded(byte[] bytes, int slot) {
        try {
            return SuperblockCodec.decode(bytes, slot);
        } catch (SuperblockFault e) {
            return null;
        }
    }

    private void writeElsewhere(int index, BlockDevice disk, Write write, Completion done) {
        Superblock own = passed.get(index);
        MemberAreas areas = own == null ? null : own.areas();
        if (areas == null) {
            disk.submit(write, done);
        } else if (isIn(areas.bitmap(), write)) {
            writeBitmap(disk, own, write, done);
        } else if (isIn(areas.journal(), write)) {
            writeJournal(disk, write, done);
        } else if (isIn(areas.data(), write)) {
            writeData(disk, write, done);
        } else {
            disk.submit(write, done);
        }
    }

    private static boolean isIn(Area area, Write write) {
        long into = write.offsetBytes() - area.offset();
        return area.isPresent() && into >= 0 && into < area.length();
    }
}
