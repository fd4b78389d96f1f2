package org.unifiedvolume.targets.file;

import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;

/// Submits every request on one of the loops in turn, as exports do.
final class OnLoops extends Layer {
    private final LoopGroup loops;
    private final AtomicInteger next = new AtomicInteger();

    OnLoops(BlockDevice below, LoopGroup loops) {
        super(below);
        this.loops = loops;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        int loop = Math.floorMod(next.getAndIncrement(), loops.size());
        loops.get(loop).execute(() -> below.submit(request, done));
    }
}
