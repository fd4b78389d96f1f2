package org.unifiedvolume.targets.file;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.MemberKind;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;

/// `file:/path` and bare paths: regular files and block devices of this host.
///
/// Options: `size` (create a sparse file of this size), `direct`, `readonly`, `lane` (where I/O
/// that has to wait for the medium does so: `uring`, with the kernel; `workers`, on threads;
/// `auto`, by what has been measured to be better, the default), `workers` (how many threads),
/// `depth`, `deadline`. Where `io_uring` is not to be had, all slow I/O goes to the threads.
public final class FileKind implements MemberKind {
    private static final int DEFAULT_DEPTH = 128;
    private static final long DEFAULT_DEADLINE_NANOS = 30_000_000_000L;

    @Override
    public Set<String> schemes() {
        return Set.of("file");
    }

    @Override
    public MemberPlan plan(DeviceUri uri) throws ConfigFault {
        Path path = uri.filePath();
        long size = uri.size("size", 0);
        FileOptions options =
                new FileOptions(
                        path,
                        size,
                        uri.flag("direct", false),
                        uri.flag("readonly", false),
                        uri.number("workers", FileOptions.DEFAULT_WORKERS, 1, 256),
                        lane(uri));
        int depth = uri.number("depth", DEFAULT_DEPTH, 1, 65_536);
        long deadline = uri.duration("deadline", DEFAULT_DEADLINE_NANOS);
        uri.rejectUnknownKeys();
        if (uri.option("size") != null && size == 0) {
            throw uri.fault("asks for a file of no size", "write a size such as ?size=10GiB");
        }
        if (size > 0 && options.readOnly()) {
            throw uri.fault(
                    "asks for a new file that is read-only", "leave out one of size and readonly");
        }
        return new FilePlan(uri.toString(), options, depth, deadline);
    }

    private static LaneChoice lane(DeviceUri uri) throws ConfigFault {
        String value = uri.option("lane");
        return switch (value) {
            case null -> LaneChoice.AUTO;
            case "auto" -> LaneChoice.AUTO;
            case "uring" -> LaneChoice.URING;
            case "workers" -> LaneChoice.WORKERS;
            default -> throw uri.fault("has lane=" + value, "write lane=auto, uring or workers");
        };
    }

    private record FilePlan(String name, FileOptions options, int depth, long deadlineNanos)
            implements MemberPlan {
        @Override
        public Object identity() {
            try {
                return options.path().toRealPath();
            } catch (IOException e) {
                // It does not exist yet, or may not be looked at: its name has to do.
                return options.path();
            }
        }

        @Override
        public Locality locality() {
            return Locality.LOCAL;
        }

        @Override
        public void check() throws IOException {
            FileCheck.check(options);
        }

        @Override
        public BlockDevice open(TargetContext context) throws IOException {
            return FileDevice.open(options, context.io());
        }
    }
}
