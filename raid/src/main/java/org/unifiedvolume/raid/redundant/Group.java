package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.function.Consumer;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Outcome;

/// The legs of an array as its level sees them.
public interface Group {
    /// The name of the volume, for messages.
    String volume();

    IoContext io();

    /// Who does what now. Take it once for each request: it changes at any moment.
    Roles roles();

    /// Holds of rows. Changes come with theirs; a read that computes what is missing takes its own.
    RangeLocks locks();

    /// The legs as code that waits sees them; only for control threads.
    BlockingLegs blocking();

    /// What a leg has answered, if it may be believed: one that was dropped meanwhile may have
    /// answered after it was back without what it had not made durable, or may lack what has been
    /// acknowledged since.
    default Outcome trusted(Leg leg, Outcome answer) {
        if (!answer.isSuccess() || roles().isComplete(leg)) {
            return answer;
        }
        answer.discard();
        return Outcome.failed(
                DeviceFault.Kind.DISCONNECTED, leg.name() + " was dropped while it was read");
    }

    /// Takes note of a read that a leg failed. The array may drop the leg; if it does not, it has
    /// the rows written anew from the others ([Level#restore]).
    void readFailed(Leg leg, DeviceFault fault, long row, long lengthBytes);

    /// What some rows of a leg should hold is lost: no leg can give it, nor what it is made from.
    /// From now on reading them there is an error, until they are written; on disk when this
    /// returns. The rows are held. Only for control threads.
    ///
    /// @param why why nobody could give it
    /// @throws DeviceFault if that cannot be written down, or must not be now
    void markLost(Leg leg, long row, long lengthBytes, DeviceFault why)
            throws DeviceFault, InterruptedException;

    /// Whether rows may have been under way when the array stopped uncleanly, and no resync has
    /// been there yet, or a change of them has failed: checksums that do not fit then prove
    /// nothing.
    boolean isDoubtful(long row);

    /// Whether that is so of any of some rows.
    default boolean isDoubtful(long row, long lengthBytes) {
        long last = row + lengthBytes - 1;
        for (long at = row; at < last; at += MemberLayout.LEAST_REGION_BYTES) {
            if (isDoubtful(at)) {
                return true;
            }
        }
        return isDoubtful(last);
    }

    /// Whether a read of some rows failed only because an unclean stop may have left a block
    /// without its checksum there: what the block holds has to be settled ([#makeAlike]) before
    /// anything is computed in its stead.
    default boolean isUnsettled(Leg leg, DeviceFault fault, long row, long lengthBytes) {
        return fault.kind() == DeviceFault.Kind.IO
                && leg.hasChecksums()
                && isDoubtful(row, lengthBytes);
    }

    /// Makes some rows agree ([Level#resync]) as soon as nobody else holds them, for a reader that
    /// cannot go on otherwise. Not if a failed change holds them.
    ///
    /// @param then run when that has been tried, or cannot be, on any thread
    void makeAlike(long row, long lengthBytes, Runnable then);

    /// Decides how a change ended that some legs failed: they are dropped if the complete ones
    /// without them are enough; else the change has failed.
    ///
    /// @param faults why legs failed, by role; null where they did not, or were not asked
    /// @return why the change failed; null if it has not
    DeviceFault settle(DeviceFault[] faults);

    /// Whether what [#roles] showed before is in the superblocks on disk. While it is not, a leg
    /// that was dropped would be taken for good at the next start: what it lacks must not be needed
    /// then to compute what others hold.
    boolean isRecorded();

    /// Tells when the roles of this moment are in the superblocks, with null, or why they cannot be
    /// brought there.
    void whenRecorded(Consumer<DeviceFault> told);

    /// Writes down how far a reshape is; on disk when this returns. Only for control threads.
    ///
    /// @param positionBytes how much of the array has its new shape, durably
    default void recordReshape(long positionBytes) throws IOException {
        throw new IOException("volume %s is not being reshaped".formatted(volume()));
    }

    /// Flushes all legs that take changes, for the level's own sake; the level is told of it as of
    /// any flush ([Level#flushed]), before `done` is.
    void flush(Completion done);
}
