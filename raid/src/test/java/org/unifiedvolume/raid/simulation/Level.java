package org.unifiedvolume.raid.simulation;

import java.util.Locale;
import java.util.function.Function;

/// The levels that are simulated.
enum Level {
    LINEAR(SimulatedLinear::new),
    RAID0(SimulatedStripe::new),
    RAID1(SimulatedReplication::mirror),
    RAID10(SimulatedReplication::ten);

    private final Function<SimulatedHost, SimulatedArray> maker;

    Level(Function<SimulatedHost, SimulatedArray> maker) {
        this.maker = maker;
    }

    /// An array of this level on new disks, with sizes and counts by chance.
    SimulatedArray on(SimulatedHost host) {
        return maker.apply(host);
    }

    /// As users write it: `raid1`.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
