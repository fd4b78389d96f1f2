package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.superblock.Verdict.Seat;

/// What becomes of members at a start of which nobody knows what they lack: their list of bad
/// blocks is damaged, or cannot be read.
///
/// @param mayForget whether the user gives up what such lists said (`force: true`)
record UnknownLosses(String volume, boolean mayForget) {
    private static final Logger LOG = LoggerFactory.getLogger(UnknownLosses.class);

    /// Whether a member's list is to be begun anew.
    boolean areForgotten(LegMember member) {
        boolean may = mayForget && !member.list().mayPass();
        if (may) {
            LOG.warn(
                    "volume {}: {}: {}; it is begun anew, as force: true is written, and what was lost reads as what is there",
                    volume,
                    member.name(),
                    member.listProblem());
        }
        return may;
    }

    /// The leg that such a member is: no complete one. It is given everything, unless its list can
    /// be read after all.
    Leg legOf(int role, LegMember member, Seat seat, Instant now) {
        LOG.error("volume {}: {}: {}", volume, member.name(), member.listProblem());
        long filled = member.list().mayPass() ? seat.filledBytes() : 0;
        Leg leg = new Leg(role, member, LegState.STALE, member.listProblem(), now, filled);
        leg.setAway(true); // it is here, and is taken in by itself
        return leg;
    }

    /// Refuses a start with too few legs beside such ones.
    void check(Level level, List<Leg> legs) throws IOException {
        long complete = 0;
        LegMember unknown = null;
        for (Leg leg : legs) {
            boolean counts = leg.device() != null && leg.state().isComplete();
            complete |= counts ? leg.bit() : 0;
            unknown = leg.member().listProblem() == null ? unknown : leg.member();
        }
        if (unknown != null && !level.isEnough(complete)) {
            throw new IOException(
                    "volume %s: %s is needed, and nobody knows what of it is lost: %s. %s"
                            .formatted(
                                    volume,
                                    unknown.name(),
                                    unknown.listProblem(),
                                    unknown.list().mayPass()
                                            ? "Try again"
                                            : "Bring another member back; or write force: true to"
                                                    + " begin its list anew, so that what was lost"
                                                    + " reads as what is there"));
        }
    }
}
