package org.unifiedvolume.raid.stripe;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Verdict;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// What jobs do with windows of rows that they hold: fill a leg, make parity fit, compare. On
/// control threads.
final class StripeJobs {
    /// In what pieces a leg that is wrong is looked for.
    private static final long BLOCK_BYTES = 4096;

    /// So often legs fail to give a block before it counts as lost.
    private static final int ASKED = 3;

    private static final int MOST_MEMORY_WAITS = 100;
    private static final long MEMORY_WAIT_NANOS = 100_000_000L;

    private final ParityLevel level;

    StripeJobs(ParityLevel level) {
        this.level = level;
    }

    /// What is done with the rows of one stripe within a window.
    private interface StripeWork {
        void accept(long stripe, long row, long length) throws DeviceFault, InterruptedException;
    }

    private void eachStripe(long row, long lengthBytes, StripeWork work)
            throws DeviceFault, InterruptedException {
        long end = row + lengthBytes;
        long length;
        for (long at = row; at < end; at += length) {
            long stripe = geometry().stripeOfMember(at);
            length = Math.min(end, geometry().startOnMembers(stripe + 1)) - at;
            work.accept(stripe, at, length);
        }
    }

    private ParityGeometry geometry() {
        return level.geometry();
    }

    boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        settle(group, row, lengthBytes);
        if (areZero(group, leg, row, lengthBytes)) {
            // What a new member held there before is zero, too, but nothing tells if it rots.
            if (!group.blocking().isZero(leg, row, lengthBytes)
                    || group.blocking().isUnproven(leg, row, lengthBytes)) {
                group.blocking().zero(leg, row, lengthBytes);
            }
            return true;
        }
        boolean[] couldAll = {true};
        eachStripe(
                row,
                lengthBytes,
                (stripe, at, length) ->
                        couldAll[0] &= restoreStripe(group, leg, stripe, at, length));
        return couldAll[0];
    }

    /// Settles what an unclean stop has left without fitting checksums.
    void settle(Group group, long row, long lengthBytes) throws DeviceFault, InterruptedException {
        if (StripeSettling.isNeeded(group, row, lengthBytes)) {
            StripeSettling settling = new StripeSettling(level, group);
            eachStripe(row, lengthBytes, settling::settle);
        }
    }

    /// Whether rows are known to be zeroes: sums of zeroes are zeroes. Only if all legs say so:
    /// with one missing, nothing is known.
    ///
    /// @param leg the leg that does not count; null for none
    private static boolean areZero(Group group, Leg leg, long row, long length)
            throws InterruptedException {
        Roles roles = group.roles();
        try {
            for (int role = 0; role < roles.count(); role++) {
                if ((leg == null || role != leg.role())
                        && (!roles.isComplete(role)
                                || !group.blocking().isZero(roles.leg(role), row, length))) {
                    return false;
                }
            }
        } catch (DeviceFault fault) {
            return false; // reading tells
        }
        return true;
    }

    /// Gives a leg its bytes of some rows of a stripe, computed from all others.
    ///
    /// @return false if the leg is complete, and some of them cannot be had
    boolean restoreStripe(Group group, Leg leg, long stripe, long row, long length)
            throws DeviceFault, InterruptedException {
        StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
        legs.exclude(legs.positionOf(leg.role()));
        StripeRows rows;
        try {
            rows = readData(group, legs, row, length);
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            boolean[] couldAll = {true};
            if (length <= BLOCK_BYTES && group.roles().isComplete(leg)) {
                return false;
            }
            eachBlock(
                    row,
                    length,
                    (at, part) -> couldAll[0] &= restoreBlock(group, leg, stripe, at, part));
            return couldAll[0];
        }
        give(group, leg, rows, row);
        return true;
    }

    /// Gives a leg its part of some rows whose data are known, and releases these.
    private void give(Group group, Leg leg, StripeRows rows, long row)
            throws DeviceFault, InterruptedException {
        int position = rows.legs().positionOf(leg.role());
        int dataCount = rows.legs().dataCount();
        Buffers made = null;
        try {
            Buffers bytes = rows.at(position);
            if (position >= dataCount) {
                made = group.blocking().allocate(rows.lengthBytes());
                boolean isP = position == dataCount;
                level.generate(rows.data(), isP ? made : null, isP ? null : made);
                bytes = made;
            }
            group.blocking().write(leg, row, bytes);
        } finally {
            rows.release();
            if (made != null) {
                made.release();
            }
        }
    }

    /// What is done with a part of some rows.
    private interface RowsWork {
        void accept(long row, long length) throws DeviceFault, InterruptedException;
    }

    private static void eachBlock(long row, long length, RowsWork work)
            throws DeviceFault, InterruptedException {
        long end = row + length;
        long part;
        for (long at = row; at < end; at += part) {
            part = Math.min(end - at, BLOCK_BYTES - at % BLOCK_BYTES);
            work.accept(at, part);
        }
    }

    /// As [#restoreStripe], of rows some of which could not be had. What too many legs fail to read
    /// is lost: data that cannot be computed, and parity of data that is not known.
    private boolean restoreBlock(Group group, Leg leg, long stripe, long row, long length)
            throws DeviceFault, InterruptedException {
        int waits = 0;
        DeviceFault why = null;
        int rounds = group.roles().isComplete(leg) ? 1 : ASKED; // else nothing comes of it
        for (int asked = 0; asked < rounds; asked++) {
            StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
            legs.exclude(legs.positionOf(leg.role()));
            StripeRows rows = rowsOf(group, legs, row, length);
            if (await(group, rows, rows::readData)) {
                give(group, leg, rows, row);
                return true;
            }
            boolean isLost = rows.isLost();
            why = rows.fault();
            rows.release();
            if (why.kind() == DeviceFault.Kind.NO_MEMORY) {
                waitOrThrow(group, why, waits);
                waits++;
                asked--;
            } else if (!isLost) {
                throw why;
            }
        }
        if (group.roles().isComplete(leg)) {
            return false;
        }
        group.markLost(leg, row, length, why);
        return true;
    }

    /// All data of some rows, recovered where it has to be.
    private StripeRows readData(Group group, StripeLegs legs, long row, long length)
            throws DeviceFault, InterruptedException {
        for (int waits = 0; ; waits++) {
            StripeRows rows = rowsOf(group, legs, row, length);
            boolean isWell = await(group, rows, rows::readData);
            if (isWell) {
                return rows;
            }
            rows.release();
            waitOrThrow(group, rows.fault(), waits);
        }
    }

    /// All data of some rows of a stripe, computed without some positions.
    StripeRows readDataWithout(Group group, long stripe, long row, long length, long positions)
            throws DeviceFault, InterruptedException {
        StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
        for (int position = 0; position < legs.count(); position++) {
            if ((positions >> position & 1) != 0) {
                legs.exclude(position);
            }
        }
        return readData(group, legs, row, length);
    }

    /// The bytes at some positions of a stripe, recovered where it has to be; all else may be
    /// there, or not. The rows are held.
    StripeRows readSome(Group group, long stripe, long row, long length, long positions)
            throws DeviceFault, InterruptedException {
        settle(group, row, length);
        for (int waits = 0; ; waits++) {
            StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
            StripeRows rows = rowsOf(group, legs, row, length);
            boolean isWell =
                    (positions & ~legs.readable()) != 0
                            || await(group, rows, ended -> rows.read(positions, ended));
            if (isWell && (positions & ~rows.known()) != 0) {
                isWell = await(group, rows, rows::readData);
            }
            if (isWell) {
                return rows;
            }
            rows.release();
            waitOrThrow(group, rows.fault(), waits);
        }
    }

    private StripeRows rowsOf(Group group, StripeLegs legs, long row, long length) {
        StripeRows rows =
                new StripeRows(
                        group, level.parity(), forJob(group, row, length), legs, row, length);
        rows.haveBeenSettled();
        return rows;
    }

    private interface Asked {
        void ask(StripeRows.Ended ended);
    }

    /// Waits until rows were asked for. If the waiting ends otherwise, they are released when the
    /// answer comes.
    private static boolean await(Group group, StripeRows rows, Asked asked)
            throws InterruptedException {
        AtomicReference<Boolean> answer = new AtomicReference<>();
        AtomicBoolean isSettled = new AtomicBoolean();
        boolean ended = false;
        try {
            group.blocking()
                    .threads()
                    .await(
                            done ->
                                    asked.ask(
                                            well -> {
                                                answer.set(well);
                                                if (isSettled.compareAndSet(false, true)) {
                                                    done.run();
                                                } else {
                                                    rows.release();
                                                }
                                            }));
            ended = true;
            return answer.get();
        } finally {
            if (!ended && !isSettled.compareAndSet(false, true)) {
                rows.release();
            }
        }
    }

    private static void waitOrThrow(Group group, DeviceFault fault, int waits)
            throws DeviceFault, InterruptedException {
        if (fault.kind() != DeviceFault.Kind.NO_MEMORY || waits == MOST_MEMORY_WAITS) {
            throw fault;
        }
        group.blocking().sleep(MEMORY_WAIT_NANOS);
    }

    /// The request that a job's reads are children of.
    static IoRequest forJob(Group group, long row, long length) {
        long now = group.io().timers().nanoTime();
        long id = group.io().ids().next();
        return new IoRequest.Read(
                new IoTag(id, 0, Operation.READ, Locality.MIXED, row, length, 0, now), row, length);
    }

    void resync(Group group, long row, long lengthBytes) throws DeviceFault, InterruptedException {
        settle(group, row, lengthBytes);
        if (areZero(group, null, row, lengthBytes)) {
            return;
        }
        eachStripe(
                row, lengthBytes, (stripe, at, length) -> resyncStripe(group, stripe, at, length));
    }

    /// With a chunk of data missing and both parities there, what P says of it is what readers get:
    /// Q has to say the same, should P be lost next. Where too many legs fail to be read there is
    /// nothing to make right.
    private void resyncStripe(Group group, long stripe, long row, long length)
            throws DeviceFault, InterruptedException {
        StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
        int q = legs.dataCount() + 1;
        boolean isOneMissing = Long.bitCount(legs.data() & ~legs.readable()) == 1;
        boolean hasBoth = q < legs.count() && legs.isReadable(q) && legs.isReadable(q - 1);
        StripeRows rows;
        if (isOneMissing && hasBoth) {
            try {
                rows = readData(group, legs, row, length);
                rows = legs.isReadable(q) ? withQ(group, rows, q) : rows;
            } catch (DeviceFault fault) {
                if (fault.kind() != DeviceFault.Kind.IO) {
                    throw fault;
                }
                rows = null;
            }
        } else {
            rows = readAll(group, stripe, row, length);
        }
        if (rows == null) {
            boolean mayBeInPart = (isOneMissing && hasBoth) || isComparable(group, stripe);
            if (length > BLOCK_BYTES && mayBeInPart) {
                eachBlock(row, length, (at, part) -> resyncStripe(group, stripe, at, part));
            }
            return;
        }
        try {
            renew(group, rows, row, 0, length);
            prove(group, rows, row);
        } finally {
            rows.release();
        }
    }

    /// Whether all data and some parity of a stripe should be there: where they cannot be read it
    /// may be for a few blocks only.
    private boolean isComparable(Group group, long stripe) {
        StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
        return (legs.data() & ~legs.readable()) == 0 && legs.readable() != legs.data();
    }

    /// Gives data checksums that have none yet: if they went wrong unnoticed, so would all that is
    /// computed from them.
    private static void prove(Group group, StripeRows rows, long row)
            throws DeviceFault, InterruptedException {
        for (int position = 0; position < rows.legs().dataCount(); position++) {
            Leg leg = rows.legs().leg(position);
            Buffers found = rows.at(position);
            if (found != null
                    && group.roles().isComplete(leg)
                    && group.blocking().isUnproven(leg, row, found.length())) {
                give(group, leg, row, found);
            }
        }
    }

    private static StripeRows withQ(Group group, StripeRows rows, int q)
            throws InterruptedException {
        // Without Q there is nothing to make right: how it ended does not matter.
        await(group, rows, ended -> rows.read(1L << q, ended));
        return rows;
    }

    long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        long[] wrong = new long[1];
        eachStripe(
                row,
                lengthBytes,
                (stripe, at, length) ->
                        wrong[0] += scrubStripe(group, stripe, at, length, repairs));
        return wrong[0];
    }

    private long scrubStripe(Group group, long stripe, long row, long length, boolean repairs)
            throws DeviceFault, InterruptedException {
        StripeRows rows = readAll(group, stripe, row, length);
        if (rows != null) {
            try {
                return compare(group, rows, row, repairs);
            } finally {
                rows.release();
            }
        }
        long[] wrong = new long[1];
        if (length > BLOCK_BYTES && isComparable(group, stripe)) {
            eachBlock(
                    row,
                    length,
                    (at, part) -> wrong[0] += scrubStripe(group, stripe, at, part, repairs));
        }
        return wrong[0];
    }

    /// All rows of a stripe, parity too; null if not all data can be read as it stands, or no
    /// parity. A leg that fails is seen to by the array.
    private StripeRows readAll(Group group, long stripe, long row, long length)
            throws DeviceFault, InterruptedException {
        for (int waits = 0; ; waits++) {
            StripeLegs legs = new StripeLegs(geometry(), group.roles(), stripe);
            if ((legs.data() & ~legs.readable()) != 0 || legs.readable() == legs.data()) {
                return null;
            }
            StripeRows rows = rowsOf(group, legs, row, length);
            long all = legs.readable();
            boolean isWell = await(group, rows, ended -> rows.read(all, ended));
            if (isWell && rows.known() == all) {
                return rows;
            }
            rows.release();
            if (isWell) {
                return null;
            }
            waitOrThrow(group, rows.fault(), waits);
        }
    }

    /// Writes the parity that does not fit.
    private void renew(Group group, StripeRows rows, long row, long from, long length)
            throws DeviceFault, InterruptedException {
        Buffers[] data = parts(rows, from, length);
        int count = data.length;
        for (int position = count; position < rows.legs().count(); position++) {
            Buffers found = part(rows, position, from, length);
            if (found == null) {
                continue;
            }
            Buffers right = group.blocking().allocate(length);
            try {
                boolean isP = position == count;
                level.generate(data, isP ? right : null, isP ? null : right);
                if (!BlockingLegs.sameBytes(right, found)) {
                    give(group, rows.legs().leg(position), row + from, right);
                }
            } finally {
                right.release();
            }
        }
    }

    private long compare(Group group, StripeRows rows, long row, boolean repairs)
            throws DeviceFault, InterruptedException {
        if (fits(rows, 0, rows.lengthBytes())) {
            return 0;
        }
        long wrong = 0;
        long length;
        for (long at = 0; at < rows.lengthBytes(); at += length) {
            length = Math.min(BLOCK_BYTES, rows.lengthBytes() - at);
            if (!fits(rows, at, length)) {
                wrong += length;
                if (repairs) {
                    repair(group, rows, row, at, length);
                }
            }
        }
        return wrong;
    }

    private boolean fits(StripeRows rows, long from, long length) {
        Buffers[] data = parts(rows, from, length);
        int count = data.length;
        Buffers p = part(rows, count, from, length);
        Buffers q = part(rows, count + 1, from, length);
        if (p != null && q != null) {
            return level.parity().check(data, p, q) instanceof Verdict.Consistent;
        }
        return p != null ? level.parity().check(data, p) : level.parity().checkQ(data, q);
    }

    private static Buffers part(StripeRows rows, int position, long from, long length) {
        Buffers all = position < rows.legs().count() ? rows.at(position) : null;
        return all == null ? null : all.part(from, length);
    }

    private static Buffers[] parts(StripeRows rows, long from, long length) {
        Buffers[] data = rows.data();
        for (int i = 0; i < data.length; i++) {
            data[i] = data[i].part(from, length);
        }
        return data;
    }

    /// Makes a piece right: the chunk that P and Q together blame, else parity.
    private void repair(Group group, StripeRows rows, long row, long from, long length)
            throws DeviceFault, InterruptedException {
        Buffers[] data = parts(rows, from, length);
        int count = data.length;
        Buffers p = part(rows, count, from, length);
        Buffers q = part(rows, count + 1, from, length);
        if (p != null
                && q != null
                && level.parity().check(data, p, q) instanceof Verdict.WrongData(int blamed)) {
            Buffers right = group.blocking().allocate(length);
            try {
                data[blamed] = right;
                level.parity().recoverFromP(data, blamed, p);
                give(group, rows.legs().leg(blamed), row + from, right);
            } finally {
                right.release();
            }
            return;
        }
        renew(group, rows, row, from, length);
    }

    /// Writes rows of a leg; one that fails is dropped, if the array can do without it.
    static void give(Group group, Leg leg, long row, Buffers bytes)
            throws DeviceFault, InterruptedException {
        try {
            group.blocking().write(leg, row, bytes);
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
