package org.unifiedvolume.service;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.volume.Volume;

/// Shows a volume as a device, so that another volume can be made of it. Each request gets a tag of
/// that volume which names the request above as its parent.
///
/// The volume is not closed with the device: the service closes it.
final class VolumeDevice implements BlockDevice {
    private final Volume volume;
    private final Locality lane;
    private final IoContext context;

    /// @param lane the locality of the whole volume as a member
    VolumeDevice(Volume volume, Locality lane, IoContext context) {
        this.volume = volume;
        this.lane = lane;
        this.context = context;
    }

    @Override
    public DeviceShape shape() {
        return volume.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return lane;
    }

    @Override
    public DeviceStatus status() {
        return volume.status();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        IoRequest below = request.tagged(tagBelow(request));
        volume.submit(below, Completion.of(request, below, done));
    }

    private IoTag tagBelow(IoRequest request) {
        IoTag above = request.tag();
        return new IoTag(
                context.ids().next(),
                above.id(),
                above.operation(),
                volume.locality(above.operation(), request.offsetBytes(), request.lengthBytes()),
                request.offsetBytes(),
                request.lengthBytes(),
                above.client(),
                context.timers().nanoTime());
    }

    @Override
    public void close() {
        // Nothing is held: the service closes the volume after those that are made of it.
    }
}
