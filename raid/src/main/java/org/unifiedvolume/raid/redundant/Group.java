package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;

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

    /// Takes note of a read that a leg failed. The array may drop the leg; if it does not, it has
    /// the rows written anew from the others ([Level#restore]).
    void readFailed(Leg leg, DeviceFault fault, long row, long lengthBytes);

    /// Decides how a change ended that some legs failed: they are dropped if the complete ones
    /// without them are enough; else the change has failed.
    ///
    /// @param faults why legs failed, by role; null where they did not, or were not asked
    /// @return why the change failed; null if it has not
    DeviceFault settle(DeviceFault[] faults);

    /// Flushes all legs that take changes, for the level's own sake; the level is told of it as of
    /// any flush ([Level#flushed]), before `done` is.
    void flush(Completion done);
}
