package org.unifiedvolume.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Volume;

/// A process that serves one volume over FUSE, as small as it can be: what the tests of this
/// package mount. Closing it checks that all payload memory has come back.
final class FuseHost implements AutoCloseable {
    private static final long POOL_BYTES = 32L << 20;

    final BufferPool pool;
    final LoopGroup loops;
    final IoContext io;
    final TargetContext context;
    final Volume volume;
    private final List<Export> exports = new ArrayList<>();

    FuseHost(Function<IoContext, BlockDevice> device) {
        this(device, POOL_BYTES, POOL_BYTES / 2);
    }

    FuseHost(Function<IoContext, BlockDevice> device, long poolBytes, long admittedBytes) {
        pool = new BufferPool(poolBytes, true);
        loops = new LoopGroup(2);
        io = new IoContext(pool, loops.get(0), new RequestIds());
        context = new TargetContext(io, loops, null, new Admission(admittedBytes));
        volume =
                new Volume(
                        "media",
                        device.apply(io),
                        List.of(),
                        new Lanes(),
                        new Tracer(loops.get(0)),
                        StackOptions.ofVolume(OrderPolicy.Named.FIFO, 256),
                        io);
    }

    /// Why FUSE cannot be used here; null if it can.
    static String problem() {
        return Files.isReadable(Path.of("/dev/fuse"))
                ? null
                : "/dev/fuse is missing or may not be opened";
    }

    static ExportPlan plan(String uri) throws ConfigFault {
        return new FuseExportKind().plan(DeviceUri.parse(Place.COMMAND_LINE, Path.of("/tmp"), uri));
    }

    /// Mounts the volume until [#unmount] or [#close].
    ///
    /// @param options behind a question mark, or nothing
    /// @return the file
    Path mount(Path file, String options) throws ConfigFault, IOException {
        exports.add(plan("fuse:" + file + options).open(volume, context));
        return file;
    }

    Path mount(Path file) throws ConfigFault, IOException {
        return mount(file, "");
    }

    void unmount() {
        exports.forEach(Export::close);
        exports.clear();
    }

    @Override
    public void close() {
        unmount();
        volume.close();
        loops.close();
        List<Throwable> leaks = pool.leaks();
        if (!leaks.isEmpty()) {
            AssertionError error = new AssertionError(leaks.size() + " blocks were not released");
            error.addSuppressed(leaks.getFirst());
            throw error;
        }
        if (context.admission().admittedBytes() != 0) {
            throw new AssertionError(
                    context.admission().admittedBytes() + " admitted bytes were not released");
        }
        pool.close();
    }
}
