package org.unifiedvolume.fuse;

import java.time.Instant;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.transport.ProtocolFault;

/// Carries out the operations of FUSE on the one file of a mount, for one channel.
///
/// Used on the channel's loop. What the volume must do becomes a [FuseCall]; the rest is answered
/// at once.
final class FuseOperations {
    private final NativeMount mount;
    private final FuseChannel channel;
    private final VolumeFile file;
    private final int fd;

    FuseOperations(NativeMount mount, FuseChannel channel) {
        this.mount = mount;
        this.channel = channel;
        this.file = mount.file();
        this.fd = channel.fd();
    }

    /// Starts on a request that was decoded.
    void begin(FuseRequest request, Landing landing) throws ProtocolFault {
        switch (request.opcode()) {
            case Fuse.READ -> beginRead(request);
            case Fuse.WRITE -> beginWrite(request, landing);
            case Fuse.FSYNC -> beginFlush(request, true);
            case Fuse.FLUSH -> beginFlush(request, file.isDirty());
            case Fuse.FALLOCATE -> beginAllocate(request);
            case Fuse.LSEEK -> beginSeek(request);
            case Fuse.GETATTR -> attributes(request);
            case Fuse.SETATTR -> setAttributes(request);
            case Fuse.OPEN -> open(request);
            case Fuse.STATFS ->
                    sent(FuseReply.ofThread().space(fd, request.unique(), file.sizeBytes()));
            case Fuse.RELEASE, Fuse.DESTROY -> done(request);
            case Fuse.INIT -> initialize(request);
            case Fuse.FORGET, Fuse.BATCH_FORGET -> {
                // not answered, and the only file is never forgotten
            }
            // INTERRUPT: what a volume has begun it ends; the kernel need not ask again. The same
            // goes for GETXATTR and whatever else a disk does not have.
            default -> refuse(request, Errno.ENOSYS);
        }
    }

    private void sent(long result) {
        channel.sent(result);
    }

    private void done(FuseRequest request) {
        sent(FuseReply.ofThread().done(fd, request.unique()));
    }

    private void refuse(FuseRequest request, int error) {
        sent(FuseReply.ofThread().error(fd, request.unique(), error));
    }

    private FuseCall call(FuseRequest request, long offset, long length, long cost) {
        channel.hold();
        return new FuseCall(channel, request.opcode(), request.unique(), offset, length, cost);
    }

    // ---------------------------------------------------------------------------- bytes

    private void beginRead(FuseRequest request) {
        long offset = request.argumentLong(8);
        long size = Integer.toUnsignedLong(request.argumentInt(16));
        if (size > mount.maxTransferBytes()) {
            refuse(request, Errno.EINVAL);
            return;
        }
        long length = file.within(offset, size);
        if (length < 0) {
            refuse(request, Errno.EINVAL);
        } else if (length == 0) {
            done(request);
        } else {
            channel.admit(call(request, offset, length, BufferPool.costBytes(length)));
        }
    }

    private void beginWrite(FuseRequest request, Landing landing) {
        long offset = request.argumentLong(8);
        int size = request.argumentInt(16);
        long length = file.within(offset, size);
        if (length < 0 || size > mount.maxTransferBytes()) {
            refuse(request, Errno.EINVAL);
        } else if (file.isReadOnly()) {
            refuse(request, Errno.EROFS);
        } else if (size == 0) {
            sent(FuseReply.ofThread().written(fd, request.unique(), 0));
        } else if (length == 0) {
            refuse(request, Errno.ENOSPC); // as a disk says behind its end
        } else {
            Buffers payload = landing.take(size);
            long cost = 0;
            for (int i = 0; i < payload.sliceCount(); i++) {
                cost += payload.slice(i).block().capacity();
            }
            FuseCall call = call(request, offset, length, cost);
            call.payload = payload;
            call.durable = (request.argumentInt(32) & Fuse.O_DSYNC) != 0;
            channel.admit(call);
        }
    }

    /// Gives a call to the volume.
    void submit(FuseCall call) {
        try {
            switch (call.opcode) {
                case Fuse.READ -> file.read(call.offsetBytes, call.lengthBytes, call);
                case Fuse.WRITE ->
                        file.write(
                                call.offsetBytes,
                                call.payload.part(0, call.lengthBytes),
                                call.durable ? Durability.DURABLE : Durability.VOLATILE,
                                call);
                case Fuse.FSYNC, Fuse.FLUSH -> file.flush(call);
                case Fuse.LSEEK -> new SeekWalk(file, call).start();
                case Fuse.FALLOCATE -> {
                    if (call.punch) {
                        file.punch(call.offsetBytes, call.lengthBytes, call);
                    } else {
                        file.zero(call.offsetBytes, call.lengthBytes, call);
                    }
                }
                default -> throw new AssertionError(Fuse.name(call.opcode) + " is no call");
            }
        } catch (Throwable e) {
            call.failUnlessAnswered(e);
            throw e;
        }
    }

