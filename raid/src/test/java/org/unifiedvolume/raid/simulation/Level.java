package org.unifiedvolume.raid.simulation;

import java.util.Locale;

/// The levels that are simulated.
enum Level {
    LINEAR,
    RAID0,
    RAID1,
    RAID10,
    /// With checksums.
    RAID1_INTEGRITY,
    RAID10_INTEGRITY,
    /// With a leg that is slow, and gets changes later than these are acknowledged.
    RAID1_BEHIND,
    RAID5,
    RAID6,
    RAID5_INTEGRITY,
    RAID6_INTEGRITY;

    /// An array of this level on new disks, with sizes and counts by chance.
    SimulatedArray on(SimulatedHost host) {
        return switch (this) {
            case LINEAR -> new SimulatedLinear(host);
            case RAID0 -> new SimulatedStripe(host);
            case RAID1 -> SimulatedReplication.mirror(host, false);
            case RAID10 -> SimulatedReplication.ten(host, false);
            case RAID1_INTEGRITY -> SimulatedReplication.mirror(host, true);
            case RAID10_INTEGRITY -> SimulatedReplication.ten(host, true);
            case RAID1_BEHIND -> SimulatedReplication.behind(host);
            case RAID5 -> new SimulatedParity(host, 1, false);
            case RAID6 -> new SimulatedParity(host, 2, false);
            case RAID5_INTEGRITY -> new SimulatedParity(host, 1, true);
            case RAID6_INTEGRITY -> new SimulatedParity(host, 2, true);
        };
    }

    /// As users write it: `raid1`; with `-integrity` if its data have checksums, with `-behind` if
    /// one of its legs is written behind.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
