package org.unifiedvolume.raid.stripe;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.request.DeviceFault;

/// Settles what blocks hold whose checksums do not fit after an unclean stop
/// (`docs/decisions/017-checksums-beside-the-data.md`). The rows are held. On control threads.
///
/// Such a block was being changed, or it has gone wrong silently. What the others of its stripe
/// say of it tells which: bytes that are computed from them and fit its checksum are what was
/// written there. If they do not fit, the stripe was being changed as a whole; nobody was told that
/// this was done, so what the block holds is what it is from now on, and gets a checksum. Parity
/// that does not fit is computed anew, or taken as it is where it stands for data that is missing.
final class StripeSettling {
    private static final Logger LOG = LoggerFactory.getLogger(StripeSettling.class);
    private static final long BLOCK_BYTES = 4096;

    /// How often a block is read before its checksum counts as wrong: a leg may fail for a moment.
    private static final int READS = 3;

    private final ParityLevel level;
    private final Group group;

    StripeSettling(ParityLevel level, Group group) {
        this.level = level;
        this.group = group;
    }

    /// Whether there may be something to settle in some rows.
    static boolean isNeeded(Group group, long row, long lengthBytes) {
        if (!group.isDoubtful(row, lengthBytes)) {
            return false;
        }
        for (Leg leg : group.roles().writable()) {
            if (leg.hasChecksums()) {
                return true;
            }
        }
        return false;
    }

    /// Settles some rows of one stripe.
    ///
    /// @throws DeviceFault if a leg that the array cannot do without does not take a block
    void settle(long stripe, long row, long lengthBytes) throws DeviceFault, InterruptedException {
        if (doAllFit(stripe, row, lengthBytes)) {
            return;
        }
        for (long at = row; at < row + lengthBytes; at += BLOCK_BYTES) {
            settleBlock(stripe, at);
        }
    }

    private StripeLegs legs(long stripe) {
        return new StripeLegs(level.geometry(), group.roles(), stripe);
    }

    private boolean doAllFit(long stripe, long row, long lengthBytes) throws InterruptedException {
        StripeLegs legs = legs(stripe);
        for (int position = 0; position < legs.count(); position++) {
            if (legs.isReadable(position) && !fits(legs.leg(position), row, lengthBytes)) {
                return false;
            }
        }
        return true;
    }

    private boolean fits(Leg leg, long row, long lengthBytes) throws InterruptedException {
        for (int i = 0; i < READS; i++) {
            try {
                group.blocking().read(leg, row, lengthBytes).release();
                return true;
            } catch (DeviceFault fault) {
                if (!Leg.isOfLeg(fault)) {
                    return true; // memory is short: whoever needs the bytes will see
                }
            }
        }
        return false;
    }

    private void settleBlock(long stripe, long row) throws DeviceFault, InterruptedException {
        StripeLegs legs = legs(stripe);
        long wrong = wrongOnes(legs, legs.all(), row);
        long data = wrong & legs.data();
        if (data != 0 && !recover(stripe, row, wrong, data)) {
            takeAsTheyAre(legs, row, data);
        }
        // Parity of data that are lost must not count: they would be computed from it.
        if ((wrong & ~legs.data()) != 0 && wrongOnes(legs, data, row) == 0) {
            settleParity(legs, stripe, row, wrong & ~legs.data());
        }
    }

    private long wrongOnes(StripeLegs legs, long among, long row) throws InterruptedException {
        long wrong = 0;
        for (int position = 0; position < legs.count(); position++) {
            boolean isWrong =
                    (among >> position & 1) != 0
                            && legs.isReadable(position)
                            && !fits(legs.leg(position), row, BLOCK_BYTES);
            wrong |= isWrong ? 1L << position : 0;
        }
        return wrong;
    }

    /// Computes what some blocks held, and writes them anew if their checksums say the same.
    ///
    /// @param wrong all positions that do not fit
    /// @param data those of them that are to be computed
    private boolean recover(long stripe, long row, long wrong, long data)
            throws DeviceFault, InterruptedException {
        StripeRows rows;
        try {
            rows = level.jobs().readDataWithout(group, stripe, row, BLOCK_BYTES, wrong);
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            return false; // too few others are left, or fit
        }
        try {
            StripeLegs legs = rows.legs();
            for (int position = 0; position < legs.dataCount(); position++) {
                boolean isWanted = (data >> position & 1) != 0;
                if (isWanted && !areRight(legs.leg(position), row, rows.at(position))) {
                    return false;
                }
            }
            for (int position = 0; position < legs.dataCount(); position++) {
                if ((data >> position & 1) != 0) {
                    StripeJobs.give(group, legs.leg(position), row, rows.at(position));
                    LOG.info(
                            "volume {}: {}: row {} written anew, as its checksum and the others say",
                            group.volume(),
                            legs.leg(position).name(),
                            row);
                }
            }
            return true;
        } finally {
            rows.release();
        }
    }

    private boolean areRight(Leg leg, long row, Buffers bytes) throws InterruptedException {
        try {
            return leg.hasChecksums() && group.blocking().areRight(leg, row, bytes);
        } catch (DeviceFault fault) {
            return false;
        }
    }

    /// Gives blocks the checksums of what they hold. One that cannot be read at all stays so.
    private void takeAsTheyAre(StripeLegs legs, long row, long positions)
            throws DeviceFault, InterruptedException {
        for (int position = 0; position < legs.count(); position++) {
            Leg leg = legs.leg(position);
            if ((positions >> position & 1) == 0 || !group.roles().isComplete(leg)) {
                continue;
            }
            Buffers bytes;
            try {
                bytes = group.blocking().readUnproven(leg, row, BLOCK_BYTES);
            } catch (DeviceFault fault) {
                LOG.warn(
                        "volume {}: row {} cannot be settled: {}",
                        group.volume(),
                        row,
                        fault.getMessage());
                continue;
            }
            try {
                StripeJobs.give(group, leg, row, bytes);
            } finally {
                bytes.release();
            }
        }
    }

    private void settleParity(StripeLegs legs, long stripe, long row, long wrong)
            throws DeviceFault, InterruptedException {
        for (int position = legs.dataCount(); position < legs.count(); position++) {
            Leg leg = legs.leg(position);
            if ((wrong >> position & 1) == 0 || !group.roles().isComplete(leg)) {
                continue;
            }
            if (!level.jobs().restoreStripe(group, leg, stripe, row, BLOCK_BYTES)) {
                takeAsTheyAre(legs, row, 1L << position);
            }
        }
    }
}
