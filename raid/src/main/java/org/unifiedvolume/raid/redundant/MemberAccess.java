package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.superblock.MemberIo;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;

/// A member outside of its data area, as code that waits sees it: superblocks, bitmap, journal.
///
/// Every failure is an [IOException] that names the member, with the [DeviceFault] as its cause.
public final class MemberAccess implements MemberIo {
    private static final long ALIGNMENT_BYTES = 4096;

    private final BlockDevice member;
    private final BlockingLegs blocking;

    /// @param member a member of an array, which calls itself by its URI
    public MemberAccess(BlockDevice member, BlockingLegs blocking) {
        this.member = member;
        this.blocking = blocking;
    }

    @Override
    public long sizeBytes() {
        return member.shape().sizeBytes();
    }

    @Override
    public byte[] read(long offset, int length) throws IOException {
        try {
            Buffers found = blocking.readMember(member, offset, length);
            try {
                return found.toBytes();
            } finally {
                found.release();
            }
        } catch (DeviceFault fault) {
            throw failure(fault);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    @Override
    public void writeDurable(long offset, byte[] bytes) throws IOException {
        try {
            blocking.writeMember(member, offset, payload(bytes), Durability.DURABLE);
        } catch (DeviceFault fault) {
            throw failure(fault);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /// Memory of its own that any device can write from, for the little that arrays write
    /// themselves: it must not wait for the pool, as those who hold the pool may wait for it.
    static Buffers payload(byte[] bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length, ALIGNMENT_BYTES);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        return Buffers.outsidePool(memory);
    }

    private IOException failure(DeviceFault fault) {
        return new IOException("%s: %s".formatted(member, fault.getMessage()), fault);
    }

    private IOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while waiting for " + member);
    }
}
