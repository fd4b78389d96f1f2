package org.unifiedvolume.testkit;

import java.util.Arrays;

/// What a device should contain: an array of bytes, and which of them a discard or a failed change
/// has left open.
public final class ContentModel {
    private final byte[] bytes;
    private final byte[] open;

    private static final byte CERTAIN = 0;
    private static final byte MAY_BE_ZERO = 1;
    private static final byte ANYTHING = 2;

    /// @param content what the device contains at first
    public ContentModel(byte[] content) {
        this.bytes = content.clone();
        this.open = new byte[content.length];
    }

    public int size() {
        return bytes.length;
    }

    public void write(int offset, byte[] source) {
        System.arraycopy(source, 0, bytes, offset, source.length);
        Arrays.fill(open, offset, offset + source.length, CERTAIN);
    }

    public void zero(int offset, int length) {
        Arrays.fill(bytes, offset, offset + length, (byte) 0);
        Arrays.fill(open, offset, offset + length, CERTAIN);
    }

    /// A discarded range reads as before or as zeroes.
    public void discard(int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            open[i] = open[i] == ANYTHING ? ANYTHING : MAY_BE_ZERO;
        }
    }

    /// The range may hold anything from now on: a change of it failed.
    public void forget(int offset, int length) {
        Arrays.fill(open, offset, offset + length, ANYTHING);
    }

    /// Fails if what was read cannot be what the device contains.
    public void check(int offset, byte[] read, String when) {
        for (int i = 0; i < read.length; i++) {
            int at = offset + i;
            boolean fits =
                    switch (open[at]) {
                        case CERTAIN -> read[i] == bytes[at];
                        case MAY_BE_ZERO -> read[i] == bytes[at] || read[i] == 0;
                        default -> true;
                    };
            if (!fits) {
                throw new AssertionError(
                        "%s: byte %d is 0x%02x and should be 0x%02x (read from %d, %d bytes)"
                                .formatted(when, at, read[i], bytes[at], offset, read.length));
            }
        }
    }
}
