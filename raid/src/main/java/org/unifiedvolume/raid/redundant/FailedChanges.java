package org.unifiedvolume.raid.redundant;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.request.DeviceFault;

/// Changes that failed on legs which the array cannot do without: those legs may have them or not.
///
/// Until the legs agree again the rows of such a change are held and stay marked in the bitmap, so
/// that nothing is computed from them, no job takes them for good, and the array is not closed
/// clean. Everything is tried again and again, since legs on a network come back; what a leg did
/// not answer in time has to be answered first, as it could still happen afterwards.
final class FailedChanges {
    /// With so many the array takes no more changes: each of them holds memory.
    private static final int MOST = 64;

    private static final long FIRST_PAUSE_NANOS = 50_000_000L;
    private static final long LAST_PAUSE_NANOS = 5_000_000_000L;
    private static final Logger LOG = LoggerFactory.getLogger(FailedChanges.class);

    private final RedundantArray array;
    private final AtomicInteger count = new AtomicInteger();
    private final List<RowChange> held = new CopyOnWriteArrayList<>();
    private volatile DeviceFault refusal;

    FailedChanges(RedundantArray array) {
        this.array = array;
    }

    private boolean areAny() {
        return count.get() > 0;
    }

    /// Why no more changes are taken; null if they are.
    DeviceFault refusal() {
        return count.get() < MOST ? null : refusal;
    }

    /// Whether a row is one of those that legs may have different changes of.
    boolean cover(long row) {
        for (RowChange change : held) {
            if (change.covers(row)) {
                return true;
            }
        }
        return false;
    }

    /// Keeps a change until its rows agree.
    void add(RowChange change, DeviceFault why, Level.Mending mending) {
        DeviceFault forOthers =
                new DeviceFault(
                        DeviceFault.Kind.IO,
                        "volume %s: an earlier change of the same place failed and is tried again: %s"
                                .formatted(array.volume(), why.getMessage()));
        refusal = forOthers;
        held.add(change);
        if (count.getAndIncrement() == 0) {
            array.legs().askWhetherTheyDiffer(this::areAny);
        }
        array.locks().refuse(change, forOthers);
        array.blocking().threads().start("uvol-mend-" + array.volume(), () -> run(change, mending));
    }

    private void run(RowChange change, Level.Mending mending) {
        boolean isMended = false;
        try {
            isMended = tryOn(change, mending);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!isMended) {
            mending.giveUp();
            change.letGo();
            return;
        }
        held.remove(change);
        if (count.decrementAndGet() == 0) {
            array.legs().askWhetherTheyDiffer(this::areAny);
        }
        change.mended();
    }

    private boolean tryOn(RowChange change, Level.Mending mending) throws InterruptedException {
        long row = change.row();
        long pause = FIRST_PAUSE_NANOS;
        String problem = "";
        while (!array.isClosed()) {
            array.blocking().sleep(pause);
            pause = Math.min(LAST_PAUSE_NANOS, pause * 2);
            if (array.isClosed() || isAnyOverdue()) {
                continue;
            }
            try {
                mending.mend();
                LOG.info("volume {}: the failed change at row {} is mended", array.volume(), row);
                return true;
            } catch (DeviceFault fault) {
                if (!problem.equals(fault.getMessage())) {
                    problem = fault.getMessage();
                    LOG.warn(
                            "volume {}: the failed change at row {} is not mended yet: {}",
                            array.volume(),
                            row,
                            problem);
                }
            }
        }
        return false;
    }

    /// Whether a leg that is in use has not answered something in time, and not since.
    private boolean isAnyOverdue() {
        for (Leg leg : array.roles().writable()) {
            if (leg.hesitation() != null) {
                return true;
            }
        }
        return false;
    }
}
