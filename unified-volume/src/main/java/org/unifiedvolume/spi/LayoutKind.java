package org.unifiedvolume.spi;

import java.util.Map;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;

/// One way to make a volume of several members. Found by `ServiceLoader`; stateless.
public interface LayoutKind {
    /// The levels of this kind, in lower case: `raid1`.
    Set<String> levels();

    /// The options of a new array that is made by command, where the user does not say otherwise.
    default Map<String, String> createDefaults() {
        return Map.of();
    }

    /// Reads what the user wrote.
    ///
    /// @param options the volume's keys that are not common to all levels
    /// @param memberCount how many members it has, at least 1
    /// @throws ConfigFault if the level cannot be made so
    LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault;
}
