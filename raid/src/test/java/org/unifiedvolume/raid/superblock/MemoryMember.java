package org.unifiedvolume.raid.superblock;

import java.io.IOException;
import java.util.Arrays;

/// A member in memory that can be killed within a write, and that has bad sectors.
final class MemoryMember implements MemberIo {
    static final int SECTOR_BYTES = 512;

    private final byte[] bytes;
    private final int blockBytes;
    private int sectorsLeft = Integer.MAX_VALUE;
    private long badOffset = -1;

    MemoryMember(int sizeBytes, int blockBytes) {
        this.bytes = new byte[sizeBytes];
        this.blockBytes = blockBytes;
    }

    private MemoryMember(byte[] bytes, int blockBytes) {
        this.bytes = bytes;
        this.blockBytes = blockBytes;
    }

    MemoryMember copy() {
        return new MemoryMember(bytes.clone(), blockBytes);
    }

    MemoryMember resized(int sizeBytes) {
        return new MemoryMember(Arrays.copyOf(bytes, sizeBytes), blockBytes);
    }

    byte[] bytes() {
        return bytes;
    }

    /// From now on so many sectors are stored, and the write that needs more is torn there.
    void killAfter(int sectors) {
        sectorsLeft = sectors;
    }

    void setBad(long offset) {
        badOffset = offset;
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public byte[] read(long offset, int length) throws IOException {
        checkGrid(offset, length);
        if (badOffset >= offset && badOffset < offset + length) {
            throw new IOException("a bad sector at " + badOffset);
        }
        return Arrays.copyOfRange(bytes, (int) offset, (int) offset + length);
    }

    @Override
    public void writeDurable(long offset, byte[] source) throws IOException {
        checkGrid(offset, source.length);
        int stored = (int) Math.min(source.length, (long) sectorsLeft * SECTOR_BYTES);
        System.arraycopy(source, 0, bytes, (int) offset, stored);
        sectorsLeft -= stored / SECTOR_BYTES;
        if (stored < source.length) {
            throw new IOException("killed");
        }
    }

    private void checkGrid(long offset, int length) {
        if (offset < 0
                || offset % blockBytes != 0
                || length % blockBytes != 0
                || offset + length > bytes.length) {
            throw new AssertionError("%d+%d is off the grid".formatted(offset, length));
        }
    }
}
