package org.unifiedvolume.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import org.unifiedvolume.transport.ProtocolFault;

/// Decodes requests of the kernel, one after the other: `struct fuse_in_header`, then the arguments
/// of the operation.
///
/// ```
///  0 len      4 opcode   8 unique   16 nodeid
/// 24 uid     28 gid     32 pid      36 total_extlen, padding
/// 40 the operation's arguments … 80 a WRITE's payload
/// ```
///
/// Every length is checked before an argument can be asked for. Not safe for concurrent use.
final class FuseRequest {
    private final MemorySegment bytes;
    private int lengthBytes;

    /// @param bytes where requests are read to: their header, their arguments, but for a WRITE not
    ///     its payload
    FuseRequest(MemorySegment bytes) {
        this.bytes = bytes;
    }

    /// Takes the request that now stands in memory.
    ///
    /// @param receivedBytes how long it is, payload included
    /// @throws ProtocolFault if its parts contradict each other
    void decode(long receivedBytes) throws ProtocolFault {
        lengthBytes = 0;
        if (receivedBytes < Fuse.IN_HEADER_BYTES) {
            throw new ProtocolFault(
                    "FUSE, fuse_in_header", "a request of %d bytes".formatted(receivedBytes));
        }
        int announced = bytes.get(JAVA_INT_UNALIGNED, 0);
        if (announced != receivedBytes) {
            throw new ProtocolFault(
                    "FUSE, fuse_in_header",
                    "%d bytes are announced and %d came".formatted(announced, receivedBytes));
        }
        int least = Fuse.IN_HEADER_BYTES + leastArgumentBytes(opcode());
        if (announced < least) {
            throw new ProtocolFault(
                    "FUSE, " + Fuse.name(opcode()),
                    "%d bytes; at least %d are needed".formatted(announced, least));
        }
        if (opcode() == Fuse.WRITE && argumentInt(16) != announced - Fuse.WRITE_HEADER_BYTES) {
            throw new ProtocolFault(
                    "FUSE, WRITE",
                    "a size of %s bytes with a payload of %d"
                            .formatted(
                                    Integer.toUnsignedString(argumentInt(16)),
                                    announced - Fuse.WRITE_HEADER_BYTES));
        }
        lengthBytes = announced;
    }

    /// How long an operation's arguments are at the least.
    private static int leastArgumentBytes(int opcode) {
        return switch (opcode) {
            case Fuse.INIT -> 16; // minor versions below 36 end before flags2
            case Fuse.OPEN -> 8;
            case Fuse.GETATTR, Fuse.FSYNC -> 16;
            case Fuse.SETATTR -> 88;
            case Fuse.READ, Fuse.WRITE -> 40;
            case Fuse.FALLOCATE -> 32;
            case Fuse.LSEEK -> 24;
            default -> 0;
        };
    }

    int opcode() {
        return bytes.get(JAVA_INT_UNALIGNED, 4);
    }

    /// Names the request in its reply.
    long unique() {
        return bytes.get(JAVA_LONG_UNALIGNED, 8);
    }

    long nodeId() {
        return bytes.get(JAVA_LONG_UNALIGNED, 16);
    }

    /// Whether the arguments reach up to `endBytes`: later versions of the protocol have longer
    /// ones.
    boolean hasArguments(int endBytes) {
        return lengthBytes >= Fuse.IN_HEADER_BYTES + endBytes;
    }

    int argumentInt(int offset) {
        return bytes.get(JAVA_INT_UNALIGNED, Fuse.IN_HEADER_BYTES + (long) offset);
    }

    long argumentLong(int offset) {
        return bytes.get(JAVA_LONG_UNALIGNED, Fuse.IN_HEADER_BYTES + (long) offset);
    }
}
