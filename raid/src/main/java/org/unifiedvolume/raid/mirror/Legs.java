package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.request.DeviceFault;

/// Which legs of a mirror are good, and every change of that.
///
/// One lock guards the states; requests look at [#roles] without it. Each change goes into the
/// record too; whoever acknowledges a change of data waits for [RecordKeeper#whenSettled] first.
/// The last complete leg is never given up.
final class Legs {
    /// After so many failed reads a leg is dropped.
    private static final int MAX_READ_ERRORS = 8;

    private static final Logger LOG = LoggerFactory.getLogger(Legs.class);

    private final String volume;
    private final long sizeBytes;
    private final List<Leg> legs;
    private final RecordKeeper keeper;
    private final ReentrantLock lock = new ReentrantLock();
    private long generation;
    private boolean closedClean;
    private boolean uneven;
    private volatile Roles roles;

    Legs(String volume, MirrorRecord start, List<Leg> legs, RecordKeeper keeper) {
        this.volume = volume;
        this.sizeBytes = start.sizeBytes();
        this.generation = start.generation();
        this.legs = List.copyOf(legs);
        this.keeper = keeper;
        this.roles = new Roles(this.legs);
    }

    Roles roles() {
        return roles;
    }

    RecordKeeper keeper() {
        return keeper;
    }

    List<Leg> all() {
        return legs;
    }

    /// A look at one leg or all of them while nothing changes.
    <T> T look(Supplier<T> look) {
        lock.lock();
        try {
            return look.get();
        } finally {
            lock.unlock();
        }
    }

