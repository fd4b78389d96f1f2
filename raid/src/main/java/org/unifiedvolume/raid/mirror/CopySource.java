package org.unifiedvolume.raid.mirror;

import java.util.HashSet;
import java.util.Set;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.request.DeviceFault;

/// Where jobs get bytes from: the copies that are good, the best one first. On control threads.
final class CopySource {
    /// In what pieces copies are asked one by one where they fail a longer read.
    static final long BLOCK_BYTES = CopyRead.BLOCK_BYTES;

    /// How often each copy is asked once more before one counts that does not fit its checksum.
    private static final int SETTLING_READS = 3;

    /// So often every copy fails to give a block before it counts as lost.
    private static final int ASKED = 3;

    /// So often all are asked again because legs have become complete meanwhile.
    private static final int MOST_LOOKS = 4;

    /// What became of a block.
    ///
    /// @param bytes what it holds; the caller releases them. Null if it is lost
    /// @param lost why every copy that there is fails to be read; null if one does not
    record Block(Buffers bytes, DeviceFault lost) {}

    /// Which copies were asked in vain.
    private static final class Asked {
        private long copies;
        private boolean haveAllFailedForGood = true;
        private DeviceFault last;

        /// The legs that the array was told of.
        private final Set<Leg> told = new HashSet<>();

        void failed(DeviceFault fault) {
            haveAllFailedForGood &= fault.kind() == DeviceFault.Kind.IO;
            last = fault;
        }
    }

    private final Replication level;
    private final Group group;

    CopySource(Replication level, Group group) {
        this.level = level;
        this.group = group;
    }

    /// The bytes of a run from the best copy; null if they are zeroes.
    ///
    /// @param target the leg that does not count
    Buffers run(Leg target, long offset, long length) throws DeviceFault, InterruptedException {
        CopyMap now = level.map();
        CopySet set = now.setAt(offset);
        long tried = 0;
        for (int copy = set.next(tried); copy >= 0; copy = set.next(tried)) {
            tried |= 1L << copy;
            Leg source = set.leg(copy);
            if (source == target || !group.roles().isComplete(source.role())) {
                continue;
            }
            long row = now.places().row(offset, copy);
            try {
                boolean isHole = group.blocking().isZero(source, row, length);
                return isHole ? null : group.blocking().read(source, row, length);
            } catch (DeviceFault fault) {
                if (Leg.isOfLeg(fault)) {
                    group.readFailed(source, fault, row, length);
                }
                throw fault;
            }
        }
        throw noneLeft(offset);
    }

    private static DeviceFault noneLeft(long offset) {
        return new DeviceFault(DeviceFault.Kind.IO, "no good leg to copy from at offset " + offset);
    }

    /// A block, or a part of one, from the first good copy that has it. If that cannot be had, and
    /// was being changed when the array stopped, it is settled.
    ///
    /// @param target the leg that does not count; null for none
    /// @throws DeviceFault if there is no copy that could have it, or one that may have it later
    Block block(Leg target, long offset, long length) throws DeviceFault, InterruptedException {
        Asked asked = new Asked();
        boolean isMended = target != null && group.roles().isComplete(target);
        int rounds = isMended ? 1 : ASKED; // nothing comes of it if it is only to be mended
        for (int round = 0; round < rounds; round++) {
            asked.copies = 0;
            for (int looks = 0; looks < MOST_LOOKS && hasUnasked(asked, target, offset); looks++) {
                Buffers bytes = firstGood(asked, target, offset, length);
                if (bytes == null && group.isDoubtful(level.places().row(offset, 0))) {
                    bytes = settled(asked, offset, length);
                }
                if (bytes != null) {
                    return new Block(bytes, null);
                }
            }
            if (asked.last == null) {
                throw noneLeft(offset);
            }
            if (!asked.haveAllFailedForGood || hasUnasked(asked, target, offset)) {
                throw asked.last;
            }
        }
        return new Block(null, asked.last);
    }

