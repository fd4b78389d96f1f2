package org.unifiedvolume.device;

import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// A device that decorates one device below: whatever it does not decide itself is as it is there.
///
/// A subclass carries requests out, and overrides what it shows differently. Closing it closes the
/// device below.
public abstract class Layer implements BlockDevice {
    /// The device that this one decorates.
    protected final BlockDevice below;

    protected Layer(BlockDevice below) {
        this.below = below;
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
    public void close() {
        below.close();
    }
}
