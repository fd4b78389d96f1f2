package org.unifiedvolume.raid.mirror;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;

/// What jobs do with windows of rows that they hold: fill a leg, make copies alike, compare them.
/// On control threads.
final class CopyJobs {
    private final Replication level;

    CopyJobs(Replication level) {
        this.level = level;
    }

    boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        if (group.roles().isMeasured() && group.roles().isComplete(leg.role())) {
            // Only what cannot be read may come from others: the rest is the measure, perhaps.
            scrub(group, row, lengthBytes, true);
            return true;
        }
        boolean[] couldAll = {true};
        forEachRun(
                leg.role(),
                row,
                lengthBytes,
                (offset, at, length) -> couldAll[0] &= restoreRun(group, leg, offset, at, length));
        return couldAll[0];
    }

    /// What is done with a run of bytes that lie one after another on a leg.
    private interface RunWork {
        void accept(long offset, long row, long length) throws DeviceFault, InterruptedException;
    }

    private void forEachRun(int role, long row, long lengthBytes, RunWork work)
            throws DeviceFault, InterruptedException {
        CopyPlaces places = level.places();
        long end = row + lengthBytes;
        long length;
        for (long at = row; at < end; at += length) {
            length = places.chunks() == null ? end - at : runOnLeg(at, end - at);
            long offset = places.offset(role, at);
            if (offset >= 0) {
                work.accept(offset, at, length);
            }
        }
    }

    private long runOnLeg(long row, long most) {
        long chunk = level.places().chunks().chunkBytes();
        return Math.min(most, chunk - (row & (chunk - 1)));
    }

    private boolean restoreRun(Group group, Leg leg, long offset, long row, long length)
            throws DeviceFault, InterruptedException {
        BlockingLegs blocking = group.blocking();
        Buffers bytes;
        try {
            bytes = new CopySource(level, group).run(leg, offset, length);
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            return restoreBlocks(group, leg, offset, row, length);
        }
        if (bytes == null) {
            // What a new member held there before is zero, too, but nothing tells if it rots.
            if (!blocking.isZero(leg, row, length) || blocking.isUnproven(leg, row, length)) {
                blocking.zero(leg, row, length);
            }
            return true;
        }
        try {
            blocking.write(leg, row, bytes);
        } finally {
            bytes.release();
        }
        return true;
    }

    /// Block by block, each from the first good copy that has it. One that none has is lost on the
    /// leg that is being filled; a complete one stays as it is, as what it failed to read may be
    /// there the next time.
    private boolean restoreBlocks(Group group, Leg leg, long offset, long row, long length)
            throws DeviceFault, InterruptedException {
        boolean couldAll = true;
        long part;
        for (long at = 0; at < length; at += part) {
            part = blockAt(offset + at, length - at);
            CopySource.Block block = new CopySource(level, group).block(leg, offset + at, part);
            if (block.bytes() != null) {
                try {
                    group.blocking().write(leg, row + at, block.bytes());
                } finally {
                    block.bytes().release();
                }
            } else if (group.roles().isComplete(leg)) {
                couldAll = false;
            } else {
                group.markLost(leg, row + at, part, block.lost());
            }
        }
        return couldAll;
    }

    private static long blockAt(long offset, long most) {
        return Math.min(most, CopySource.BLOCK_BYTES - offset % CopySource.BLOCK_BYTES);
    }

    /// The measure is the copy that readers would get.
    long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        long[] wrong = new long[1];
        CopyPlaces places = level.places();
        for (int role = 0; role < places.legs(); role++) {
            int first = role;
            forEachRun(
                    role,
                    row,
                    lengthBytes,
                    (offset, at, length) -> {
                        if (places.copy(first, at) == 0) {
                            wrong[0] += compare(group, offset, length, repairs);
                        }
                    });
        }
        return wrong[0];
    }

    private long compare(Group group, long offset, long length, boolean repairs)
            throws DeviceFault, InterruptedException {
        Roles roles = group.roles();
        CopyMap now = level.map();
        CopyPlaces places = now.places();
        CopySet set = now.setAt(offset);
        int measure = set.next(0);
        if (measure < 0) {
            return 0;
        }
        Leg source = set.leg(measure);
        if (!source.hasChecksums() && !isAnyOther(group, set, source)) {
            return 0;
        }
        Buffers bytes;
        try {
            long row = places.row(offset, measure);
            boolean isHole = group.blocking().isZero(source, row, length);
            bytes = isHole ? null : group.blocking().read(source, row, length);
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            group.readFailed(source, fault, places.row(offset, measure), length);
            if (length > CopySource.BLOCK_BYTES) {
                return compareBlocks(group, offset, length, repairs);
            }
            CopySource.Block block = new CopySource(level, group).block(null, offset, length);
            if (block.bytes() == null) {
                return lose(group, offset, length, repairs, block.lost());
            }
            source = null; // it has to be mended too
            bytes = block.bytes();
        }
        long wrong = 0;
        try {
            for (int copy = 0; copy < set.copyCount(); copy++) {
                Leg leg = set.leg(copy);
                long row = places.row(offset, copy);
                if (!roles.isComplete(leg.role())) {
                    // A rebuild may have copied this from a measure that has left since.
                    if (repairs && mayHaveCopied(roles, leg)) {
                        give(group, leg, row, length, bytes);
                    }
                    continue;
                }
                boolean isRight = leg == source || agrees(group, leg, row, length, bytes);
                wrong += isRight ? 0 : length;
                // What is right gets checksums too, if it has none yet.
                if (repairs && (!isRight || group.blocking().isUnproven(leg, row, length))) {
                    give(group, leg, row, length, bytes);
                }
            }
        } finally {
            if (bytes != null) {
                bytes.release();
            }
        }
        return wrong;
    }

    private long compareBlocks(Group group, long offset, long length, boolean repairs)
            throws DeviceFault, InterruptedException {
        long wrong = 0;
        long part;
        for (long at = 0; at < length; at += part) {
            part = blockAt(offset + at, length - at);
            wrong += compare(group, offset + at, part, repairs);
        }
        return wrong;
    }

    /// No complete leg can give a block. One of them may be able to later, so that all others count
    /// as not having it: else two of them could, and show different bytes.
    ///
    /// @return how much of this is not written down yet
    private long lose(Group group, long offset, long length, boolean repairs, DeviceFault why)
            throws DeviceFault, InterruptedException {
        Roles roles = group.roles();
        CopyMap now = level.map();
        CopySet set = now.setAt(offset);
        int keeper = keeper(roles, now, offset, length);
        long unwritten = 0;
        for (int copy = 0; copy < set.copyCount(); copy++) {
            Leg leg = set.leg(copy);
            long row = now.places().row(offset, copy);
            boolean counts = roles.isComplete(leg.role()) || mayHaveCopied(roles, leg);
            if (copy == keeper || !counts || leg.isAllLost(row, length)) {
                continue;
            }
            unwritten = length;
            if (repairs) {
                settleFault(group, leg, () -> group.markLost(leg, row, length, why));
            }
        }
        return unwritten;
    }

    /// The copy that may have a block later: the measure, or the best one that has not lost it for
    /// good.
    private static int keeper(Roles roles, CopyMap now, long offset, long length) {
        CopySet set = now.setAt(offset);
        int keeper = -1;
        long tried = 0;
        for (int copy = set.next(tried); copy >= 0; copy = set.next(tried)) {
            tried |= 1L << copy;
            Leg leg = set.leg(copy);
            boolean isLost = leg.isLost(now.places().row(offset, copy), length);
            if (roles.isComplete(leg.role()) && !isLost) {
                return copy;
            }
            keeper = keeper < 0 ? copy : keeper;
        }
        return keeper;
    }

    private static boolean isAnyOther(Group group, CopySet set, Leg source) {
        Roles roles = group.roles();
        for (int copy = 0; copy < set.copyCount(); copy++) {
            Leg leg = set.leg(copy);
            if (leg != source && (roles.isComplete(leg.role()) || mayHaveCopied(roles, leg))) {
                return true;
            }
        }
        return false;
    }

    /// Whether a leg is being filled while copies may differ.
    private static boolean mayHaveCopied(Roles roles, Leg leg) {
        return roles.isMeasured() && roles.isWritable(leg.role()) && !roles.isComplete(leg.role());
    }

    private static boolean agrees(Group group, Leg leg, long row, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        BlockingLegs blocking = group.blocking();
        try {
            if (bytes == null && blocking.isZero(leg, row, length)) {
                return true;
            }
            Buffers found = blocking.read(leg, row, length);
            try {
                return bytes == null
                        ? BlockingLegs.isZero(found)
                        : BlockingLegs.sameBytes(bytes, found);
            } finally {
                found.release();
            }
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            group.readFailed(leg, fault, row, length);
            return !group.roles().isComplete(leg.role());
        }
    }

    static void give(Group group, Leg leg, long row, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        settleFault(
                group,
                leg,
                () -> {
                    if (bytes == null) {
                        group.blocking().zero(leg, row, length);
                    } else {
                        group.blocking().write(leg, row, bytes);
                    }
                });
    }

    /// What is done to one leg.
    private interface LegWork {
        void run() throws DeviceFault, InterruptedException;
    }

    /// A leg that fails what is done to it is dropped, if the others are enough.
    private static void settleFault(Group group, Leg leg, LegWork work)
            throws DeviceFault, InterruptedException {
        try {
            work.run();
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            DeviceFault[] faults = new DeviceFault[group.roles().count()];
            faults[leg.role()] = fault;
            DeviceFault why = group.settle(faults);
            if (why != null) {
                throw why;
            }
        }
    }
}
