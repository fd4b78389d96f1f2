package org.unifiedvolume.raid.array;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A read over several devices that follow one another: their payloads end to end.
public final class JoinedRead extends SpreadAnswers {
    private final Buffers[] parts;

    /// @param childCount how many children it has; each is told of by its place among them
    public JoinedRead(IoRequest parent, Completion done, int childCount) {
        super(parent, done, childCount);
        parts = new Buffers[childCount];
    }

    @Override
    protected Outcome success() {
        for (int i = 0; i < parts.length; i++) {
            parts[i] = ((Outcome.Data) outcome(i)).buffers();
        }
        return new Outcome.Data(Buffers.concat(parts));
    }
}
