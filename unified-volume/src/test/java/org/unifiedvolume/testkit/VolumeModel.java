package org.unifiedvolume.testkit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// What the readers of a volume may find, sector by sector: the promises of a block device.
///
/// - A read finds a value that was not overwritten, for sure, before the read began.
/// - After a power cut a value may be found again unless something newer was made durable.
/// - A change that failed, or was under way when everything stopped, may have happened or not.
///
/// Every change writes a value of its own into each sector, together with the sector's number, so a
/// reader's find names its writer and its place. Where a disk tears its blocks, each unit of
/// [#VolumeModel] is judged by itself.
public final class VolumeModel {
    private static final ValueLayout.OfLong WORD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int VALUE_BITS = 40;

    /// A change of some sectors, or what may be left of one.
    public static final class Change {
        private final long value;
        private final int first;
        private final int count;
        private final boolean isCertain;
        private final long start;
        private byte[] bytes;
        private boolean isAnything;
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

        /// Its number: what names it in failures.
        public long value() {
            return value;
        }

        private boolean replaces(Change older, boolean durably) {
            return acknowledged && isCertain && (durable || !durably) && start > older.end;
        }
    }

    private final int sectorBytes;
    private final int unitBytes;
    private final List<List<Change>> history = new ArrayList<>();
    private final List<Change> blank;
    private final List<Change> open = new ArrayList<>();
    private long clock;
    private long values;

    public VolumeModel(int sectorCount, int sectorBytes) {
        this(sectorCount, sectorBytes, sectorBytes);
    }

    /// @param unitBytes what is never torn
    public VolumeModel(int sectorCount, int sectorBytes, int unitBytes) {
        this.sectorBytes = sectorBytes;
        this.unitBytes = unitBytes;
        this.blank = List.of(blank());
        for (int i = 0; i < sectorCount; i++) {
            history.add(blank);
        }
    }

    private static Change blank() {
        Change blank = new Change(0, 0, 1, true, 0);
        blank.end = 0;
        blank.acknowledged = true;
        blank.durable = true;
        return blank;
    }

    public int sectorCount() {
        return history.size();
    }

    /// Whether anything was ever done to some sectors.
    public boolean isTouched(int first, int count) {
        for (int i = first; i < first + count; i++) {
            if (history.get(i) != blank) {
                return true;
            }
        }
        return false;
    }

