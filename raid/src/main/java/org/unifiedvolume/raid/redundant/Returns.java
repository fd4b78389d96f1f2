package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.Timers;

/// Takes legs in again: by command, and by itself those that could only not be reached.
final class Returns {
    private static final Logger LOG = LoggerFactory.getLogger(Returns.class);
    private static final long QUIET_NANOS = 5_000_000_000L;
    private static final long QUIET_LOOK_NANOS = 20_000_000L;
    private static final long FIRST_LOOK_NANOS = 500_000_000L;
    private static final long LAST_LOOK_NANOS = 10_000_000_000L;

    private final RedundantArray array;
    private final LegReader reader;

    /// Guarded by the lock of the states.
    private boolean watching;

    Returns(RedundantArray array, LegReader reader) {
        this.array = array;
        this.reader = reader;
    }

    /// Under the lock of the states, after each change of them: sees to it that somebody looks for
    /// the legs that are away.
    void look() {
        if (!watching && !array.isClosed() && anyAway()) {
            watching = true;
            array.blocking().threads().start("uvol-return-" + array.volume(), this::watch);
        }
    }

    private boolean anyAway() {
        return array.legs().all().stream().anyMatch(Returns::isAway);
    }

    private static boolean isAway(Leg leg) {
        return leg.state() == LegState.STALE && leg.isAway();
    }

    private void watch() {
        long pause = FIRST_LOOK_NANOS;
        try {
            while (!hasEnded()) {
                array.blocking().sleep(pause);
                pause = Math.min(LAST_LOOK_NANOS, pause * 2);
                List<Leg> away = new ArrayList<>(array.legs().all());
                away.removeIf(leg -> !isAway(leg));
                for (Leg leg : away) {
                    if (!array.isClosed() && array.beginMembership()) {
                        try {
                            boolean isLeg = array.legs().all().contains(leg);
                            if (isLeg && isAway(leg) && tryToReturn(leg)) {
                                pause = FIRST_LOOK_NANOS;
                            }
                        } finally {
                            array.endMembership();
                        }
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean hasEnded() {
        return array.legs()
                .look(
                        () -> {
                            watching = !array.isClosed() && anyAway();
                            return !watching;
                        });
    }

    private boolean tryToReturn(Leg leg) throws InterruptedException {
        if (leg.isWorkedOn() || leg.underWayCount() > 0) {
            return false;
        }
        try {
            takeIn(leg, false);
            LOG.info("volume {}: {} is back", array.volume(), leg.name());
            return true;
        } catch (IOException e) {
            LOG.debug("volume {}: {} is not back: {}", array.volume(), leg.name(), e.getMessage());
            return false;
        }
    }

    /// Takes a leg in again by command.
    ///
    /// @param assumeClean the user vouches that it holds the same bytes as the others
    void readd(Leg leg, boolean assumeClean) throws IOException {
        try {
            awaitQuiet(leg);
            takeIn(leg, assumeClean);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while %s was re-added".formatted(leg.name()), e);
        }
    }

    private void takeIn(Leg leg, boolean assumeClean) throws IOException, InterruptedException {
        if (leg.state() != LegState.STALE) {
            throw new IOException(
                    "volume %s: %s is in use; fail it first if it shall be written anew"
                            .formatted(array.volume(), leg.name()));
        }
        LegReader.Returned back = reader.read(leg);
        if (assumeClean) {
            if (back.member().listProblem() != null) {
                throw new IOException(
                        "volume %s: %s: %s; uvol re-add it without --assume-clean"
                                .formatted(
                                        array.volume(), leg.name(), back.member().listProblem()));
            }
            takeForGood(leg, back.member());
            return;
        }
        if (back.member().listProblem() != null) {
            // First it has to be on disk that the leg is given everything: then nothing can be
            // missing from a new list.
            array.legs().forgetContent(leg);
            fill(leg, array.withNewList(back.member()), 0);
            return;
        }
        boolean changesKnown = back.isKnown() && array.bitmap() != null;
        long filled = changesKnown ? leg.filledBytes() : 0;
        fill(leg, back.member(), filled);
    }

    /// A dropped leg takes changes from now on, and a job gives it what it lacks. It holds the
    /// whole bitmap before that: bits that are set already are not written again for its sake.
    ///
    /// @param member what the leg is made of from now on
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap
    void fill(Leg leg, LegMember member, long filledBytes)
            throws IOException, InterruptedException {
        array.seated(leg, member);
        RowJob job = array.jobs().rebuildOf(leg, member, filledBytes);
        array.legs().rebuild(leg, member, filledBytes, job);
        array.saveBitmap();
        job.start();
    }

    private void takeForGood(Leg leg, LegMember member) throws IOException, InterruptedException {
        BlockingLegs.Held all = new BlockingLegs.Held(0, array.level().rowBytes());
        array.blocking().hold(array.locks(), all);
        try {
            array.seated(leg, member);
            array.legs().rebuild(leg, member, array.level().rowBytes(), null);
            array.saveBitmap();
            array.legs().inSync(leg, null);
        } finally {
            array.locks().release(all);
        }
        array.legs().keeper().settle();
    }

    /// A write that a leg did not answer in time may still reach its medium, and would then
    /// overwrite what the rebuild has put there: the leg must have answered everything first.
    void awaitQuiet(Leg leg) throws IOException, InterruptedException {
        Timers timers = array.io().timers();
        long deadline = timers.nanoTime() + QUIET_NANOS;
        while (leg.device() != null
                && leg.state() == LegState.STALE
                && (leg.isWorkedOn() || leg.underWayCount() > 0)) {
            if (timers.nanoTime() - deadline > 0) {
                throw new IOException(
                        "volume %s: %s still has %d requests that it has not answered; re-add it when it has"
                                .formatted(array.volume(), leg.name(), leg.underWayCount()));
            }
            array.blocking().sleep(QUIET_LOOK_NANOS);
        }
    }
}
