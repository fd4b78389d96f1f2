package org.unifiedvolume.stack;

import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Outcome;

/// Several neighbours sent down as one request.
///
/// When it fails, each part is tried on its own: one bad block fails only the request that asked
/// for it.
final class MergedRequest implements Completion {
    private final RequestStack stack;
    private final List<Ticket> parts;

    MergedRequest(RequestStack stack, List<Ticket> parts) {
        this.stack = stack;
        this.parts = parts;
    }

    /// The one request that does the work of all parts, which follow one another without gaps.
    IoRequest request(long id) {
        Ticket first = parts.getFirst();
        long length = 0;
        for (Ticket part : parts) {
            length += part.request().lengthBytes();
        }
        IoTag tag =
                first.request()
                        .tag()
                        .child(
                                id,
                                first.request().tag().locality(),
                                first.request().offsetBytes(),
                                length);
        return switch (first.request()) {
            case Read read -> new Read(tag, read.offsetBytes(), length);
            case Write write -> new Write(tag, write.offsetBytes(), sources(), write.durability());
            case IoRequest other -> throw new AssertionError(other + " cannot be merged");
        };
    }

    private Buffers sources() {
        Buffers[] sources = new Buffers[parts.size()];
        for (int i = 0; i < sources.length; i++) {
            sources[i] = ((Write) parts.get(i).request()).source();
        }
        return Buffers.concat(sources);
    }

    /// Whether all parts are awaited: when one is not, the others go on their own.
    @Override
    public boolean isAwaited() {
        for (Ticket part : parts) {
            if (!part.isAwaited()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        switch (outcome) {
            case Outcome.Failed _ -> stack.retryAlone(parts);
            case Outcome.Data(Buffers buffers) -> {
                long at = 0;
                for (Ticket part : parts) {
                    long length = part.request().lengthBytes();
                    Buffers own = buffers.part(at, length);
                    own.retain();
                    part.end(new Outcome.Data(own));
                    at += length;
                }
                buffers.release();
                stack.freePlace();
            }
            case Outcome.InFile _ ->
                    throw new AssertionError("a merged read wants its bytes in memory");
            case Outcome.Done _, Outcome.Located _ -> {
                for (Ticket part : parts) {
                    part.end(outcome);
                }
                stack.freePlace();
            }
        }
    }
}