    private List<Change> historyOf(int sector) {
        List<Change> changes = history.get(sector);
        if (changes == blank) {
            changes = new ArrayList<>(blank);
            history.set(sector, changes);
        }
        return changes;
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
            historyOf(change.first + i).add(change);
        }
        open.add(change);
        return change;
    }

    public byte[] bytes(Change change) {
        byte[] bytes = new byte[change.count * sectorBytes];
        MemorySegment words = MemorySegment.ofArray(bytes);
        for (int i = 0; i < change.count; i++) {
            int at = i * sectorBytes;
            words.set(WORD, at, word(change.value, change.first + i));
            for (int done = Long.BYTES; done < sectorBytes; done *= 2) {
                int more = Math.min(done, sectorBytes - done);
                System.arraycopy(bytes, at, bytes, at + done, more);
            }
        }
        return bytes;
    }

    private static long word(long value, int sector) {
        return value == 0 ? 0 : (sector + 1L) << VALUE_BITS | value;
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
        open.removeIf(
                change -> {
                    change.durable |= change.acknowledged && change.end < began;
                    return change.durable;
                });
    }

    /// The process is gone; what was under way may have happened or not, but will not any more.
    public void processEnds() {
        clock++;
        for (Change change : open) {
            change.end = Math.min(change.end, clock);
        }
    }

    /// The power is gone, too: what is not durable may have happened or not.
    public void powerCut() {
        processEnds();
        open.clear();
        for (int i = 0; i < history.size(); i++) {
            List<Change> changes = history.get(i);
            if (changes == blank) {
                continue;
            }
            List<Change> left = new ArrayList<>();
            for (Change change : changes) {
                if (!isReplaced(change, changes, Long.MAX_VALUE, true)) {
                    left.add(remains(change, i));
                }
            }
            history.set(i, left);
        }
    }

    private Change remains(Change change, int sector) {
        Change rest = new Change(change.value, sector, 1, true, 0);
        rest.bytes = change.bytes;
        rest.isAnything = change.isAnything;
        rest.end = clock;
        return rest;
    }

    /// The changes that nobody was told the end of, or the failure.
    public List<Change> unanswered() {
        return open.stream().filter(change -> !change.acknowledged).toList();
    }

    /// The changes that are not durable.
    public List<Change> volatileOnes() {
        return open.stream().filter(change -> !change.durable).toList();
    }

    /// Where a change went, anything may be found until somebody writes there again: for levels
    /// that promise nothing about such a change after a crash. To be told before the crash.
    public void forsake(Change change) {
        forsake(change, Long.MAX_VALUE);
    }

    /// As [#forsake], of a change that was under way at the last crash: what it has left may still
    /// turn into anything, but what is written from now on replaces it.
    public void forsakeLate(Change change) {
        forsake(change, ++clock);
    }

    private void forsake(Change change, long end) {
        for (int i = 0; i < change.count; i++) {
            Change anything = new Change(0, change.first + i, 1, false, change.start);
            anything.isAnything = true;
            anything.end = end;
            historyOf(change.first + i).add(anything);
            open.add(anything);
        }
    }

    /// From now on a reader finds what `bytes` says: nothing is under way, and what was found once
    /// stays. A power cut may still bring back what was there before.
    public void pin(int first, byte[] bytes) {
        for (int i = 0; i < bytes.length / sectorBytes; i++) {
            int at = i * sectorBytes;
            if (history.get(first + i) == blank) {
                continue; // was found to be what it always was
            }
            Change seen = new Change(valueAt(bytes, at), first + i, 1, true, ++clock);
            if (!holds(seen, first + i, bytes, at, at, at + sectorBytes)) {
                seen.bytes = Arrays.copyOfRange(bytes, at, at + sectorBytes);
            }
            seen.end = ++clock;
            seen.acknowledged = true;
            historyOf(first + i).add(seen);
            open.add(seen);
        }
    }

    private static long valueAt(byte[] bytes, int at) {
        return MemorySegment.ofArray(bytes).get(WORD, at) & ((1L << VALUE_BITS) - 1);
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
        for (int at = 0; at < bytes.length; at += sectorBytes) {
            int sector = first + at / sectorBytes;
            for (int unit = at; unit < at + sectorBytes; unit += unitBytes) {
                if (!mayBeFound(sector, began, bytes, at, unit)) {
                    throw new AssertionError(explain(sector, began, bytes, at, unit));
                }
            }
        }
    }

    private boolean mayBeFound(int sector, long began, byte[] bytes, int at, int unit) {
        List<Change> changes = history.get(sector);
        // The latest first: that is mostly it.
        for (int i = changes.size() - 1; i >= 0; i--) {
            Change change = changes.get(i);
            if (holds(change, sector, bytes, at, unit, unit + unitBytes)
                    && !isReplaced(change, changes, began, false)) {
                return true;
            }
        }
        return false;
    }

    /// Whether a part of a sector is what a change wrote there.
    ///
    /// @param at where the sector begins in `bytes`
    private static boolean holds(
            Change change, int sector, byte[] bytes, int at, int from, int to) {
        if (change.isAnything) {
            return true;
        }
        if (change.bytes != null) {
            return Arrays.equals(bytes, from, to, change.bytes, from - at, to - at);
        }
        return MemorySegment.ofArray(bytes).get(WORD, from) == word(change.value, sector)
                && isUniform(bytes, from, to);
    }

    private static boolean isUniform(byte[] bytes, int from, int to) {
        return Arrays.equals(bytes, from, to - Long.BYTES, bytes, from + Long.BYTES, to);
    }

    private String explain(int sector, long began, byte[] bytes, int at, int unit) {
        String place =
                unitBytes == sectorBytes
                        ? "sector " + sector
                        : "sector %d, byte %d,".formatted(sector, unit - at);
        String allowed = "only %s may be there".formatted(allowed(sector, began));
        if (!isUniform(bytes, unit, unit + unitBytes)) {
            return "%s is torn or garbled: %s".formatted(place, allowed);
        }
        long found = MemorySegment.ofArray(bytes).get(WORD, unit);
        long value = valueAt(bytes, unit);
        if (found != word(value, sector)) {
            long other = (found >>> VALUE_BITS) - 1;
            return "%s holds change %d of sector %d: %s".formatted(place, value, other, allowed);
        }
        return "%s holds change %d: %s".formatted(place, value, allowed);
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
