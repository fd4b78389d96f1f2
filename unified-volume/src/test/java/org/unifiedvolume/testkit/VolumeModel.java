package org.unifiedvolume.testkit;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// What the readers of a volume may find, sector by sector: the promises of a block device.
///
/// - A read finds a value that was not overwritten, for sure, before the read began.
/// - After a power cut a value may be found again unless something newer was made durable.
/// - A change that failed, or was under way when everything stopped, may have happened or not.
///
/// Every change writes a value of its own into each sector, so a reader's find names its writer.
public final class VolumeModel {
    /// A change of some sectors, or what may be left of one.
    public static final class Change {
        private final long value;
        private final int first;
        private final int count;
        private final boolean isCertain;
        private final long start;
        private long end = Long.MAX_VALUE;
        private boolean acknowledged;
        private boolean durable;

        private Change(long value, int first, int count, boolean isCertain, long start) {
            this.value = value;
            this.first = first;
            this.count = count;
            this.isCertain = isCertain;
            this.start = start;
        }

        public int first() {
            return first;
        }

        public int count() {
            return count;
        }

        private boolean replaces(Change older, boolean durably) {
            return acknowledged && isCertain && (durable || !durably) && start > older.end;
        }
    }

    private final int sectorBytes;
    private final List<List<Change>> history = new ArrayList<>();
    private long clock;
    private long values;

    public VolumeModel(int sectorCount, int sectorBytes) {
        this.sectorBytes = sectorBytes;
        for (int i = 0; i < sectorCount; i++) {
            Change blank = new Change(0, i, 1, true, 0);
            blank.end = 0;
            blank.acknowledged = true;
            blank.durable = true;
            history.add(new ArrayList<>(List.of(blank)));
        }
    }

    public int sectorCount() {
        return history.size();
    }

    /// A write begins. [#bytes] is what it writes.
    public Change write(int first, int count) {
        return add(new Change(++values, first, count, true, ++clock));
    }

    public Change zero(int first, int count) {
        return add(new Change(0, first, count, true, ++clock));
    }

    /// A discard begins: it zeroes or leaves as it was.
    public Change discard(int first, int count) {
        return add(new Change(0, first, count, false, ++clock));
    }

    private Change add(Change change) {
        for (int i = 0; i < change.count; i++) {
            history.get(change.first + i).add(change);
        }
        return change;
    }

    public byte[] bytes(Change change) {
        ByteBuffer bytes = ByteBuffer.allocate(change.count * sectorBytes);
        while (bytes.hasRemaining()) {
            bytes.putLong(change.value);
        }
        return bytes.array();
    }

    public void acknowledged(Change change, boolean durably) {
        change.end = ++clock;
        change.acknowledged = true;
        change.durable = durably;
    }

    /// A change was answered with a failure.
    ///
    /// @param mayComeLate whether the change may still happen
    public void failed(Change change, boolean mayComeLate) {
        clock++;
        change.end = mayComeLate ? Long.MAX_VALUE : clock;
    }

    /// A read or a flush begins.
    ///
    /// @return the moment, to be given to [#check] or [#flushed]
    public long begin() {
        return ++clock;
    }

    public void flushed(long began) {
        for (List<Change> sector : history) {
            for (Change change : sector) {
                change.durable |= change.acknowledged && change.end < began;
            }
        }
    }

    /// The process is gone; what was under way may have happened or not, but will not any more.
    public void processEnds() {
        clock++;
        for (List<Change> sector : history) {
            for (Change change : sector) {
                change.end = Math.min(change.end, clock);
            }
        }
    }

    /// The power is gone, too: what is not durable may have happened or not.
    public void powerCut() {
        processEnds();
        for (int i = 0; i < history.size(); i++) {
            List<Change> left = new ArrayList<>();
            for (Change change : history.get(i)) {
                if (!isReplaced(change, history.get(i), Long.MAX_VALUE, true)) {
                    left.add(remains(change.value, i));
                }
            }
            history.set(i, left);
        }
    }

    private Change remains(long value, int sector) {
        Change rest = new Change(value, sector, 1, true, 0);
        rest.end = clock;
        return rest;
    }

    /// From now on a reader finds what `bytes` says: nothing is under way, and what was found once
    /// stays. A power cut may still bring back what was there before.
    public void pin(int first, byte[] bytes) {
        for (int i = 0; i < bytes.length / sectorBytes; i++) {
            long found = ByteBuffer.wrap(bytes).getLong(i * sectorBytes);
            Change seen = new Change(found, first + i, 1, true, ++clock);
            seen.end = ++clock;
            seen.acknowledged = true;
            history.get(first + i).add(seen);
        }
    }

    private static boolean isReplaced(
            Change change, List<Change> sector, long before, boolean durably) {
        for (Change other : sector) {
            if (other.end < before && other.replaces(change, durably)) {
                return true;
            }
        }
        return false;
    }

    /// Checks what a read found.
    ///
    /// @throws AssertionError if it is none of the values that may be there
    public void check(long began, int first, byte[] bytes) {
        ByteBuffer found = ByteBuffer.wrap(bytes);
        for (int i = 0; i < bytes.length / sectorBytes; i++) {
            long value = found.getLong(i * sectorBytes);
            for (int at = 0; at < sectorBytes; at += Long.BYTES) {
                if (found.getLong(i * sectorBytes + at) != value) {
                    throw new AssertionError("sector %d is torn".formatted(first + i));
                }
            }
            if (!mayBeFound(value, history.get(first + i), began)) {
                throw new AssertionError(
                        "sector %d holds the value of change %d, only %s may be there"
                                .formatted(first + i, value, allowed(first + i, began)));
            }
        }
    }

    private static boolean mayBeFound(long value, List<Change> sector, long began) {
        for (Change change : sector) {
            if (change.value == value && !isReplaced(change, sector, began, false)) {
                return true;
            }
        }
        return false;
    }

    private Set<Long> allowed(int sector, long began) {
        Set<Long> allowed = new TreeSet<>();
        for (Change change : history.get(sector)) {
            if (!isReplaced(change, history.get(sector), began, false)) {
                allowed.add(change.value);
            }
        }
        return allowed;
    }
}
