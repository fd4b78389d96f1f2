package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// A device whose requests somebody sees, and may change, on their way.
final class TappedDevice implements BlockDevice {
    /// Does something about a request, and passes it on or not.
    interface Tap {
        void submit(BlockDevice below, IoRequest request, Completion done);
    }

    private final BlockDevice below;
    private final Tap tap;

    TappedDevice(BlockDevice below, Tap tap) {
        this.below = below;
        this.tap = tap;
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
    public long localityRun(long offsetBytes) {
        return below.localityRun(offsetBytes);
    }

    @Override
    public DeviceStatus status() {
        return below.status();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        tap.submit(below, request, done);
    }

    @Override
    public void close() {
        below.close();
    }
}
