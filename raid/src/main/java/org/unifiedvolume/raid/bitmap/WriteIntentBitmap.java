package org.unifiedvolume.raid.bitmap;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.DeviceFault;

/// Which regions of an array may differ between its members, known on disk before they do.
///
/// A change enters the regions of its rows before it is sent to any member, and leaves them when
/// all have answered. A region that was not entered for a while is cleared, after everything has
/// been flushed. Safe for concurrent callers.
///
/// Each region has a word: how many changes are in it, whether its bit is durable, whether it was
/// entered since the last look. While the bit is durable, entering is one compare-and-set. What
/// stands on disk, or is about to, is kept under a lock with who waits for it; one write is under
/// way at a time, and takes along everything that has come up meanwhile.
public final class WriteIntentBitmap {
    /// Who waits until the bits of a change are durable.
    public interface Waiter {
        /// The change has entered. On any thread; must not block.
        ///
        /// @param fault why it has not, and need not leave; null if it has
        void entered(DeviceFault fault);
    }

    /// For how long a region has to be left alone before it is cleared, if nothing else is said.
    public static final long IDLE_NANOS = 5_000_000_000L;

    private static final int DURABLE = 1 << 30;
    private static final int USED = 1 << 29;
    private static final int COUNT = USED - 1;

    /// A change that waits.
    private record Waiting(Waiter waiter, int first, int last) {}

    private final UUID array;
    private final long rowBytes;
    private final int regionShift;
    private final int regionCount;
    private final BitmapStore store;
    private final Timers timers;
    private final long idleNanos;
    private final AtomicIntegerArray states;

    private final ReentrantLock lock = new ReentrantLock();

    // Under the lock: what the disk shall hold, which blocks do not yet, who waits.
    private final long[] bits;
    private final BitSet changedBlocks;
    private List<Waiting> waiting = new ArrayList<>();
    private boolean writing;
    private Timers.Cancellable timer;
    private boolean clearing;
    private boolean blocked;
    private boolean closed;

    /// A bitmap that knows nothing yet: [#load] or [#markAll] comes next.
    ///
    /// @param rowBytes how many rows there are
    /// @param regionBytes for how many of them a bit stands; a power of two
    public WriteIntentBitmap(
            UUID array,
            long rowBytes,
            long regionBytes,
            BitmapStore store,
            Timers timers,
            long idleNanos) {
        Invariant.check(Long.bitCount(regionBytes) == 1, "a region of %d bytes", regionBytes);
        this.array = array;
        this.rowBytes = rowBytes;
        this.regionShift = Long.numberOfTrailingZeros(regionBytes);
        this.regionCount = Math.toIntExact((rowBytes + regionBytes - 1) >> regionShift);
        this.store = store;
        this.timers = timers;
        this.idleNanos = idleNanos;
        this.states = new AtomicIntegerArray(regionCount);
        int blocks = BitmapBlocks.count(regionCount);
        this.bits = BitmapBlocks.words(blocks);
        this.changedBlocks = new BitSet(blocks);
    }

    /// How many bytes the bitmap takes on disk.
    public int lengthBytes() {
        return bits.length
                * Long.BYTES
                / (BitmapBlocks.BLOCK_BYTES - Long.BYTES)
                * BitmapBlocks.BLOCK_BYTES;
    }

    public long regionBytes() {
        return 1L << regionShift;
    }

    /// Takes over what members hold: a region is dirty if any of them says so. Before the first
    /// change.
    ///
    /// @param members the blocks of each complete member
    /// @return how many blocks were torn, whose regions all count as dirty
    public int load(List<byte[]> members) {
        int bad = 0;
        for (byte[] blocks : members) {
            bad += BitmapBlocks.decode(array, blocks, bits);
        }
        takeOver();
        return bad;
    }

    /// Every region is dirty: the members of a new array may hold anything. Before the first
    /// change.
    public void markAll() {
        for (int region = 0; region < regionCount; region++) {
            bits[region >> 6] |= 1L << region;
        }
        takeOver();
    }

    /// What stands on disk may be trusted only when it is on all members: it is written anew.
    private void takeOver() {
        for (int region = regionCount; region < bits.length * Long.SIZE; region++) {
            bits[region >> 6] &= ~(1L << region);
        }
        changedBlocks.set(0, BitmapBlocks.count(regionCount));
    }

    /// Brings all blocks to all members, before the first change.
    ///
    /// @param done told once: null, or why that failed
    public void save(Waiter done) {
        lock.lock();
        try {
            Invariant.check(!writing, "a write was under way before the first change");
            writing = true;
            waiting.add(new Waiting(done, 0, -1));
        } finally {
            lock.unlock();
        }
        for (int region = 0; region < regionCount; region++) {
            if (isSet(region)) {
                states.set(region, DURABLE);
            }
        }
        write();
    }

