package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.mirror.RecordStore;

/// Puts a bug between the parts of a simulated volume, to show that the simulation finds it.
interface Planting {
    Planting NONE = new Planting() {};

    /// What an array gets instead of a disk.
    default BlockDevice disk(int index, BlockDevice disk) {
        return disk;
    }

    /// What a mirror gets instead of the place of its record.
    default RecordStore store(RecordStore store, SimulatedHost host) {
        return store;
    }
}
