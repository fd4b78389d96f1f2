package org.unifiedvolume.fuse;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// One request of the kernel while the volume works on it: what its reply needs. It keeps its
/// channel's descriptor open until it is answered.
final class FuseCall implements Completion {
    private final FuseChannel channel;
    final int opcode;
    final long unique;
    final long offsetBytes;

    /// How much of the file it concerns.
    final long lengthBytes;

    /// What was acquired from admission for the payload.
    final long costBytes;

    /// The payload of a write, released when the volume is done with it.
    Buffers payload;

    /// Whether a write must survive a power cut.
    boolean durable;

    /// Whether zeroing a range gives its space back.
    boolean punch;

    /// Whether a search is for a hole, not for data.
    boolean toHole;

    private volatile boolean answered;

    FuseCall(
            FuseChannel channel,
            int opcode,
            long unique,
            long offsetBytes,
            long lengthBytes,
            long costBytes) {
        this.channel = channel;
        this.opcode = opcode;
        this.unique = unique;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.costBytes = costBytes;
    }

    FuseChannel channel() {
        return channel;
    }

    /// Our code failed in the middle of the call: whoever waits for it gets an error.
    void failUnlessAnswered(Throwable cause) {
        if (!answered) {
            complete(null, Outcome.failed(DeviceFault.Kind.IO, "internal error: " + cause));
        }
    }

    /// Answers with an error of the file's own.
    void fail(int error) {
        answered = true;
        channel.sent(FuseReply.ofThread().error(channel.fd(), unique, error));
        channel.end(this);
    }

    /// Answers a search.
    void found(long positionBytes) {
        answered = true;
        channel.sent(FuseReply.ofThread().position(channel.fd(), unique, positionBytes));
        channel.end(this);
    }

    /// On whatever thread the volume ends the request: the kernel takes replies from any.
    @Override
    public void complete(IoRequest request, Outcome outcome) {
        answered = true;
        channel.answer(this, outcome);
    }
}
