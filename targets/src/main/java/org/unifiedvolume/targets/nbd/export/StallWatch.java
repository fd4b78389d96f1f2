package org.unifiedvolume.targets.nbd.export;

import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.transport.ByteStream;

/// Ends a connection that holds payload memory and does not move a byte, while others wait for
/// memory: a client that never reads its replies, or sends half a payload.
///
/// Owned by the connection's loop. At most one timer runs, and none when no memory is held.
final class StallWatch {
    private static final Logger LOG = LoggerFactory.getLogger(StallWatch.class);

    private final NbdConnection connection;
    private final ByteStream stream;
    private final Admission admission;
    private final long stallNanos;
    private final BooleanSupplier holdsMemory;
    private boolean armed;
    private long movedBytes;

    /// @param holdsMemory whether the connection holds payload memory now
    StallWatch(NbdConnection connection, BooleanSupplier holdsMemory) {
        this.connection = connection;
        this.stream = connection.stream();
        this.admission = connection.server().admission();
        this.stallNanos = connection.server().limits().stallNanos();
        this.holdsMemory = holdsMemory;
    }

    /// The connection has taken memory.
    void arm() {
        if (!armed) {
            armed = true;
            movedBytes = moved();
            stream.loop().after(stallNanos, this::check);
        }
    }

    private long moved() {
        return stream.inbox().receivedBytes() + stream.outbox().sentBytes();
    }

    private void check() {
        armed = false;
        if (!stream.isOpen() || !holdsMemory.getAsBoolean()) {
            return;
        }
        if (moved() == movedBytes && admission.waiting() > 0) {
            LOG.warn(
                    "closing {}: it has not moved a byte for {} s while others wait for memory",
                    connection.peer(),
                    stallNanos / 1_000_000_000);
            stream.close("stalled");
            return;
        }
        arm();
    }
}
