package org.unifiedvolume.layer;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// Shows one window of the device below as a device of its own: a partition, or what lies behind a
/// header.
public final class WindowLayer extends Layer {
    private final long startBytes;
    private final DeviceShape shape;

    /// @param startBytes where the window starts below, on the block grid there
    /// @param sizeBytes how long it is, whole blocks
    /// @throws IllegalArgumentException if the device below has no such range
    public WindowLayer(BlockDevice below, long startBytes, long sizeBytes) {
        if (!below.shape().holds(startBytes, sizeBytes)) {
            throw new IllegalArgumentException(
                    "a window of %d bytes from %d is not in whole blocks of %d within %d bytes"
                            .formatted(
                                    sizeBytes,
                                    startBytes,
                                    below.shape().blockBytes(),
                                    below.shape().sizeBytes()));
        }
        super(below);
        this.startBytes = startBytes;
        this.shape = below.shape().withSize(sizeBytes);
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return below.locality(operation, startBytes + offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(long offsetBytes) {
        return Math.min(
                below.localityRun(startBytes + offsetBytes), shape.sizeBytes() - offsetBytes);
    }

    @Override
    public DeviceStatus status() {
        DeviceStatus status = below.status();
        return new DeviceStatus(
                status.name(),
                status.kind(),
                status.state(),
                status.reason(),
                status.since(),
                status.remedy(),
                status.locality(),
                shape.sizeBytes(),
                status.children());
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        IoRequest child =
                startBytes == 0 ? request : request.at(startBytes + request.offsetBytes());
        below.submit(child, Completion.of(request, child, done));
    }
}
