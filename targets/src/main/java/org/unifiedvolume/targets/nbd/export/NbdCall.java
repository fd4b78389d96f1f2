package org.unifiedvolume.targets.nbd.export;

import java.util.Set;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// One request of a client while it is worked on: what its reply needs.
final class NbdCall implements Completion {
    private final NbdTransmission session;
    final int type;
    final int flags;
    final long cookie;
    final long offset;
    final long length;

    /// What was acquired from admission for the payload.
    final long costBytes;

    /// The payload of a write, released when the volume is done with it.
    Buffers payload;

    /// The contexts that a block status request asks for; null for all that were negotiated.
    Set<MetaContext> contexts;

    NbdCall(
            NbdTransmission session,
            int type,
            int flags,
            long cookie,
            long offset,
            long length,
            long costBytes) {
        this.session = session;
        this.type = type;
        this.flags = flags;
        this.cookie = cookie;
        this.offset = offset;
        this.length = length;
        this.costBytes = costBytes;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /// Back to the loop that owns the connection, if the answer comes from elsewhere.
    @Override
    public void complete(IoRequest request, Outcome outcome) {
        if (session.loop().inLoop()) {
            session.answer(this, outcome);
        } else {
            session.loop().execute(() -> session.answer(this, outcome));
        }
    }
}
