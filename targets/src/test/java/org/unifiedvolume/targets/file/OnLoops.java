package org.unifiedvolume.targets.file;

import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// Submits every request on one of the loops in turn, as exports do.
record OnLoops(BlockDevice below, LoopGroup loops, AtomicInteger next) implements BlockDevice {
    OnLoops(BlockDevice below, LoopGroup loops) {
        this(below, loops, new AtomicInteger());
    }

    @Override
    public DeviceShape shape() {
        return below.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return below.locality(operation, offsetBytes, lengthBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        int loop = Math.floorMod(next.getAndIncrement(), loops.size());
        loops.get(loop).execute(() -> below.submit(request, done));
    }

    @Override
    public DeviceStatus status() {
        return below.status();
    }

    @Override
    public void close() {
        below.close();
    }
}
