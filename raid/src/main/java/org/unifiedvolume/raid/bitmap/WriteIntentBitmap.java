package org.unifiedvolume.raid.bitmap;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.DeviceFault;

/// Which regions of an array may differ between its members, known on disk before they do.
///
/// A change enters the regions of its rows before it is sent to any member, and leaves them when
/// all have answered. A region that no change entered for a while is cleared after everything has
/// been flushed. Rows are offsets within the members' data areas, in bytes.
///
/// Safe for concurrent callers. While the bits of its regions are durable, a change enters and
/// leaves without a lock ([RegionStates]). What else there is stands under one lock: what the disk
/// shall hold ([DiskImage]) and who waits for it. One write is under way at a time and tells all
/// who wait for its bits; those that come up meanwhile go together with the next one.
///
/// The timer runs only while there is something to clear that may be cleared.
public final class WriteIntentBitmap {
    /// Who waits until bits are durable.
    @FunctionalInterface
    public interface Waiter {
        /// The bits are durable: the change has entered. Told exactly once, on any thread; must not
        /// block and must not throw.
        ///
        /// @param fault why not; then the change has not entered and does not leave. Null if they
        ///     are
        void entered(DeviceFault fault);
    }

    /// For how long a region has to be left alone before it is cleared, if nothing else is said.
    public static final long IDLE_NANOS = 5_000_000_000L;

    /// @param first the first region that is entered
    /// @param last the last one; less than the first if there are none
    /// @param stays whether they are left by someone else, once they have been entered
    private record Waiting(Waiter waiter, int first, int last, boolean stays) {}

    private final long rowBytes;
    private final int regionShift;
    private final int regionCount;
    private final BitmapStore store;
    private final Timers timers;
    private final long idleNanos;
    private final RegionStates states;

    private final ReentrantLock lock = new ReentrantLock();

    // Under the lock.
    private final DiskImage image;

    /// Who waits for the write after the one under way.
    private List<Waiting> waiting = new ArrayList<>();

    /// The write under way; null if there is none.
    private Write write;

    /// Whether a thread is between two writes, or about to start the first.
    private boolean writing;

    private boolean lastWriteFailed;
    private Timers.Cancellable timer;

    /// Whether the store is preparing to clear.
    private boolean clearing;

    /// Whether the store may have changed its mind since it was asked.
    private boolean askAgain;

    /// Whether the store would not have anything cleared when it was asked last.
    private boolean refused;

    private boolean keepDirty;
    private boolean closed;

    /// A bitmap of clean regions, of which nothing is on disk yet: [#load] or [#markAll] may come
    /// next, then [#save], then the first change.
    ///
    /// @param array whose bitmap it is
    /// @param rowBytes how many rows there are
    /// @param regionBytes for how many of them a bit stands; a power of two
    /// @param idleNanos for how long a region has to be left alone before it is cleared; it may
    ///     take twice as long
    public WriteIntentBitmap(
            UUID array,
            long rowBytes,
            long regionBytes,
            BitmapStore store,
            Timers timers,
            long idleNanos) {
        Invariant.check(Long.bitCount(regionBytes) == 1, "a region of %d bytes", regionBytes);
        Invariant.check(rowBytes > 0, "a bitmap of %d bytes of rows", rowBytes);
        this.rowBytes = rowBytes;
        this.regionShift = Long.numberOfTrailingZeros(regionBytes);
        this.regionCount = Math.toIntExact(((rowBytes - 1) >> regionShift) + 1);
        this.store = store;
        this.timers = timers;
        this.idleNanos = idleNanos;
        this.states = new RegionStates(regionCount);
        this.image = new DiskImage(array, regionCount);
    }

    /// How many bytes the bitmap takes on disk.
    public int lengthBytes() {
        return image.blockCount() * BitmapBlocks.BLOCK_BYTES;
    }

    /// For how many rows a bit stands.
    public long regionBytes() {
        return 1L << regionShift;
    }

    /// Takes over what members hold: a region is dirty if any of them says so, or may say so.
    /// Before the first change.
    ///
    /// @param members the blocks of each member that may tell; none leaves all regions as they are
    /// @return how many blocks were torn or missing, whose regions all count as dirty
    public int load(List<byte[]> members) {
        lock.lock();
        try {
            return members.stream().mapToInt(image::add).sum();
        } finally {
            lock.unlock();
        }
    }

    /// Every region is dirty: the members of a new array may hold anything. Before the first
    /// change.
    public void markAll() {
        lock.lock();
        try {
            image.setAll();
        } finally {
            lock.unlock();
        }
    }

