package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.request.DeviceFault;

/// The part of a reshape that knows the level: lays bytes out anew over more legs, step by step
/// from the start. On one control thread ([decision
/// 019](../../../../../../../../docs/decisions/019-parity-is-reshaped-from-the-start.md)).
///
/// All rows before [#row] have the new shape; everything that belongs behind them is still where
/// the old shape has it. Changes of rows that move wait for their hold, reads for [#begin].
public interface Mover {
    /// Rows that get their new shape together.
    ///
    /// @param holdEndRow all rows up to this one are read or written for that
    record Step(long row, long endRow, long holdEndRow) {}

    /// What a mover needs while it is at work.
    interface Recorder {
        /// Makes durable what was sent to the legs, and then that all rows before one have their
        /// new shape.
        ///
        /// @param mustSucceed whether the old places have been written over, so that there is no
        ///     way back
        /// @throws DeviceFault if nothing was written down; or if the array is being closed
        void record(long row, boolean mustSucceed) throws DeviceFault, InterruptedException;

        /// Something failed that has to succeed: waits before it is tried again. Requests that
        /// touch what is moved are refused meanwhile.
        ///
        /// @throws DeviceFault if the array is being closed
        void trouble(DeviceFault why) throws DeviceFault, InterruptedException;
    }

    /// All rows before this one have their new shape, and that is written down.
    long row();

    /// Whether what has moved is whole stripes: always but after a crash.
    boolean isBetweenStripes();

    /// The row after the last one.
    long endRow();

    /// How much of the array has its new shape when all rows before one have.
    long bytesBefore(long row);

    /// What is to be done next. Only while there are rows left.
    Step next();

    /// Has reads of what will move wait from now on; returns when none is under way that could meet
    /// what the step writes. No rows are held.
    void begin(Group group, Step step) throws InterruptedException;

    /// Does a step whose rows are held and marked, and ends it: reads go on.
    ///
    /// @throws DeviceFault if nothing has moved
    void move(Group group, Step step, Recorder recorder) throws DeviceFault, InterruptedException;

    /// A step that was begun is not done: reads go on as before. Nothing if it has ended.
    void giveUp(Step step);

    /// Fails the reads that wait for what moves, and those that come.
    void refuse(DeviceFault why);

    /// All rows have their new shape, and that is written down: the old one is forgotten.
    void end();
}
