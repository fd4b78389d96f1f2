package org.unifiedvolume.raid.mirror;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;

/// What jobs do with windows of rows that they hold: fill a leg, make copies alike, compare them.
/// On control threads.
final class CopyJobs {
    /// How often each copy is asked once more before one counts that does not fit its checksum.
    private static final int SETTLING_READS = 3;

    private final Replication level;

    CopyJobs(Replication level) {
        this.level = level;
    }

    void restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        if (group.roles().isMeasured() && group.roles().isComplete(leg.role())) {
            // Only what cannot be read may come from others: the rest is the measure, perhaps.
            scrub(group, row, lengthBytes, true);
            return;
        }
        forEachRun(
                leg.role(),
                row,
                lengthBytes,
                (offset, at, length) -> restoreRun(group, leg, offset, at, length));
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

    private void restoreRun(Group group, Leg leg, long offset, long row, long length)
            throws DeviceFault, InterruptedException {
        BlockingLegs blocking = group.blocking();
        Buffers bytes = fetch(group, leg, offset, length);
        if (bytes == null) {
            // What a new member held there before is zero, too, but nothing tells if it rots.
            if (!blocking.isZero(leg, row, length) || blocking.isUnproven(leg, row, length)) {
                blocking.zero(leg, row, length);
            }
            return;
        }
        try {
            blocking.write(leg, row, bytes);
        } finally {
            bytes.release();
        }
    }

    /// The bytes of a run, each block from the first good copy that has it; null if they are
    /// zeroes.
    ///
    /// @param target the leg that does not count
    private Buffers fetch(Group group, Leg target, long offset, long length)
            throws DeviceFault, InterruptedException {
        try {
            return fetchWhole(group, target, offset, length, false);
        } catch (DeviceFault fault) {
            if (length <= CopyRead.BLOCK_BYTES || !Leg.isOfLeg(fault)) {
                throw fault;
            }
        }
        List<Buffers> parts = new ArrayList<>();
        boolean ended = false;
        try {
            long part;
            for (long at = 0; at < length; at += part) {
                long block = CopyRead.BLOCK_BYTES;
                part = Math.min(length - at, block - (offset + at) % block);
                parts.add(fetchWhole(group, target, offset + at, part, true));
            }
            ended = true;
            return Buffers.concat(parts.toArray(Buffers[]::new));
        } finally {
            if (!ended) {
                parts.forEach(Buffers::release);
            }
        }
    }

    /// @param fromAny whether to go on to the next copy when the best one fails
    private Buffers fetchWhole(Group group, Leg target, long offset, long length, boolean fromAny)
            throws DeviceFault, InterruptedException {
        CopyMap now = level.map();
        CopySet set = now.setAt(offset);
        long tried = 0;
        DeviceFault last =
                new DeviceFault(
                        DeviceFault.Kind.IO, "no good leg to copy from at offset " + offset);
        for (int copy = set.next(tried); copy >= 0; copy = set.next(tried)) {
            tried |= 1L << copy;
            Leg source = set.leg(copy);
            long row = now.places().row(offset, copy);
            if (source == target || !group.roles().isComplete(source.role())) {
                continue;
            }
            try {
                boolean isHole = !fromAny && group.blocking().isZero(source, row, length);
                return isHole ? null : group.blocking().read(source, row, length);
            } catch (DeviceFault fault) {
                last = fault;
                group.readFailed(source, fault, row, length);
                if (!fromAny && length > CopyRead.BLOCK_BYTES) {
                    throw fault;
                }
            }
        }
        if (length <= CopyRead.BLOCK_BYTES && group.isDoubtful(now.places().row(offset, 0))) {
            return settle(group, offset, length, last);
        }
        throw last;
    }

    /// No copy of a block fits its checksum after an unclean stop, so it was being changed: the
    /// best copy that can be read at all is what it is now, on all legs. Not before each has been
    /// asked again, as one that fits may only have failed for a moment.
    ///
    /// @param why what readers were told of it
    private Buffers settle(Group group, long offset, long length, DeviceFault why)
            throws DeviceFault, InterruptedException {
        CopyMap now = level.map();
        CopySet set = now.setAt(offset);
        for (int i = 0; i < SETTLING_READS; i++) {
            Buffers fitting = readFitting(group, now, offset, length);
            if (fitting != null) {
                return fitting;
            }
        }
        DeviceFault last = why;
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
                last = fault;
                continue;
            }
            boolean isGiven = false;
            try {
                giveAll(group, now, offset, length, bytes);
                isGiven = true;
                return bytes;
            } finally {
                if (!isGiven) {
                    bytes.release();
                }
            }
        }
        throw last;
    }

    /// The first copy that fits its checksum; null if none does, or can be read.
    private static Buffers readFitting(Group group, CopyMap now, long offset, long length)
            throws InterruptedException {
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

    private static void giveAll(Group group, CopyMap now, long offset, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        CopySet set = now.setAt(offset);
        for (int copy = 0; copy < set.copyCount(); copy++) {
            Leg leg = set.leg(copy);
            if (group.roles().isComplete(leg.role())) {
                give(group, leg, now.places().row(offset, copy), length, bytes);
            }
        }
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
            source = null; // it has to be mended too
            bytes = fetch(group, null, offset, length);
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

    private static void give(Group group, Leg leg, long row, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        try {
            if (bytes == null) {
                group.blocking().zero(leg, row, length);
            } else {
                group.blocking().write(leg, row, bytes);
            }
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
