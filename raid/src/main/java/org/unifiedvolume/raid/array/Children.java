package org.unifiedvolume.raid.array;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.RequestIds;

/// Makes the child requests of arrays, each with a tag of its own that names the parent.
public final class Children {
    private Children() {}

    /// The child that does one member's part of a request.
    ///
    /// @param offsetBytes where the part starts on the member
    /// @param source what the part writes; ignored unless the parent is a write
    public static IoRequest of(
            IoRequest parent,
            long offsetBytes,
            long lengthBytes,
            Buffers source,
            Locality where,
            RequestIds ids) {
        return parent.part(parent.tag().child(ids.next(), where, offsetBytes, lengthBytes), source);
    }

    /// A request that goes to one member whole. It keeps its tag if that names the member's lane.
    public static IoRequest whole(
            IoRequest request, long offsetBytes, Locality where, RequestIds ids) {
        return request.tag().locality() == where
                ? request.at(offsetBytes)
                : of(request, offsetBytes, request.lengthBytes(), sourceOf(request), where, ids);
    }

    /// What a request writes; null if it is not a write.
    public static Buffers sourceOf(IoRequest request) {
        return request instanceof Write write ? write.source() : null;
    }
}
