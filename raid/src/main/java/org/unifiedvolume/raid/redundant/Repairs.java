package org.unifiedvolume.raid.redundant;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.unifiedvolume.request.DeviceFault;

/// Writes anew what a leg could not read, from the others: most disks mend a bad sector so.
///
/// One at a time, on a control thread. When more wait than a few dozens the rest is left to the
/// next read that fails.
final class Repairs {
    private static final Logger LOG = LoggerFactory.getLogger(Repairs.class);
    private static final int MAX_WAITING = 64;

    private record Bad(Leg leg, long row, long lengthBytes) {
        boolean overlaps(Bad other) {
            return row < other.row + other.lengthBytes && other.row < row + lengthBytes;
        }
    }

    private final RedundantArray array;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Bad> waiting = new ArrayDeque<>();
    private final List<Bad> foundMeanwhile = new ArrayList<>();
    private Bad current;
    private boolean working;

    Repairs(RedundantArray array) {
        this.array = array;
    }

    /// Whether these rows of a leg are to be written anew already.
    boolean knows(Leg leg, long row, long lengthBytes) {
        Bad bad = new Bad(leg, row, lengthBytes);
        lock.lock();
        try {
            return waiting.contains(bad) || foundMeanwhile.contains(bad);
        } finally {
            lock.unlock();
        }
    }

    /// Some rows of a leg are to be written anew.
    void add(Leg leg, long row, long lengthBytes) {
        Bad bad = new Bad(leg, row, lengthBytes);
        lock.lock();
        try {
            if (array.isClosed() || waiting.size() >= MAX_WAITING || waiting.contains(bad)) {
                return;
            }
            if (current != null && current.overlaps(bad)) {
                if (foundMeanwhile.size() < MAX_WAITING && !foundMeanwhile.contains(bad)) {
                    foundMeanwhile.add(bad);
                }
                return;
            }
            waiting.add(bad);
            if (working) {
                return;
            }
            working = true;
        } finally {
            lock.unlock();
        }
        array.blocking().threads().start("uvol-repair-" + array.volume(), this::run);
    }

    /// Makes some rows agree after an unclean stop, ahead of the resync.
    ///
    /// @param then run when that has been tried, or cannot be
    void makeAlike(long row, long lengthBytes, Runnable then) {
        array.locks().acquire(new Settling(row, lengthBytes, then));
    }

    private final class Settling extends RangeLocks.Hold implements Runnable {
        private final long row;
        private final long lengthBytes;
        private final Runnable then;

        Settling(long row, long lengthBytes, Runnable then) {
            super(row, lengthBytes);
            this.row = row;
            this.lengthBytes = lengthBytes;
            this.then = then;
        }

        @Override
        protected void granted() {
            array.blocking().threads().start("uvol-settle-" + array.volume(), this);
        }

        @Override
        protected boolean isRefusable() {
            return true;
        }

        @Override
        protected void refused(DeviceFault why) {
            then.run();
        }

        @Override
        public void run() {
            try {
                if (array.isDoubtful(row, lengthBytes)) {
                    array.level().makeAlike(array, row, lengthBytes);
                    array.replacements().follow(row, lengthBytes);
                }
            } catch (DeviceFault fault) {
                LOG.warn(
                        "volume {}: row {} cannot be made to agree: {}",
                        array.volume(),
                        row,
                        fault.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                array.locks().release(this);
                then.run();
            }
        }
    }

    private void run() {
        try {
            for (Bad bad = next(); bad != null; bad = next()) {
                boolean isMended = repair(bad);
                repaired(isMended);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Bad next() {
        lock.lock();
        try {
            current = array.isClosed() ? null : waiting.poll();
            working = current != null;
            return current;
        } finally {
            lock.unlock();
        }
    }

    /// What other legs could not read of the same rows comes next, as long as there is one that
    /// can: where none can, each would be mended from the other for ever.
    private void repaired(boolean isMended) {
        List<Bad> next;
        List<Bad> hopeless;
        lock.lock();
        try {
            current = null;
            next = isMended ? List.copyOf(foundMeanwhile) : List.of();
            hopeless = isMended ? List.of() : List.copyOf(foundMeanwhile);
            foundMeanwhile.clear();
        } finally {
            lock.unlock();
        }
        hopeless.forEach(bad -> array.legs().readNotMended(bad.leg));
        next.forEach(bad -> add(bad.leg, bad.row, bad.lengthBytes));
    }

    /// @return whether it can be read now, as far as is known
    private boolean repair(Bad bad) throws InterruptedException {
        BlockingLegs.Held held = new BlockingLegs.Held(bad.row, bad.lengthBytes);
        array.blocking().hold(array.locks(), held);
        boolean wasLost = bad.leg.isLost(bad.row, bad.lengthBytes);
        try {
            if (array.roles().isComplete(bad.leg)) {
                boolean isMended = array.level().restore(array, bad.leg, bad.row, bad.lengthBytes);
                array.replacements().follow(bad.row, bad.lengthBytes);
                if (!isMended) {
                    // What is known to be lost has been told once.
                    LOG.atLevel(wasLost ? Level.DEBUG : Level.WARN)
                            .log(
                                    "volume {}: {}: of {} bytes at row {} some cannot be mended: no other leg can give them",
                                    array.volume(),
                                    bad.leg.name(),
                                    bad.lengthBytes,
                                    bad.row);
                    array.legs().readNotMended(bad.leg);
                    return false;
                }
                array.legs().readMended(bad.leg, !wasLost);
                LOG.info(
                        "volume {}: {}: {} bytes at row {} written anew",
                        array.volume(),
                        bad.leg.name(),
                        bad.lengthBytes,
                        bad.row);
            }
            return true;
        } catch (DeviceFault fault) {
            LOG.warn(
                    "volume {}: {}: row {} cannot be mended: {}",
                    array.volume(),
                    bad.leg.name(),
                    bad.row,
                    fault.getMessage());
            return false;
        } finally {
            array.locks().release(held);
        }
    }
}
