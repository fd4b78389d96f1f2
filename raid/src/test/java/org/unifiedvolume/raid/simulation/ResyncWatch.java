package org.unifiedvolume.raid.simulation;

import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Sees to promise P5: what a leg that returns is given, and what is made alike after an unclean
/// stop, are the regions that were dirty on the disks when the life began, or that clients have
/// touched since.
///
/// Works from outside: from the bitmaps on the disks, from what clients ask, and from the rows that
/// the level is told to copy.
final class ResyncWatch {
    /// How the message begins.
    static final String TOO_MUCH = "a resync";

    private static final int RESYNC = -1;

    /// What was moved, in bytes of rows.
    ///
    /// @param jobs how many resyncs and returns had to keep to the dirty regions
    /// @param movedBytes what they copied
    /// @param dirtyBytes what was dirty when each of them began
    /// @param rowBytes what they would have copied without a bitmap
    record Totals(long jobs, long movedBytes, long dirtyBytes, long rowBytes) {
        static final Totals NONE = new Totals(0, 0, 0, 0);

        Totals plus(Totals more) {
            return new Totals(
                    jobs + more.jobs,
                    movedBytes + more.movedBytes,
                    dirtyBytes + more.dirtyBytes,
                    rowBytes + more.rowBytes);
        }
    }

    private final BitSet dirty = new BitSet();

    /// The legs that were complete in this life, and are still made of the same member.
    private final Set<String> known = new HashSet<>();

    /// Those of whose members another one is about to take the place: what they have is still their
    /// old member's until they are dropped.
    private final Set<String> leaving = new HashSet<>();

    /// Bytes that jobs have moved, by role.
    private final Map<Integer, Long> moved = new HashMap<>();

    private long regionBytes;
    private Level level;
    private String broken;
    private Totals totals = Totals.NONE;

    /// The volume is about to be started.
    ///
    /// @param newRegionBytes for how many rows a bit stands; 0 if everything may be copied
    /// @param dirtyRegions the regions that are dirty on the disks
    void lifeBegins(long newRegionBytes, BitSet dirtyRegions) {
        regionBytes = newRegionBytes;
        dirty.clear();
        dirty.or(dirtyRegions);
        known.clear();
        leaving.clear();
        moved.clear();
    }

    /// A leg is made of another member from now on, or of one that has lost what it had.
    void replaced(String leg) {
        known.remove(leg);
        leaving.add(leg);
    }

    /// How it was until now.
    Totals totals() {
        return totals;
    }

    /// @throws AssertionError if too much was moved
    void check() {
        if (broken != null) {
            throw new AssertionError(broken);
        }
    }

    /// The volume as its clients get it.
    BlockDevice over(BlockDevice volume) {
        return new TappedDevice(
                volume,
                (below, request, done) -> {
                    if (request.tag().operation().changesData()) {
                        touch(request);
                    }
                    below.submit(request, done);
                });
    }

    private void touch(IoRequest change) {
        if (regionBytes > 0) {
            long row = level.firstRow(change.offsetBytes(), change.lengthBytes());
            long end = level.endRow(change.offsetBytes(), change.lengthBytes());
            dirty.set((int) (row / regionBytes), (int) ((end - 1) / regionBytes) + 1);
        }
    }

    /// A disk as the array gets it. One that could not read its superblock has lost, as far as the
    /// array knows, what it had.
    BlockDevice over(String leg, BlockDevice disk) {
        return new TappedDevice(
                disk,
                (below, request, done) ->
                        below.submit(
                                request,
                                (asked, outcome) -> {
                                    if (asked instanceof IoRequest.Read
                                            && asked.lengthBytes() == Superblock.LENGTH_BYTES
                                            && outcome instanceof Outcome.Failed(DeviceFault fault)
                                            && fault.kind() == DeviceFault.Kind.IO) {
                                        known.remove(leg);
                                    }
                                    done.complete(asked, outcome);
                                }));
    }

    /// The level as the array gets it; at each start.
    Level over(Level real) {
        level = real;
        return new DecoratedLevel(real) {
            @Override
            public void rolesChanged(Roles roles) {
                look(roles);
                super.rolesChanged(roles);
            }

            @Override
            public boolean restore(Group group, Leg leg, long row, long lengthBytes)
                    throws DeviceFault, InterruptedException {
                if (known.contains(leg.name()) && !group.roles().isComplete(leg.role())) {
                    moves(leg.role(), "the return of " + leg.name(), row, lengthBytes);
                }
                return super.restore(group, leg, row, lengthBytes);
            }

            @Override
            public void resync(Group group, long row, long lengthBytes)
                    throws DeviceFault, InterruptedException {
                moves(RESYNC, "an unclean stop", row, lengthBytes);
                super.resync(group, row, lengthBytes);
            }

            @Override
            public void makeAlike(Group group, long row, long lengthBytes)
                    throws DeviceFault, InterruptedException {
                if (regionBytes > 0 && !isDirty(row, lengthBytes)) {
                    breaks("a reader asked for it", row, lengthBytes, lengthBytes);
                }
                super.makeAlike(group, row, lengthBytes);
            }
        };
    }

    private void look(Roles roles) {
        for (int role = 0; role < roles.count(); role++) {
            String leg = roles.leg(role).name();
            if (!roles.isWritable(role)) {
                leaving.remove(leg);
            }
            if (roles.isComplete(role) && !leaving.contains(leg)) {
                known.add(leg);
            }
            if (roles.isComplete(role) || !roles.isWritable(role)) {
                moved.remove(role); // what comes next is another job
            }
        }
    }

    private void moves(int job, String why, long row, long lengthBytes) {
        if (regionBytes == 0) {
            return;
        }
        boolean isNew = !moved.containsKey(job);
        long sum = moved.merge(job, lengthBytes, Long::sum);
        long bound = dirty.cardinality() * regionBytes;
        totals =
                totals.plus(
                        new Totals(
                                isNew ? 1 : 0,
                                lengthBytes,
                                isNew ? Math.min(bound, level.rowBytes()) : 0,
                                isNew ? level.rowBytes() : 0));
        if (!isDirty(row, lengthBytes) || sum > bound) {
            breaks(why, row, lengthBytes, sum);
        }
    }

    private boolean isDirty(long row, long lengthBytes) {
        int first = (int) (row / regionBytes);
        int end = (int) ((row + lengthBytes - 1) / regionBytes) + 1;
        return dirty.nextClearBit(first) >= end;
    }

    private void breaks(String why, long row, long lengthBytes, long sum) {
        if (broken == null) {
            broken =
                    "%s after %s moved rows %d+%d, %d bytes so far, but dirty were regions %s of %d bytes"
                            .formatted(TOO_MUCH, why, row, lengthBytes, sum, dirty, regionBytes);
        }
    }
}
