package org.unifiedvolume.service;

import java.util.List;
import org.unifiedvolume.config.ServiceConfig;
import org.unifiedvolume.spi.Kinds;

/// Everything that a service is to open.
///
/// @param config what the file says
/// @param volumes a volume comes after those that it is made of
/// @param volumeKind how volumes are members of others; learns of each volume as it is opened
/// @param kinds the kinds that it was held against
public record ServicePlan(
        ServiceConfig config, List<VolumePlan> volumes, VolumeKind volumeKind, Kinds kinds) {
    public ServicePlan {
        volumes = List.copyOf(volumes);
    }
}
