package org.unifiedvolume.request;

import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.FileRange;

/// How a request ended.
public sealed interface Outcome {
    /// Done, with nothing to bring.
    enum Done implements Outcome {
        DONE
    }

    /// The bytes of a read. The one who is told owns one reference to them and releases it.
    record Data(Buffers buffers) implements Outcome {}

    /// The bytes of a read, where they lie in a file: only for a read that may refer. The one who
    /// is told owns the range and releases it.
    record InFile(FileRange range) implements Outcome {}

    /// The extents of a range, in order, without gaps; at least one.
    record Located(List<Extent> extents) implements Outcome {}

    /// Not done, and why.
    record Failed(DeviceFault fault) implements Outcome {}

    /// The outcome that says `kind` failed for the reason in `message`.
    static Failed failed(DeviceFault.Kind kind, String message) {
        return new Failed(new DeviceFault(kind, message));
    }

    /// Whether the request was carried out.
    default boolean isSuccess() {
        return !(this instanceof Failed);
    }

    /// Releases what a successful read brought, for one who does not want it.
    default void discard() {
        switch (this) {
            case Data(Buffers buffers) -> buffers.release();
            case InFile(FileRange range) -> range.release();
            case Done _, Located _, Failed _ -> {}
        }
    }
}