    private void beginFlush(FuseRequest request, boolean needed) {
        if (!needed || file.isReadOnly()) {
            done(request);
        } else {
            submit(call(request, 0, 0, 0));
        }
    }

    private void beginAllocate(FuseRequest request) {
        long offset = request.argumentLong(8);
        Allocation allocation =
                Allocation.of(file, request.argumentInt(24), offset, request.argumentLong(16));
        switch (allocation.deed()) {
            case REFUSE -> refuse(request, allocation.error());
            case NOTHING -> done(request);
            case PUNCH, ZERO -> {
                FuseCall call = call(request, offset, allocation.lengthBytes(), 0);
                call.punch = allocation.deed() == Allocation.Deed.PUNCH;
                submit(call);
            }
        }
    }

    private void beginSeek(FuseRequest request) {
        long offset = request.argumentLong(8);
        int whence = request.argumentInt(16);
        if (whence != FileCalls.SEEK_DATA && whence != FileCalls.SEEK_HOLE) {
            refuse(request, Errno.EINVAL);
        } else if (offset < 0 || offset >= file.sizeBytes()) {
            refuse(request, Errno.ENXIO);
        } else if (!file.canLocate()) {
            boolean toData = whence == FileCalls.SEEK_DATA;
            sent(
                    FuseReply.ofThread()
                            .position(fd, request.unique(), toData ? offset : file.sizeBytes()));
        } else {
            FuseCall call = call(request, offset, file.sizeBytes() - offset, 0);
            call.toHole = whence == FileCalls.SEEK_HOLE;
            submit(call);
        }
    }

    // ------------------------------------------------------------------------- the file

    private void attributes(FuseRequest request) {
        sent(
                FuseReply.ofThread()
                        .attributes(fd, request.unique(), mount.attributes(), file.sizeBytes()));
    }

    private void setAttributes(FuseRequest request) {
        int valid = request.argumentInt(0);
        if ((valid & Fuse.FATTR_SIZE) != 0 && request.argumentLong(16) != file.sizeBytes()) {
            refuse(request, Errno.EPERM); // as truncate(2): the filesystem cannot change the size
            return;
        }
        Instant now = Instant.now();
        FileAttributes attributes = mount.attributes();
        if ((valid & Fuse.FATTR_MODE) != 0) {
            attributes = attributes.withPermissions(request.argumentInt(68), now);
        }
        if ((valid & (Fuse.FATTR_UID | Fuse.FATTR_GID)) != 0) {
            attributes =
                    attributes.withOwner(
                            (valid & Fuse.FATTR_UID) != 0
                                    ? request.argumentInt(76)
                                    : attributes.userId(),
                            (valid & Fuse.FATTR_GID) != 0
                                    ? request.argumentInt(80)
                                    : attributes.groupId(),
                            now);
        }
        if ((valid & (Fuse.FATTR_ATIME | Fuse.FATTR_MTIME)) != 0) {
            attributes =
                    attributes.withTimes(
                            accessed(request, valid, attributes, now),
                            modified(request, valid, attributes, now),
                            now);
        }
        mount.setAttributes(attributes);
        attributes(request);
    }

    private static Instant accessed(
            FuseRequest request, int valid, FileAttributes attributes, Instant now) {
        if ((valid & Fuse.FATTR_ATIME) == 0) {
            return attributes.accessed();
        }
        return (valid & Fuse.FATTR_ATIME_NOW) != 0
                ? now
                : FileAttributes.time(request.argumentLong(32), request.argumentInt(56));
    }

    private static Instant modified(
            FuseRequest request, int valid, FileAttributes attributes, Instant now) {
        if ((valid & Fuse.FATTR_MTIME) == 0) {
            return attributes.modified();
        }
        return (valid & Fuse.FATTR_MTIME_NOW) != 0
                ? now
                : FileAttributes.time(request.argumentLong(40), request.argumentInt(60));
    }

    private void open(FuseRequest request) {
        boolean writes = (request.argumentInt(0) & Fuse.O_ACCMODE) != FileCalls.O_RDONLY;
        if (writes && file.isReadOnly()) {
            refuse(request, Errno.EROFS);
            return;
        }
        // Always direct: what other exports write is seen at once, nothing is cached twice, and a
        // loop device keeps its depth. Writes do not wait for each other, as on a disk.
        sent(
                FuseReply.ofThread()
                        .opened(
                                fd,
                                request.unique(),
                                Fuse.FOPEN_DIRECT_IO | Fuse.FOPEN_PARALLEL_DIRECT_WRITES));
    }

    private void initialize(FuseRequest request) throws ProtocolFault {
        FuseSession session;
        try {
            session = FuseSession.agree(request, file.shape().maxTransferBytes());
        } catch (ProtocolFault e) {
            mount.initializationFailed(e);
            throw e;
        }
        sent(FuseReply.ofThread().initialized(fd, request.unique(), session));
        mount.initialized();
    }
}