    /// Takes note of a read that a leg failed.
    void readFailed(Leg leg, DeviceFault fault) {
        lock.lock();
        try {
            if (!leg.state().isComplete() || isLastComplete(leg)) {
                return;
            }
            int errors = leg.countReadError(fault.getMessage(), Instant.now());
            boolean isGone =
                    fault.kind() == DeviceFault.Kind.TIMED_OUT
                            || fault.kind() == DeviceFault.Kind.DISCONNECTED;
            if (isGone || errors >= MAX_READ_ERRORS) {
                drop(leg, fault.getMessage());
                changed();
            } else {
                LOG.warn(
                        "volume {}: {} failed a read ({}); another leg served it",
                        volume,
                        leg.name(),
                        fault.getMessage());
                roles = new Roles(legs);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Decides how a change of data ended that some legs failed: those are dropped if a complete
    /// leg has the change, else the change has failed and one complete leg is kept.
    ///
    /// @param targets the legs that the change was sent to
    /// @param faults why each of them failed; null where it did not
    /// @return why the change failed; null if it has not
    DeviceFault settle(Leg[] targets, DeviceFault[] faults) {
        lock.lock();
        try {
            boolean isSafe = false;
            for (int i = 0; i < targets.length; i++) {
                isSafe |= faults[i] == null && targets[i].state().isComplete();
            }
            Leg kept = isSafe ? null : roles.readable()[0];
            DeviceFault answer = null;
            for (int i = 0; i < targets.length; i++) {
                DeviceFault fault = faults[i];
                if (fault == null) {
                    continue;
                }
                if (isSafe || !(targets[i] == kept || isHarmless(fault))) {
                    drop(targets[i], fault.getMessage());
                }
                if (!isSafe && (answer == null || targets[i] == kept)) {
                    answer = fault;
                }
                uneven |= !isSafe && !isRefusal(fault);
            }
            changed();
            return answer;
        } finally {
            lock.unlock();
        }
    }

    /// Whether a failure says nothing about the leg, if all legs answer so.
    private static boolean isHarmless(DeviceFault fault) {
        return switch (fault.kind()) {
            case NO_SPACE, NOT_SUPPORTED, BAD_RANGE, READ_ONLY, NO_MEMORY, STOPPING -> true;
            case IO, TIMED_OUT, DISCONNECTED -> false;
        };
    }

    /// Whether a failure means that nothing was changed. Otherwise the range is unspecified until
    /// it is written again, and whether the legs agree on it is not known.
    private static boolean isRefusal(DeviceFault fault) {
        return switch (fault.kind()) {
            case NOT_SUPPORTED, BAD_RANGE, READ_ONLY -> true;
            case IO, NO_SPACE, TIMED_OUT, DISCONNECTED, NO_MEMORY, STOPPING -> false;
        };
    }

    private boolean isLastComplete(Leg leg) {
        for (Leg other : legs) {
            if (other != leg && other.device() != null && other.state().isComplete()) {
                return false;
            }
        }
        return true;
    }

    /// Under the lock. The caller says [#changed].
    private void drop(Leg leg, String why) {
        if (leg.state() == LegState.STALE) {
            return;
        }
        LOG.error("volume {}: dropped {}: {}", volume, leg.name(), why);
        if (leg.resync() != null) {
            leg.resync().cancel();
            leg.setResync(null);
        }
        leg.become(LegState.STALE, why, Instant.now());
        promoteIfNeeded();
    }

    /// If the primary is gone, one of the legs that may differ from it takes its place: it has
    /// every acknowledged change.
    private void promoteIfNeeded() {
        Leg heir = null;
        for (Leg leg : legs) {
            if (leg.state() == LegState.IN_SYNC) {
                return;
            }
            if (heir == null && leg.device() != null && leg.state() == LegState.UNCLEAN) {
                heir = leg;
            }
        }
        if (heir == null) {
            return;
        }
        if (heir.resync() != null) {
            heir.resync().cancel();
            heir.setResync(null);
        }
        heir.become(LegState.IN_SYNC, "", Instant.now());
        LOG.warn("volume {}: {} is the primary now", volume, heir.name());
        for (Leg leg : legs) {
            if (leg.resync() != null) {
                leg.resync().startOver();
            }
        }
    }

    /// Under the lock: brings a change of states to requests and to the record.
    private void changed() {
        roles = new Roles(legs);
        generation++;
        keeper.change(record());
    }

    private MirrorRecord record() {
        List<MirrorRecord.Entry> entries = new ArrayList<>();
        for (Leg leg : legs) {
            entries.add(leg.entry());
        }
        Leg[] readable = roles.readable();
        int primary = readable.length == 0 ? 0 : readable[0].index();
        return new MirrorRecord(generation, sizeBytes, closedClean, primary, entries);
    }

    /// Writes the record of a mirror that starts, or has changed by hand.
    void save() throws IOException {
        lock.lock();
        try {
            changed();
        } finally {
            lock.unlock();
        }
        keeper.settle();
    }

    /// Writes the record of a mirror whose complete legs are alike.
    void saveClosed() throws IOException {
        lock.lock();
        try {
            if (uneven) {
                return;
            }
            closedClean = true;
            changed();
        } finally {
            lock.unlock();
        }
        keeper.settle();
    }

    /// Stops using a leg by hand.
    void fail(Leg leg) throws IOException {
        lock.lock();
        try {
            if (leg.state().isComplete() && isLastComplete(leg)) {
                throw new IOException(
                        "volume %s: %s is the last leg that is good; re-add another one first"
                                .formatted(volume, leg.name()));
            }
            drop(leg, "taken out by hand");
            changed();
        } finally {
            lock.unlock();
        }
        keeper.settle();
    }

    /// Takes a dropped leg in again, to be given its bytes by `resync`; it takes changes from now
    /// on.
    void rebuild(Leg leg, Resync resync) throws IOException {
        lock.lock();
        try {
            if (leg.state() != LegState.STALE) {
                throw new IOException(
                        "volume %s: %s is in use; fail it first if it shall be written anew"
                                .formatted(volume, leg.name()));
            }
            leg.become(LegState.REBUILDING, "", Instant.now());
            leg.setResync(resync);
            changed();
        } finally {
            lock.unlock();
        }
        try {
            keeper.settle();
        } catch (IOException e) {
            resyncFailed(leg, resync, "its return could not be recorded");
            throw e;
        }
    }

    /// A leg holds what the volume holds.
    ///
    /// @param resync who has seen to it, null for the user; if it was cancelled nothing changes
    void inSync(Leg leg, Resync resync) {
        lock.lock();
        try {
            if (leg.resync() != resync || (resync != null && resync.mustStop())) {
                return;
            }
            leg.setResync(null);
            leg.become(LegState.IN_SYNC, "", Instant.now());
            changed();
            LOG.info("volume {}: {} is in sync", volume, leg.name());
        } finally {
            lock.unlock();
        }
    }

    /// A resync could not go on.
    void resyncFailed(Leg leg, Resync resync, String why) {
        lock.lock();
        try {
            if (leg.resync() == resync && !leg.state().equals(LegState.STALE)) {
                drop(leg, why);
                changed();
            }
        } finally {
            lock.unlock();
        }
    }
}
