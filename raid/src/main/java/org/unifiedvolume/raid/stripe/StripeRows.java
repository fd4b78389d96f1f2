package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// The bytes of some rows of one stripe, as far as they have been read or computed.
///
/// One user at a time: whoever asks for more waits until it is told. The rows are held, so that
/// what was read fits together. A leg that fails a read is reported and does not count any more.
/// After an unclean stop a block that does not fit its checksum ends it: nothing is computed in its
/// stead before it has been settled ([StripeSettling]).
final class StripeRows {
    private final Group group;
    private final Parity parity;
    private final IoRequest parent;
    private final StripeLegs legs;
    private final long row;
    private final long length;
    private final Buffers[] bytes;
    private DeviceFault fault;
    private boolean unsettled;
    private boolean settled;
    private boolean hasFailedForGood;
    private boolean hasFailedForNow;

    /// @param parent for whose sake the rows are read
    StripeRows(
            Group group,
            Parity parity,
            IoRequest parent,
            StripeLegs legs,
            long row,
            long lengthBytes) {
        this.group = group;
        this.parity = parity;
        this.parent = parent;
        this.legs = legs;
        this.row = row;
        this.length = lengthBytes;
        this.bytes = new Buffers[legs.count()];
    }

    StripeLegs legs() {
        return legs;
    }

    long row() {
        return row;
    }

    long lengthBytes() {
        return length;
    }

    /// The bytes at a position; null if they are not known. They stay this object's.
    Buffers at(int position) {
        return bytes[position];
    }

    /// The bytes of all data by data index; null where they are not known.
    Buffers[] data() {
        Buffers[] data = new Buffers[legs.dataCount()];
        System.arraycopy(bytes, 0, data, 0, data.length);
        return data;
    }

    /// Gives a position's bytes to the caller, with their reference.
    Buffers take(int position) {
        Buffers taken = bytes[position];
        bytes[position] = null;
        return taken;
    }

    /// Why a read failed that no other leg can make good; or else the last failure of a leg.
    DeviceFault fault() {
        return fault;
    }

    /// What an unclean stop may have left was seen to already: reads that fail count as any others.
    void haveBeenSettled() {
        settled = true;
    }

    /// Whether a read failed on a block that has to be settled first ([Group#isUnsettled]).
    boolean isUnsettled() {
        return unsettled;
    }

    /// Whether some legs failed to be read, and all of these for good: asked again they would not
    /// do better.
    boolean isLost() {
        return hasFailedForGood && !hasFailedForNow;
    }

    /// What is known, as a set of positions.
    long known() {
        long found = 0;
        for (int i = 0; i < bytes.length; i++) {
            found |= bytes[i] == null ? 0 : 1L << i;
        }
        return found;
    }

    /// Reads positions, all readable, that are not known yet.
    ///
    /// @param ended told when all have answered: `true` if every leg did what it could, so that
    ///     those that failed are not readable any more; `false` if something else failed
    void read(long positions, Ended ended) {
        RowsRead all = new RowsRead(ended);
        for (int i = 0; i < bytes.length; i++) {
            if ((positions >> i & 1) != 0 && bytes[i] == null) {
                all.expectOne();
                Leg leg = legs.leg(i);
                IoRequest child = leg.read(parent.tag(), row, length, group.io().ids());
                leg.submit(child, new Part(all, i));
            }
        }
        all.allSubmitted();
    }

    /// Reads until all data is known, recovering what is missing.
    ///
    /// @param ended told `false` if that cannot be; [#fault] says why
    void readData(Ended ended) {
        long enough = legs.enoughForData();
        if (enough == 0) {
            if (fault == null) {
                fault = tooFew(group);
            }
            ended.ended(false);
        } else if ((enough & ~known()) != 0) {
            read(
                    enough,
                    isWell -> {
                        if (isWell) {
                            readData(ended);
                        } else {
                            ended.ended(false);
                        }
                    });
        } else {
            ended.ended(recover());
        }
    }

    static DeviceFault tooFew(Group group) {
        return new DeviceFault(
                DeviceFault.Kind.IO,
                "volume %s: too few members are left to know what was there"
                        .formatted(group.volume()));
    }

    /// Computes the data that is not known.
    ///
    /// @return false if there is no memory
    private boolean recover() {
        int lost = -1;
        int alsoLost = -1;
        int count = legs.dataCount();
        for (int i = 0; i < count; i++) {
            if (bytes[i] == null) {
                bytes[i] = group.io().pool().allocate(length);
                if (bytes[i] == null) {
                    fault = noMemory();
                    return false;
                }
                alsoLost = lost >= 0 ? i : alsoLost;
                lost = lost < 0 ? i : lost;
            }
        }
        if (alsoLost >= 0) {
            parity.recoverTwo(data(), lost, alsoLost, bytes[count], bytes[count + 1]);
        } else if (lost >= 0 && bytes[count] != null) {
            parity.recoverFromP(data(), lost, bytes[count]);
        } else if (lost >= 0) {
            parity.recoverFromQ(data(), lost, bytes[count + 1]);
        }
        return true;
    }

    static DeviceFault noMemory() {
        return new DeviceFault(DeviceFault.Kind.NO_MEMORY, "the buffer pool is spent");
    }

    /// Gives all memory back.
    void release() {
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != null) {
                bytes[i].release();
                bytes[i] = null;
            }
        }
    }

    /// Who waits for rows.
    interface Ended {
        void ended(boolean isWell);
    }

    private synchronized void failed(
            int position, DeviceFault why, boolean isOfLeg, boolean isUnsettled) {
        hasFailedForGood |= why.kind() == DeviceFault.Kind.IO;
        hasFailedForNow |= why.kind() != DeviceFault.Kind.IO;
        if (isUnsettled) {
            unsettled = true;
            fault = why;
        } else if (isOfLeg) {
            legs.exclude(position);
            if (fault == null || Leg.isOfLeg(fault)) {
                fault = why;
            }
        } else {
            fault = why;
        }
    }

    private final class Part implements Completion {
        private final RowsRead all;
        private final int position;

        Part(RowsRead all, int position) {
            this.all = all;
            this.position = position;
        }

        @Override
        public void complete(IoRequest request, Outcome outcome) {
            switch (outcome) {
                case Outcome.Data(Buffers read) -> bytes[position] = read;
                case Outcome.Failed(DeviceFault why) -> {
                    Leg leg = legs.leg(position);
                    boolean isOfLeg = Leg.isOfLeg(why);
                    boolean isUnsettled = !settled && group.isUnsettled(leg, why, row, length);
                    failed(position, why, isOfLeg, isUnsettled);
                    if (isOfLeg && !isUnsettled) {
                        group.readFailed(leg, why, row, length);
                    } else {
                        all.isWell = false;
                    }
                }
                case Outcome other -> throw new AssertionError("a read was answered " + other);
            }
            all.complete(request, outcome);
        }

        @Override
        public boolean isAwaited() {
            return all.isAwaited();
        }
    }

    private final class RowsRead extends FanOut {
        private volatile boolean isWell = true;

        RowsRead(Ended ended) {
            super(parent, (_, outcome) -> ended.ended(outcome.isSuccess()));
        }

        @Override
        protected void childEnded(IoRequest request, Outcome outcome) {
            // each part has kept its answer
        }

        @Override
        protected Outcome result() {
            return isWell ? Outcome.Done.DONE : new Outcome.Failed(fault);
        }
    }
}