    /// Brings all blocks to all members that take changes: before the first change, and to a member
    /// that takes changes anew before it is sent any.
    ///
    /// @param waiter told once the blocks are durable
    public void save(Waiter waiter) {
        boolean mustStart;
        lock.lock();
        try {
            image.changeAll();
            waiting.add(new Waiting(waiter, 0, -1, false));
            arm();
            mustStart = mustStartWriting();
        } finally {
            lock.unlock();
        }
        if (mustStart) {
            writeOn(null);
        }
    }

    /// A change of some rows begins.
    ///
    /// @param lengthBytes how many rows, at least one
    /// @param waiter told once the change has entered, if it has not now
    /// @return whether it has
    public boolean enter(long row, long lengthBytes, Waiter waiter) {
        check(row, lengthBytes);
        int last = regionOf(row + lengthBytes - 1);
        int first = regionOf(row);
        for (int region = first; region <= last; region++) {
            if (!states.enterIfDurable(region)) {
                return enterSlowly(region, new Waiting(waiter, first, last, true));
            }
        }
        return true;
    }

    /// A change that has entered has been answered by all members.
    public void leave(long row, long lengthBytes) {
        check(row, lengthBytes);
        leaveRegions(regionOf(row), regionOf(row + lengthBytes - 1));
    }

    /// Makes the regions of some rows dirty on disk without a change of them: members may differ
    /// there, or are known to. Cleared as all others are, so not while the store says no.
    ///
    /// @param waiter told once they are durably dirty, if they are not now
    /// @return whether they are
    public boolean mark(long row, long lengthBytes, Waiter waiter) {
        check(row, lengthBytes);
        int first = regionOf(row);
        int last = regionOf(row + lengthBytes - 1);
        boolean isDurable = enterSlowly(first, new Waiting(waiter, first, last, false));
        if (isDurable) {
            leaveRegions(first, last);
        }
        return isDurable;
    }

    private void check(long row, long lengthBytes) {
        Invariant.check(
                row >= 0 && lengthBytes > 0 && row <= rowBytes - lengthBytes,
                "a change of rows at %d that are not there",
                row);
    }

    private int regionOf(long row) {
        return (int) (row >> regionShift);
    }

    private void leaveRegions(int first, int last) {
        for (int region = first; region <= last; region++) {
            states.leave(region);
        }
    }

    /// Enters regions of which some may not be durable.
    ///
    /// @param from the first region that was not entered
    private boolean enterSlowly(int from, Waiting change) {
        boolean mustWait = false;
        boolean mustWrite = false;
        boolean mustStart;
        lock.lock();
        try {
            for (int region = from; region <= change.last; region++) {
                if (!states.enter(region)) {
                    mustWait = true;
                    mustWrite |= image.set(region);
                }
            }
            if (!mustWait) {
                return true;
            }
            (mustWrite ? waiting : write.told).add(change);
            arm();
            mustStart = mustStartWriting();
        } finally {
            lock.unlock();
        }
        if (mustStart) {
            writeOn(null);
        }
        return false;
    }

    /// Under the lock: whether the caller has to call [#writeOn] without it.
    private boolean mustStartWriting() {
        boolean must = !writing;
        writing = true;
        return must;
    }

    /// Writes what has changed until nobody has anything to be written. One thread at a time, which
    /// may hand over to the one that brings an answer.
    ///
    /// @param before the write before; null if there is none
    private void writeOn(Write before) {
        Write next = nextWrite(before);
        while (next != null) {
            next = next.start() ? nextWrite(next) : null;
        }
    }

    /// @param before the write before this one; null if there is none
    /// @return null if there is nothing to write
    private Write nextWrite(Write before) {
        lock.lock();
        try {
            // After a failure only those who wait are worth another one.
            boolean isWorthIt = before == null || !lastWriteFailed;
            if (waiting.isEmpty() && !(image.hasChanges() && isWorthIt)) {
                writing = false;
                return null;
            }
            write = new Write(image.takeOff(), waiting);
            waiting = new ArrayList<>();
            return write;
        } finally {
            lock.unlock();
        }
    }

    /// One write of blocks, and who is told of it.
    private final class Write {
        private final DiskImage.Flight flight;
        private final List<Waiting> told;

        /// Taken by the first of the two that come back, the call and the answer; the other one
        /// goes on with the next write.
        private final AtomicBoolean first = new AtomicBoolean(true);

        Write(DiskImage.Flight flight, List<Waiting> told) {
            this.flight = flight;
            this.told = told;
        }

        /// @return whether it was answered already
        boolean start() {
            store.write(flight.firstBlock(), flight.blocks(), this::answered);
            return !first.compareAndSet(true, false);
        }

