package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Outcome;

/// Bugs of what levels do: journals, repairs, and what they believe.
final class LevelBugs {
    private LevelBugs() {}

    /// Data and parity reach the disks before the journal says what they will be.
    static final class JournalsLate extends MetadataBug {
        private static final long LATE_NANOS = 30_000_000;

        JournalsLate(Timers timers) {
            super(timers);
        }

        @Override
        void writeJournal(BlockDevice disk, Write write, Completion done) {
            writeLate(disk, write, done, LATE_NANOS);
        }
    }

    /// What the journal holds is not done again at a start.
    static final class SkipsReplay extends MetadataBug {
        private boolean isOpening;

        SkipsReplay(Timers timers) {
            super(timers);
        }

        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public void open(Group group, boolean wasClean)
                        throws IOException, InterruptedException {
                    isOpening = true;
                    try {
                        super.open(group, wasClean);
                    } finally {
                        isOpening = false;
                    }
                }
            };
        }

        @Override
        void writeData(BlockDevice disk, Write write, Completion done) {
            if (isOpening) {
                done.complete(write, Outcome.Done.DONE);
            } else {
                disk.submit(write, done);
            }
        }
    }

    /// What does not fit its checksum is believed wherever changes were under way when everything
    /// stopped, although another copy fits.
    static final class BelievesWhatDoesNotFit implements Planting {
        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public void resync(Group group, long row, long lengthBytes)
                        throws DeviceFault, InterruptedException {
                    Roles roles = group.roles();
                    Buffers believed =
                            group.blocking()
                                    .readUnproven(roles.leg(roles.primary()), row, lengthBytes);
                    try {
                        for (Leg leg : roles.writable()) {
                            group.blocking().write(leg, row, believed);
                        }
                    } finally {
                        believed.release();
                    }
                }
            };
        }
    }

    /// What no leg can give is no error on the leg that is filled, but zeroes.
    static final class InventsZeroes implements Planting {
        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public boolean restore(Group group, Leg leg, long row, long lengthBytes)
                        throws DeviceFault, InterruptedException {
                    return super.restore(inventing(group), leg, row, lengthBytes);
                }
            };
        }

        private static Group inventing(Group group) {
            return (Group)
                    Proxy.newProxyInstance(
                            Group.class.getClassLoader(),
                            new Class<?>[] {Group.class},
                            (_, method, arguments) -> {
                                if (method.getName().equals("markLost")) {
                                    group.blocking()
                                            .zero(
                                                    (Leg) arguments[0],
                                                    (long) arguments[1],
                                                    (long) arguments[2]);
                                    return null;
                                }
                                try {
                                    return method.invoke(group, arguments);
                                } catch (InvocationTargetException e) {
                                    throw e.getCause();
                                }
                            });
        }
    }

    /// What a leg could not read is written anew with the bytes of another place.
    static final class RepairsWrongly implements Planting {
        @Override
        public Level level(Level level) {
            return new DecoratedLevel(level) {
                @Override
                public boolean restore(Group group, Leg leg, long row, long lengthBytes)
                        throws DeviceFault, InterruptedException {
                    if (!group.roles().isComplete(leg.role())) {
                        return super.restore(group, leg, row, lengthBytes);
                    }
                    long elsewhere =
                            row >= lengthBytes
                                    ? row - lengthBytes
                                    : Math.min(row + lengthBytes, rowBytes() - lengthBytes);
                    int other = Long.numberOfTrailingZeros(group.roles().complete() & ~leg.bit());
                    Buffers wrong =
                            group.blocking().read(group.roles().leg(other), elsewhere, lengthBytes);
                    try {
                        group.blocking().write(leg, row, wrong);
                    } finally {
                        wrong.release();
                    }
                    return true;
                }
            };
        }
    }
}
