package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// Gives the roles of legs that have been lost for longer than users want to wait to spares.
///
/// A leg that is being given what it missed is not lost. The delay begins anew with each start, as
/// a leg may need the time to be reachable again after this host was not.
final class Succession {
    private static final Logger LOG = LoggerFactory.getLogger(Succession.class);
    private static final long NEXT_TRY_NANOS = 1_000_000_000L;

    private final RedundantArray array;
    private final long delayNanos;

    /// By role: since when the leg is lost. Guarded by the lock of the states, as the rest is.
    private long[] lostSince;

    private boolean[] isLost;
    private final Set<UUID> refused = new HashSet<>();
    private boolean watching;

    Succession(RedundantArray array, long delayNanos) {
        this.array = array;
        this.delayNanos = delayNanos;
        this.lostSince = new long[Superblock.MAX_MEMBERS]; // there may be more roles later
        this.isLost = new boolean[Superblock.MAX_MEMBERS];
    }

    /// Under the lock of the states, after each change of them: sees to it that somebody waits for
    /// the end of the delay.
    void look() {
        long now = array.io().timers().nanoTime();
        boolean anyLost = false;
        int roles = array.legs().all().size();
        if (roles > isLost.length) {
            lostSince = Arrays.copyOf(lostSince, roles);
            isLost = Arrays.copyOf(isLost, roles);
        }
        for (Leg leg : array.legs().all()) {
            boolean lost = leg.state() == LegState.STALE;
            if (lost && !isLost[leg.role()]) {
                lostSince[leg.role()] = now;
            }
            isLost[leg.role()] = lost;
            anyLost |= lost;
        }
        if (!watching
                && anyLost
                && !array.isClosed()
                && !array.legs().reserve().spares().isEmpty()) {
            watching = true;
            array.blocking().threads().start("uvol-spare-" + array.volume(), this::watch);
        }
    }

    /// What will become of a lost leg, for users: empty if no spare takes its role. Under the lock
    /// of the states.
    String outlook(Leg leg) {
        if (!isLost[leg.role()] || candidates(leg).isEmpty()) {
            return "";
        }
        Duration left = Duration.ofNanos(Math.max(0, dueNanos(leg) - now()));
        return left.isZero()
                ? "a spare is about to take its place"
                : "a spare takes its place in %d s".formatted(left.toSeconds() + 1);
    }

    long delaySeconds() {
        return Duration.ofNanos(delayNanos).toSeconds();
    }

    private long now() {
        return array.io().timers().nanoTime();
    }

    private long dueNanos(Leg leg) {
        return lostSince[leg.role()] + delayNanos;
    }

    private void watch() {
        try {
            while (true) {
                Long pause = array.legs().look(this::pause);
                if (pause == null) {
                    return;
                }
                array.blocking().sleep(pause);
                for (Leg leg : array.legs().all()) {
                    if (array.legs().look(() -> isDue(leg)) && array.beginMembership()) {
                        try {
                            give(leg);
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

    /// How long to wait for the next leg; null if there is nothing to wait for any more.
    private Long pause() {
        long least = Long.MAX_VALUE;
        for (Leg leg : array.legs().all()) {
            if (isLost[leg.role()]) {
                least = Math.min(least, Math.max(NEXT_TRY_NANOS, dueNanos(leg) - now()));
            }
        }
        watching =
                least < Long.MAX_VALUE
                        && !array.isClosed()
                        && !array.legs().reserve().spares().isEmpty();
        return watching ? least : null;
    }

    private boolean isDue(Leg leg) {
        return isLost[leg.role()] && dueNanos(leg) - now() <= 0 && !array.isClosed();
    }

    /// Tries the spares for a role, the best one first.
    private void give(Leg leg) throws InterruptedException {
        Membership membership = array.membership();
        for (Spare known : candidates(leg)) {
            Spare spare = known;
            try {
                if (spare.isMissing()) {
                    spare = reopen(known);
                }
                String name = leg.name();
                if (membership.succeed(leg, spare)) {
                    LOG.warn(
                            "volume {}: the spare {} takes the place of {}; change the configuration too",
                            array.volume(),
                            spare.name(),
                            name);
                }
                return;
            } catch (IOException e) {
                if (refused.add(known.member().uuid())) {
                    LOG.warn(
                            "volume {}: the spare {} cannot take the place of {}: {}",
                            array.volume(),
                            spare.name(),
                            leg.name(),
                            e.getMessage());
                }
            }
        }
    }

    /// Of the spares that fit, those of the lost leg's locality come first, if that is local; then
    /// the smallest.
    private List<Spare> candidates(Leg leg) {
        boolean wantsLocal = leg.locality() == Locality.LOCAL;
        return array.legs().reserve().spares().stream()
                .filter(spare -> spare.isMissing() || array.membership().problemOf(spare) == null)
                .sorted(
                        Comparator.comparing(Spare::isMissing)
                                .thenComparing(
                                        one ->
                                                wantsLocal
                                                        && one.opened().locality()
                                                                != Locality.LOCAL)
                                .thenComparingLong(
                                        one ->
                                                one.isMissing()
                                                        ? 0
                                                        : one.seat().areas().memberBytes()))
                .toList();
    }

    /// A spare that was missing when the array started may be there now.
    private Spare reopen(Spare missing) throws IOException {
        LayoutMember before = missing.opened();
        LayoutMember opened = before.opener() == null ? before : before.opener().open();
        if (opened.isMissing()) {
            throw new IOException(opened.problem());
        }
        boolean taken = false;
        try {
            Spare now = array.membership().spareOf(opened, missing);
            array.legs().reserve().reopened(missing, now);
            taken = true;
            return now;
        } finally {
            if (!taken) {
                opened.device().close();
            }
        }
    }
}
