package org.unifiedvolume.raid.simulation;

import java.util.Locale;

/// The levels that are simulated.
enum Level {
    LINEAR,
    RAID0,
    RAID1,
    RAID10,
    RAID5,
    RAID6;

    /// An array of this level on new disks, with sizes and counts by chance.
    SimulatedArray on(SimulatedHost host) {
        return switch (this) {
            case LINEAR -> new SimulatedLinear(host);
            case RAID0 -> new SimulatedStripe(host);
            case RAID1 -> SimulatedReplication.mirror(host);
            case RAID10 -> SimulatedReplication.ten(host);
            case RAID5 -> new SimulatedParity(host, 1);
            case RAID6 -> new SimulatedParity(host, 2);
        };
    }

    /// As users write it: `raid1`.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
