package org.unifiedvolume.fuse;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.volume.Volume;

/// A volume as a device, so that a layer can be put above it. Closing it leaves the volume open.
record VolumeView(Volume volume) implements BlockDevice {
    @Override
    public DeviceShape shape() {
        return volume.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return volume.locality(operation, offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(long offsetBytes) {
        return volume.localityRun(offsetBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        volume.submit(request, done);
    }

    @Override
    public DeviceStatus status() {
        return volume.status();
    }

    @Override
    public void close() {
        // the volume's owner closes it
    }
}
