package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Mover;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Outcome;

/// Bugs of reshapes.
final class ReshapeBugs {
    private ReshapeBugs() {}

    /// A mover that passes everything on to another one.
    private static class DecoratedMover implements Mover {
        private final Mover mover;

        DecoratedMover(Mover mover) {
            this.mover = mover;
        }

        @Override
        public long row() {
            return mover.row();
        }

        @Override
        public boolean isBetweenStripes() {
            return mover.isBetweenStripes();
        }

        @Override
        public long endRow() {
            return mover.endRow();
        }

        @Override
        public long bytesBefore(long row) {
            return mover.bytesBefore(row);
        }

        @Override
        public Step next() {
            return mover.next();
        }

        @Override
        public void begin(Group group, Step step) throws InterruptedException {
            mover.begin(group, step);
        }

        @Override
        public void move(Group group, Step step, Recorder recorder)
                throws DeviceFault, InterruptedException {
            mover.move(group, step, recorder);
        }

        @Override
        public void giveUp(Step step) {
            mover.giveUp(step);
        }

        @Override
        public void refuse(DeviceFault why) {
            mover.refuse(why);
        }

        @Override
        public void end() {
            mover.end();
        }
    }

    /// How far the reshape is stands in the superblocks before anything has moved.
    static final class RecordsEarly implements Planting {
        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public Mover mover() {
                    Mover real = super.mover();
                    return real == null ? null : early(real);
                }
            };
        }

        private static Mover early(Mover real) {
            return new DecoratedMover(real) {
                @Override
                public void move(Group group, Step step, Recorder recorder)
                        throws DeviceFault, InterruptedException {
                    recorder.record(step.endRow(), true);
                    super.move(group, step, new Silent(recorder));
                }
            };
        }

        private record Silent(Mover.Recorder recorder) implements Mover.Recorder {
            @Override
            public void record(long row, boolean mustSucceed) {
                // it is written down already
            }

            @Override
            public void trouble(DeviceFault why) throws DeviceFault, InterruptedException {
                recorder.trouble(why);
            }
        }
    }

    /// While something moves the journal acknowledges what it does not write.
    static final class SavesNothing extends MetadataBug {
        private boolean isMoving;

        SavesNothing(Timers timers) {
            super(timers);
        }

        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public Mover mover() {
                    Mover real = super.mover();
                    return real == null ? null : unsaved(real);
                }
            };
        }

        private Mover unsaved(Mover real) {
            return new DecoratedMover(real) {
                @Override
                public void move(Group group, Step step, Recorder recorder)
                        throws DeviceFault, InterruptedException {
                    isMoving = true;
                    try {
                        super.move(group, step, recorder);
                    } finally {
                        isMoving = false;
                    }
                }
            };
        }

        @Override
        void writeJournal(BlockDevice disk, Write write, Completion done) {
            if (isMoving) {
                done.complete(write, Outcome.Done.DONE);
            } else {
                disk.submit(write, done);
            }
        }
    }

    /// Reads of before a step may still be under way when it writes.
    static final class OvertakesReads implements Planting {
        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public Mover mover() {
                    Mover real = super.mover();
                    return real == null ? null : hasty(real);
                }
            };
        }

        private static Mover hasty(Mover real) {
            return new DecoratedMover(real) {
                @Override
                public void begin(Group group, Step step) {
                    // it does not look who reads
                }
            };
        }
    }
}