    /// A change of some rows, not empty, begins.
    ///
    /// @return whether it has entered; else `waiter` will be told
    public boolean enter(long row, long lengthBytes, Waiter waiter) {
        int first = (int) (row >> regionShift);
        int last = (int) ((row + lengthBytes - 1) >> regionShift);
        for (int region = first; region <= last; region++) {
            if (!enterDurable(region)) {
                return enterSlowly(region, first, last, waiter);
            }
        }
        return true;
    }

    private boolean enterDurable(int region) {
        while (true) {
            int state = states.get(region);
            if ((state & DURABLE) == 0) {
                return false;
            }
            if (states.compareAndSet(region, state, (state | USED) + 1)) {
                return true;
            }
        }
    }

    /// @param from the first region that was not entered
    private boolean enterSlowly(int from, int first, int last, Waiter waiter) {
        boolean mustWait = false;
        lock.lock();
        try {
            for (int region = from; region <= last; region++) {
                int before = states.getAndUpdate(region, state -> (state | USED) + 1);
                if ((before & DURABLE) == 0) {
                    mustWait = true;
                    if (!isSet(region)) {
                        bits[region >> 6] |= 1L << region;
                    }
                    changedBlocks.set(BitmapBlocks.blockOf(region));
                }
            }
            if (!mustWait) {
                return true;
            }
            waiting.add(new Waiting(waiter, first, last));
            arm();
            if (writing) {
                return false;
            }
            writing = true;
        } finally {
            lock.unlock();
        }
        write();
        return false;
    }

    /// A change that has entered has been answered by all members.
    public void leave(long row, long lengthBytes) {
        int first = (int) (row >> regionShift);
        int last = (int) ((row + lengthBytes - 1) >> regionShift);
        for (int region = first; region <= last; region++) {
            int before = states.getAndDecrement(region);
            Invariant.check(
                    (before & COUNT) > 0, "region %d was left more often than entered", region);
        }
    }

    private boolean isSet(int region) {
        return (bits[region >> 6] & 1L << region) != 0;
    }

    /// Writes the changed blocks and tells who waited, again while there are more. The caller has
    /// set `writing`.
    private void write() {
        Cycle cycle;
        do {
            lock.lock();
            try {
                if (waiting.isEmpty() && changedBlocks.isEmpty()) {
                    writing = false;
                    return;
                }
                cycle = new Cycle(waiting);
                waiting = new ArrayList<>();
                collectRuns(cycle.runs, cycle.firsts);
            } finally {
                lock.unlock();
            }
        } while (cycle.run());
    }

    private void collectRuns(List<byte[]> runs, List<Integer> firsts) {
        for (int first = changedBlocks.nextSetBit(0); first >= 0; ) {
            int end = changedBlocks.nextClearBit(first);
            byte[] run = new byte[(end - first) * BitmapBlocks.BLOCK_BYTES];
            for (int block = first; block < end; block++) {
                byte[] bytes = BitmapBlocks.encode(array, block, bits);
                System.arraycopy(
                        bytes, 0, run, (block - first) * BitmapBlocks.BLOCK_BYTES, bytes.length);
            }
            runs.add(run);
            firsts.add(first);
            first = changedBlocks.nextSetBit(end);
        }
        changedBlocks.clear();
    }

    /// One write of everything that has come up.
    private final class Cycle {
        private final List<Waiting> told;
        private final List<byte[]> runs = new ArrayList<>();
        private final List<Integer> firsts = new ArrayList<>();
        private final AtomicInteger pending = new AtomicInteger(1);
        private final AtomicReference<DeviceFault> failed = new AtomicReference<>();

        Cycle(List<Waiting> told) {
            this.told = told;
        }

        /// @return whether it has ended already, and the next one may follow
        boolean run() {
            pending.addAndGet(runs.size());
            for (int i = 0; i < runs.size(); i++) {
                store.write(firsts.get(i), runs.get(i), this::runWritten);
            }
            return pending.decrementAndGet() == 0 && end();
        }

        private void runWritten(DeviceFault fault) {
            if (fault != null) {
                failed.compareAndSet(null, fault);
            }
            if (pending.decrementAndGet() == 0 && end()) {
                write();
            }
        }

        /// @return whether the next one may follow
        private boolean end() {
            DeviceFault fault = failed.get();
            for (Waiting one : told) {
                for (int region = one.first; region <= one.last; region++) {
                    if (fault == null) {
                        states.getAndUpdate(region, state -> state | DURABLE);
                    } else {
                        states.getAndDecrement(region);
                    }
                }
            }
            if (fault != null) {
                rememberUnwritten(firsts, runs);
            }
            told.forEach(one -> one.waiter.entered(fault));
            return fault == null || mayTryAgain();
        }
    }

