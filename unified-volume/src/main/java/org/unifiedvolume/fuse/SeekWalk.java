package org.unifiedvolume.fuse;

import java.util.List;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Finds the next data or the next hole in a file (`lseek(2)`, `SEEK_DATA` and `SEEK_HOLE`) by
/// asking the volume for its extents, part after part.
///
/// What reads as zeroes is a hole; the end of the file counts as one.
final class SeekWalk implements Completion {
    private final VolumeFile file;
    private final FuseCall call;
    private long offsetBytes;

    SeekWalk(VolumeFile file, FuseCall call) {
        this.file = file;
        this.call = call;
        this.offsetBytes = call.offsetBytes;
    }

    void start() {
        try {
            file.locate(offsetBytes, file.sizeBytes() - offsetBytes, this);
        } catch (Throwable e) {
            call.failUnlessAnswered(e);
            throw e;
        }
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        switch (outcome) {
            case Outcome.Located(List<Extent> extents) -> walk(extents);
            case Outcome.Failed _ -> call.complete(request, outcome);
            case Outcome.Done _, Outcome.Data _, Outcome.InFile _ -> {
                outcome.discard();
                call.complete(
                        request, Outcome.failed(DeviceFault.Kind.IO, "the volume told no extents"));
            }
        }
    }

    private void walk(List<Extent> extents) {
        long end = file.sizeBytes();
        for (Extent extent : extents) {
            if (extent.kind().readsZero() == call.toHole || offsetBytes >= end) {
                break;
            }
            offsetBytes += extent.lengthBytes();
        }
        boolean found = extents.stream().anyMatch(e -> e.kind().readsZero() == call.toHole);
        if (offsetBytes < end && !found) {
            // In a turn of its own: a volume that answers at once must not nest the walk.
            call.channel().loop().execute(this::start);
        } else {
            answer(Math.min(offsetBytes, end));
        }
    }

    private void answer(long position) {
        if (!call.toHole && position == file.sizeBytes()) {
            call.fail(Errno.ENXIO);
        } else {
            call.found(position);
        }
    }
}