    /// Whether a complete leg is left that has not failed to give the block. Where copies are
    /// changes only when a mirror gets more legs or fewer, while nobody holds rows.
    private boolean hasUnasked(Asked asked, Leg target, long offset) {
        CopySet set = level.map().setAt(offset);
        for (int copy = 0; copy < set.copyCount(); copy++) {
            boolean wasAsked = (asked.copies >> copy & 1) != 0;
            if (!wasAsked && mayGive(set.leg(copy), target)) {
                return true;
            }
        }
        return false;
    }

    private boolean mayGive(Leg source, Leg target) {
        return source != target && group.roles().isComplete(source.role());
    }

    private Buffers firstGood(Asked asked, Leg target, long offset, long length)
            throws DeviceFault, InterruptedException {
        CopyMap now = level.map();
        CopySet set = now.setAt(offset);
        for (int copy = set.next(asked.copies); copy >= 0; copy = set.next(asked.copies)) {
            asked.copies |= 1L << copy;
            Leg source = set.leg(copy);
            if (!mayGive(source, target)) {
                continue;
            }
            long row = now.places().row(offset, copy);
            try {
                return group.blocking().read(source, row, length);
            } catch (DeviceFault fault) {
                if (!Leg.isOfLeg(fault)) {
                    throw fault;
                }
                asked.failed(fault);
                if (asked.told.add(source)) {
                    group.readFailed(source, fault, row, length);
                }
            }
        }
        return null;
    }

    /// No copy of a block fits its checksum after an unclean stop, so it was being changed: the
    /// best copy that can be read at all is what it is now, on all legs. Not before each has been
    /// asked again, as one that fits may only have failed for a moment.
    ///
    /// @return null if no copy can be read at all
    private Buffers settled(Asked asked, long offset, long length)
            throws DeviceFault, InterruptedException {
        CopyMap now = level.map();
        CopySet set = now.setAt(offset);
        for (int i = 0; i < SETTLING_READS; i++) {
            Buffers fitting = fitting(now, offset, length);
            if (fitting != null) {
                return fitting;
            }
        }
        long tried = 0;
        for (int copy = set.next(tried); copy >= 0; copy = set.next(tried)) {
            tried |= 1L << copy;
            Leg source = set.leg(copy);
            if (!source.hasChecksums() || !group.roles().isComplete(source.role())) {
                continue;
            }
            Buffers bytes;
            try {
                bytes =
                        group.blocking()
                                .readUnproven(source, now.places().row(offset, copy), length);
            } catch (DeviceFault fault) {
                if (!Leg.isOfLeg(fault)) {
                    throw fault;
                }
                asked.failed(fault);
                continue;
            }
            boolean isGiven = false;
            try {
                giveAll(now, offset, length, bytes);
                isGiven = true;
                return bytes;
            } finally {
                if (!isGiven) {
                    bytes.release();
                }
            }
        }
        return null;
    }

    /// The first copy that fits its checksum; null if none does, or can be read.
    private Buffers fitting(CopyMap now, long offset, long length) throws InterruptedException {
        CopySet set = now.setAt(offset);
        long tried = 0;
        for (int copy = set.next(tried); copy >= 0; copy = set.next(tried)) {
            tried |= 1L << copy;
            Leg source = set.leg(copy);
            if (group.roles().isComplete(source.role())) {
                try {
                    return group.blocking().read(source, now.places().row(offset, copy), length);
                } catch (DeviceFault _) {
                    // the next one, then
                }
            }
        }
        return null;
    }

    private void giveAll(CopyMap now, long offset, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        CopySet set = now.setAt(offset);
        for (int copy = 0; copy < set.copyCount(); copy++) {
            Leg leg = set.leg(copy);
            if (group.roles().isComplete(leg.role())) {
                CopyJobs.give(group, leg, now.places().row(offset, copy), length, bytes);
            }
        }
    }
}
