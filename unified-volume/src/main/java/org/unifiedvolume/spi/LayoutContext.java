package org.unifiedvolume.spi;

import java.nio.file.Path;
import org.unifiedvolume.device.IoContext;

/// What a layout gets from its process.
///
/// @param volume the volume's name
/// @param stateFolder where the volume keeps its own records; exists
public record LayoutContext(String volume, Path stateFolder, IoContext io) {}
