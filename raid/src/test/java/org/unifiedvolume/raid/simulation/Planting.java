package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.redundant.Surroundings;

/// Puts a bug between the parts of a simulated volume, to show that the simulation finds it.
interface Planting {
    Planting NONE = new Planting() {};

    /// What an array gets instead of a disk.
    default BlockDevice disk(int index, BlockDevice disk) {
        return disk;
    }

    /// What an array gets instead of its process's threads, witness, chance and time.
    default Surroundings surroundings(Surroundings surroundings) {
        return surroundings;
    }
}
