package org.unifiedvolume.device;

import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.request.RequestIds;

/// What devices get from their process: memory, time, and ids for the requests they make.
public record IoContext(BufferPool pool, Timers timers, RequestIds ids) {}
