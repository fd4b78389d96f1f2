package org.unifiedvolume.spi;

import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.transport.Transports;

/// What members and exports get from their process.
///
/// @param io memory, time and request ids
/// @param loops the threads of the data path
/// @param transports how to reach the network
/// @param admission what exports acquire before they bring payloads into the pool
public record TargetContext(
        IoContext io, LoopGroup loops, Transports transports, Admission admission) {}