        private void answered(DeviceFault fault) {
            end(fault);
            for (Waiting one : told) {
                if (fault != null || !one.stays) {
                    leaveRegions(one.first, one.last);
                }
                one.waiter.entered(fault);
            }
            if (!first.compareAndSet(true, false)) {
                writeOn(this);
            }
        }

        private void end(DeviceFault fault) {
            lock.lock();
            try {
                Invariant.check(write == this, "a write of the bitmap was answered twice");
                write = null;
                lastWriteFailed = fault != null;
                if (lastWriteFailed) {
                    image.crash(flight);
                } else {
                    image.land(states::makeDurable);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /// Under the lock: looks for regions to clear after a while, if there can be any.
    private void arm() {
        boolean may = !refused && !keepDirty && !closed;
        if (may && timer == null && !clearing && !image.isClean()) {
            timer = timers.after(idleNanos, this::look);
        }
    }

    private void disarm() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    /// Looks for regions that no change has entered since the last look, and asks the store.
    private void look() {
        BitSet idle;
        lock.lock();
        try {
            timer = null;
            if (keepDirty || closed) {
                return;
            }
            idle = idleRegions();
            if (idle.isEmpty()) {
                arm();
                return;
            }
            clearing = true;
            askAgain = false;
        } finally {
            lock.unlock();
        }
        store.prepareClear(go -> clear(idle, go));
    }

    private BitSet idleRegions() {
        BitSet idle = new BitSet(regionCount);
        image.dirtyRegions()
                .forEach(
                        region -> {
                            if (states.isIdle(region)) {
                                idle.set(region);
                            } else {
                                states.watch(region);
                            }
                        });
        return idle;
    }

    private void clear(BitSet idle, boolean go) {
        boolean mustStart;
        lock.lock();
        try {
            Invariant.check(clearing, "the store said twice whether bits may be cleared");
            clearing = false;
            refused = !go && !askAgain;
            if (go && !keepDirty && !closed) {
                // A change that came since does not find its region idle; one that comes from now
                // on finds it not durable, and its bit goes out after the cleared one.
                idle.stream().filter(states::forgetIfIdle).forEach(image::clear);
            }
            arm();
            mustStart = image.hasChanges() && mustStartWriting();
        } finally {
            lock.unlock();
        }
        if (mustStart) {
            writeOn(null);
        }
    }

    /// What forbade to clear bits may be over.
    public void mayClearAgain() {
        boolean mustStart;
        lock.lock();
        try {
            refused = false;
            askAgain = true;
            arm();
            // What could not be cleared on disk is tried once more.
            mustStart = lastWriteFailed && image.hasChanges() && mustStartWriting();
        } finally {
            lock.unlock();
        }
        if (mustStart) {
            writeOn(null);
        }
    }

    /// Says whether all bits stay set, whatever the store says.
    public void keepDirty(boolean keep) {
        lock.lock();
        try {
            keepDirty = keep;
            if (keep) {
                disarm();
            } else {
                arm();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Clears all bits but for those of changes under way, and brings all blocks to all members: a
    /// new array whose members are alike, or one that is being stopped with all members in sync and
    /// flushed.
    ///
    /// @param waiter told when that is on disk; if it failed, regions are dirty for nothing
    public void clearAll(Waiter waiter) {
        lock.lock();
        try {
            image.dirtyRegions().filter(states::forgetIfUnused).forEach(image::clear);
        } finally {
            lock.unlock();
        }
        save(waiter);
    }

    /// Nothing is cleared any more by itself. What is on disk stays as it is.
    public void close() {
        lock.lock();
        try {
            closed = true;
            disarm();
        } finally {
            lock.unlock();
        }
    }

    /// Whether the region of a row is dirty.
    public boolean isDirty(long row) {
        check(row, 1);
        lock.lock();
        try {
            return image.isDirty(regionOf(row));
        } finally {
            lock.unlock();
        }
    }

    /// The first row from `row` on that lies in a dirty region; the number of rows if there is
    /// none.
    public long nextDirty(long row) {
        if (row >= rowBytes) {
            return rowBytes;
        }
        lock.lock();
        try {
            long start = (long) image.nextDirty(regionOf(row)) << regionShift;
            return Math.min(rowBytes, Math.max(row, start));
        } finally {
            lock.unlock();
        }
    }

    /// How many rows lie in dirty regions.
    public long dirtyBytes() {
        lock.lock();
        try {
            long bytes = (long) image.dirtyCount() << regionShift;
            long beyond = ((long) regionCount << regionShift) - rowBytes;
            return image.isDirty(regionCount - 1) ? bytes - beyond : bytes;
        } finally {
            lock.unlock();
        }
    }
}
