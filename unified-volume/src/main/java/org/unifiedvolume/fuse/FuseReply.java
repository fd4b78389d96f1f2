package org.unifiedvolume.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoVector;

/// Lays out replies to the kernel and writes each with one call: `struct fuse_out_header`, then the
/// operation's result. A read's payload goes out from where it is.
///
/// Each thread has one of its own, since whoever completes a request answers it.
final class FuseReply {
    /// Enough for the longest result that is not a payload.
    private static final int SCRATCH_BYTES = Fuse.OUT_HEADER_BYTES + Fuse.ATTR_OUT_BYTES;

    private static final ThreadLocal<FuseReply> OF_THREAD = ThreadLocal.withInitial(FuseReply::new);

    private final MemorySegment scratch = Arena.ofAuto().allocate(SCRATCH_BYTES, 8);
    private final IoVector vector = new IoVector(IoVector.MAX_ENTRIES);

    private FuseReply() {}

    static FuseReply ofThread() {
        return OF_THREAD.get();
    }

    /// Says that a request failed.
    ///
    /// @param error a positive error number
    /// @return what the kernel says: bytes written, or a negative error number
    long error(int fd, long unique, int error) {
        header(Fuse.OUT_HEADER_BYTES, unique, -error);
        return FileCalls.write(fd, scratch.address(), Fuse.OUT_HEADER_BYTES);
    }

    /// Says that a request was carried out, with nothing to bring.
    long done(int fd, long unique) {
        return error(fd, unique, 0);
    }

    /// Brings the bytes of a read. They may be released as soon as this returns.
    long data(int fd, long unique, Buffers payload) {
        header(Fuse.OUT_HEADER_BYTES + payload.length(), unique, 0);
        vector.clear();
        vector.add(scratch.address(), Fuse.OUT_HEADER_BYTES);
        if (payload.sliceCount() < IoVector.MAX_ENTRIES) {
            payload.addTo(vector, 0);
            return FileCalls.writev(fd, vector.address(), vector.count());
        }
        // The kernel takes a reply in one call only, and one call has so many pieces.
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment whole = arena.allocate(payload.length());
            payload.copyTo(0, whole, 0, payload.length());
            vector.add(whole.address(), payload.length());
            return FileCalls.writev(fd, vector.address(), vector.count());
        }
    }

    long attributes(int fd, long unique, FileAttributes attributes, long sizeBytes) {
        MemorySegment out = begin(Fuse.ATTR_OUT_BYTES, unique);
        out.set(JAVA_LONG, 0, 1L); // attr_valid: ask again after a second
        attributes.encode(out.asSlice(16, Fuse.ATTR_BYTES), sizeBytes);
        return end(fd);
    }

    long opened(int fd, long unique, int openFlags) {
        MemorySegment out = begin(Fuse.OPEN_OUT_BYTES, unique);
        out.set(JAVA_INT, 8, openFlags);
        return end(fd);
    }

    long written(int fd, long unique, int sizeBytes) {
        begin(Fuse.WRITE_OUT_BYTES, unique).set(JAVA_INT, 0, sizeBytes);
        return end(fd);
    }

    long position(int fd, long unique, long offsetBytes) {
        begin(Fuse.LSEEK_OUT_BYTES, unique).set(JAVA_LONG, 0, offsetBytes);
        return end(fd);
    }

    long space(int fd, long unique, long sizeBytes) {
        MemorySegment out = begin(Fuse.STATFS_OUT_BYTES, unique);
        out.set(JAVA_LONG, 0, sizeBytes / FileAttributes.BLOCK_BYTES); // blocks; none are free
        out.set(JAVA_LONG, 24, 1L); // files
        out.set(JAVA_INT, 40, FileAttributes.BLOCK_BYTES); // bsize
        out.set(JAVA_INT, 44, 255); // namelen
        out.set(JAVA_INT, 48, FileAttributes.BLOCK_BYTES); // frsize
        return end(fd);
    }

    long initialized(int fd, long unique, FuseSession session) {
        MemorySegment out = begin(Fuse.INIT_OUT_BYTES, unique);
        out.set(JAVA_INT, 0, Fuse.KERNEL_VERSION);
        out.set(JAVA_INT, 4, session.minorVersion());
        out.set(JAVA_INT, 8, session.maxReadaheadBytes());
        out.set(JAVA_INT, 12, session.flags());
        out.set(JAVA_SHORT, 16, (short) FuseSession.MAX_BACKGROUND);
        out.set(JAVA_SHORT, 18, (short) FuseSession.CONGESTION_THRESHOLD);
        out.set(JAVA_INT, 20, session.maxTransferBytes());
        out.set(JAVA_INT, 24, 1); // time_gran in nanoseconds
        out.set(JAVA_SHORT, 28, (short) session.maxPages());
        out.set(JAVA_INT, 32, session.flags2());
        return end(fd);
    }

    private MemorySegment begin(int resultBytes, long unique) {
        header(Fuse.OUT_HEADER_BYTES + resultBytes, unique, 0);
        MemorySegment out = scratch.asSlice(Fuse.OUT_HEADER_BYTES, resultBytes);
        out.fill((byte) 0);
        return out;
    }

    private long end(int fd) {
        return FileCalls.write(fd, scratch.address(), scratch.get(JAVA_INT, 0));
    }

    private void header(long lengthBytes, long unique, int negativeError) {
        scratch.set(JAVA_INT, 0, (int) lengthBytes);
        scratch.set(JAVA_INT, 4, negativeError);
        scratch.set(JAVA_LONG, 8, unique);
    }
}