    /// What could not be written has to be written with the next try.
    private void rememberUnwritten(List<Integer> firsts, List<byte[]> runs) {
        lock.lock();
        try {
            for (int i = 0; i < runs.size(); i++) {
                int count = runs.get(i).length / BitmapBlocks.BLOCK_BYTES;
                changedBlocks.set(firsts.get(i), firsts.get(i) + count);
            }
        } finally {
            lock.unlock();
        }
    }

    /// After a failure nothing is written unless somebody waits.
    private boolean mayTryAgain() {
        lock.lock();
        try {
            writing = !waiting.isEmpty();
            return writing;
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock: looks for regions to clear after a while.
    private void arm() {
        if (timer == null && !clearing && !blocked && !closed) {
            timer = timers.after(idleNanos, this::look);
        }
    }

    /// What forbade to clear bits may be over.
    public void mayClearAgain() {
        lock.lock();
        try {
            blocked = false;
            if (anySet()) {
                arm();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean anySet() {
        for (long word : bits) {
            if (word != 0) {
                return true;
            }
        }
        return false;
    }

    /// Looks for regions that nobody has entered since the last look.
    private void look() {
        BitSet idle = new BitSet();
        lock.lock();
        try {
            timer = null;
            if (closed) {
                return;
            }
            for (int region = nextSet(0); region < regionCount; region = nextSet(region + 1)) {
                int state = states.get(region);
                if ((state & COUNT) == 0 && (state & USED) == 0) {
                    idle.set(region);
                } else {
                    states.getAndUpdate(region, now -> now & ~USED);
                }
            }
            if (idle.isEmpty()) {
                if (anySet()) {
                    arm();
                }
                return;
            }
            clearing = true;
        } finally {
            lock.unlock();
        }
        store.prepareClear(mayClear -> clear(idle, mayClear));
    }

    private void clear(BitSet idle, boolean mayClear) {
        lock.lock();
        try {
            clearing = false;
            if (closed) {
                return;
            }
            if (!mayClear) {
                blocked = true;
                return;
            }
            idle.stream().forEach(this::clearIfIdle);
            if (anySet()) {
                arm();
            }
            if (writing || changedBlocks.isEmpty()) {
                return;
            }
            writing = true;
        } finally {
            lock.unlock();
        }
        write();
    }

    private void clearIfIdle(int region) {
        int state = states.get(region);
        boolean isIdle = (state & (COUNT | USED)) == 0;
        if (isIdle && states.compareAndSet(region, state, 0)) {
            bits[region >> 6] &= ~(1L << region);
            changedBlocks.set(BitmapBlocks.blockOf(region));
        }
    }

    /// Under the lock: the first region from one on whose bit is set; their count if there is none.
    private int nextSet(int from) {
        for (int word = from >> 6; word < bits.length; word++) {
            long rest = word == from >> 6 ? bits[word] & -1L << from : bits[word];
            if (rest != 0) {
                return Math.min(regionCount, (word << 6) + Long.numberOfTrailingZeros(rest));
            }
        }
        return regionCount;
    }

    /// The first row from `row` on that lies in a dirty region; the number of rows if there is
    /// none.
    public long nextDirty(long row) {
        lock.lock();
        try {
            int region = (int) (row >> regionShift);
            int found = region >= regionCount ? regionCount : nextSet(region);
            return found == region && found < regionCount
                    ? row
                    : Math.min(rowBytes, (long) found << regionShift);
        } finally {
            lock.unlock();
        }
    }

    /// How many bytes of rows lie in dirty regions.
    public long dirtyBytes() {
        lock.lock();
        try {
            long total = 0;
            for (int region = nextSet(0); region < regionCount; region = nextSet(region + 1)) {
                long start = (long) region << regionShift;
                total += Math.min(regionBytes(), rowBytes - start);
            }
            return total;
        } finally {
            lock.unlock();
        }
    }

    /// No bit is cleared any more. What is on disk stays as it is.
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (timer != null) {
                timer.cancel();
                timer = null;
            }
        } finally {
            lock.unlock();
        }
    }

    /// Clears all bits: the array is being closed with all members in step and flushed.
    ///
    /// @param done told once: null, or why that failed; the bits are then dirty for nothing
    public void clearAll(Waiter done) {
        boolean mustWrite;
        lock.lock();
        try {
            for (int region = nextSet(0); region < regionCount; region = nextSet(region + 1)) {
                clearIfUnused(region);
            }
            waiting.add(new Waiting(done, 0, -1));
            mustWrite = !writing;
            writing = true;
        } finally {
            lock.unlock();
        }
        if (mustWrite) {
            write();
        }
    }

    private void clearIfUnused(int region) {
        int state = states.get(region);
        if ((state & COUNT) == 0 && states.compareAndSet(region, state, 0)) {
            bits[region >> 6] &= ~(1L << region);
            changedBlocks.set(BitmapBlocks.blockOf(region));
        }
    }
}
