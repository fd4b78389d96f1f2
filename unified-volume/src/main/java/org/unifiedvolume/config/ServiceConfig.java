package org.unifiedvolume.config;

import java.nio.file.Path;
import java.util.List;

/// What a configuration file says: well-formed, but not yet held against what kinds of members,
/// exports and layouts there are.
///
/// @param file the file
/// @param baseFolder what relative paths in it are relative to
/// @param stateFolder where the service keeps its own records
/// @param buffersBytes the ceiling of the buffer pool
/// @param volumes at least one, in the order in which they were written
public record ServiceConfig(
        Path file,
        Path baseFolder,
        Path stateFolder,
        long buffersBytes,
        List<VolumeConfig> volumes) {
    public ServiceConfig {
        volumes = List.copyOf(volumes);
    }
}
