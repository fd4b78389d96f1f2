package org.unifiedvolume.raid.simulation;

import java.util.EnumSet;
import java.util.Set;
import org.unifiedvolume.testkit.DiskFault;

/// What a level promises; see `docs/safety.md`.
///
/// @param tolerance how many legs may be lost or bad at once without a request failing
/// @param faults what may happen to its disks without a promise being broken. Those that leave a
///     flaw on a disk are only injected into as many disks as `tolerance` says
record Promises(int tolerance, Set<DiskFault> faults) {
    /// What every level has to bear: disks that fail requests say so.
    static final Set<DiskFault> HONEST =
            EnumSet.of(
                    DiskFault.KILL,
                    DiskFault.POWER_CUT,
                    DiskFault.READ_ERROR,
                    DiskFault.WRITE_ERROR,
                    DiskFault.FLUSH_ERROR,
                    DiskFault.HANG,
                    DiskFault.SLOW,
                    DiskFault.LEAVE,
                    DiskFault.RETURN,
                    DiskFault.LATENT_ERROR);

    /// These faults, and more.
    static Set<DiskFault> honestAnd(DiskFault... more) {
        EnumSet<DiskFault> all = EnumSet.copyOf(HONEST);
        all.addAll(Set.of(more));
        return all;
    }

    boolean bears(DiskFault fault) {
        return faults.contains(fault);
    }
}
