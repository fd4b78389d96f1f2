package org.unifiedvolume.trace;

import org.unifiedvolume.request.IoTag;

/// One request that has been answered at one place of its volume.
///
/// @param tag the request's tag; a child names its parent
/// @param place where it was answered: `volume`, or the member's URI
/// @param offsetBytes where the range starts at that place
/// @param lengthBytes how long it is
/// @param enteredNanos when it came to that place, on the process's clock
/// @param answeredNanos when it was answered
/// @param error what went wrong; empty for success
public record TraceEvent(
        IoTag tag,
        String place,
        long offsetBytes,
        long lengthBytes,
        long enteredNanos,
        long answeredNanos,
        String error) {}
