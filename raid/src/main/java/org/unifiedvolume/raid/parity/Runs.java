package org.unifiedvolume.raid.parity;

import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;

/// Walks several payloads of one length side by side, in runs within which each of them is one
/// stretch of memory.
final class Runs {
    /// What is to be done in each run.
    @FunctionalInterface
    interface Work {
        /// Does the work of one run.
        ///
        /// @param strips in the order of the payloads, `null` where one is missing
        /// @return whether to go on
        boolean run(Strip[] strips, long offsetBytes, long lengthBytes);
    }

    private final Buffers[] payloads;
    private final int[] sliceIndexes;
    private final long[] sliceOffsets;

    private Runs(Buffers[] payloads) {
        this.payloads = payloads;
        this.sliceIndexes = new int[payloads.length];
        this.sliceOffsets = new long[payloads.length];
    }

    /// @param payloads of `lengthBytes` each; `null` where one is missing
    static void each(Buffers[] payloads, long lengthBytes, Work work) {
        for (Buffers payload : payloads) {
            Invariant.check(
                    payload == null || payload.length() == lengthBytes,
                    "parity over strips of unlike length, one of %d bytes",
                    payload == null ? 0 : payload.length());
        }
        Runs runs = new Runs(payloads);
        long done = 0;
        while (done < lengthBytes) {
            long length = runs.length(lengthBytes - done);
            if (!work.run(runs.strips(), done, length)) {
                return;
            }
            runs.skip(length);
            done += length;
        }
    }

    /// How long the run is that begins here: to the end of the slice that ends first.
    private long length(long most) {
        long length = most;
        for (int i = 0; i < payloads.length; i++) {
            if (payloads[i] != null) {
                while (sliceOffsets[i] == slice(i).length()) {
                    sliceIndexes[i]++;
                    sliceOffsets[i] = 0;
                }
                length = Math.min(length, slice(i).length() - sliceOffsets[i]);
            }
        }
        return length;
    }

    private Strip[] strips() {
        Strip[] strips = new Strip[payloads.length];
        for (int i = 0; i < strips.length; i++) {
            strips[i] = payloads[i] == null ? null : Strip.of(slice(i), sliceOffsets[i]);
        }
        return strips;
    }

    private void skip(long length) {
        for (int i = 0; i < payloads.length; i++) {
            sliceOffsets[i] += length;
        }
    }

    private Slice slice(int payload) {
        return payloads[payload].slice(sliceIndexes[payload]);
    }
}
