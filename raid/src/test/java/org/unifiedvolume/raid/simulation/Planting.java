package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Surroundings;

/// Puts a bug between the parts of a simulated volume, to show that the simulation finds it. One
/// for each run.
interface Planting {
    /// Makes plantings.
    interface Seed {
        /// No bug.
        Seed NONE = _ -> new Planting() {};

        /// For a run.
        Planting plant(Timers timers);
    }

    /// What an array gets instead of a disk.
    default BlockDevice disk(int index, BlockDevice disk) {
        return disk;
    }

    /// What an array gets instead of its process's threads, witness, chance and time.
    default Surroundings surroundings(Surroundings surroundings) {
        return surroundings;
    }

    /// What an array with redundancy gets instead of its level; at each start.
    default Level level(Level level) {
        return level;
    }
}
