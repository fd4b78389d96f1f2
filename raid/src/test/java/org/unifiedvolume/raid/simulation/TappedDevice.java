package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;

/// A device whose requests somebody sees, and may change, on their way.
final class TappedDevice extends Layer {
    /// Does something about a request, and passes it on or not.
    interface Tap {
        void submit(BlockDevice below, IoRequest request, Completion done);
    }

    private final Tap tap;

    TappedDevice(BlockDevice below, Tap tap) {
        super(below);
        this.tap = tap;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        tap.submit(below, request, done);
    }
}
