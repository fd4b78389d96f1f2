package org.unifiedvolume.fuse;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.layer.AlignLayer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.volume.Volume;

/// A volume as the content of one file: what each operation on the file asks of the volume.
///
/// The file's size is the volume's and never changes; its offsets have no grid. Both bindings use
/// it. Safe for concurrent use; nothing here blocks.
final class VolumeFile {
    private final Volume volume;
    private final Volume.Client client;
    private final BlockDevice content;
    private final boolean readOnly;

    /// Whether something was written since [#takeWritten].
    private volatile boolean written;

    /// Whether a flush at the end of a use would find something to do.
    private volatile boolean dirty;

    /// @param path where the file is, for people
    VolumeFile(Volume volume, boolean readOnly, String path, IoContext context) {
        this.volume = volume;
        this.client = volume.connect("fuse " + path);
        BlockDevice whole = new VolumeView(volume);
        this.content = whole.shape().blockBytes() == 1 ? whole : new AlignLayer(whole, context);
        this.readOnly = readOnly || volume.shape().isReadOnly();
    }

    Volume volume() {
        return volume;
    }

    DeviceShape shape() {
        return content.shape();
    }

    long sizeBytes() {
        return content.shape().sizeBytes();
    }

    boolean isReadOnly() {
        return readOnly;
    }

    /// Ends the use of the volume.
    void disconnect() {
        volume.disconnect(client);
    }

    /// How much of a range lies within the file; 0 if nothing does, -1 if the range is none at all.
    long within(long offsetBytes, long lengthBytes) {
        if (offsetBytes < 0 || lengthBytes < 0) {
            return -1;
        }
        return Math.max(0, Math.min(lengthBytes, sizeBytes() - offsetBytes));
    }

    /// Whether there was a write since the last call.
    boolean takeWritten() {
        boolean was = written;
        if (was) {
            written = false;
        }
        return was;
    }

    void read(long offsetBytes, long lengthBytes, Completion done) {
        content.submit(
                new IoRequest.Read(
                        tag(Operation.READ, offsetBytes, lengthBytes), offsetBytes, lengthBytes),
                done);
    }

    void write(long offsetBytes, Buffers source, Durability durability, Completion done) {
        change();
        content.submit(
                new IoRequest.Write(
                        tag(Operation.WRITE, offsetBytes, source.length()),
                        offsetBytes,
                        source,
                        durability),
                done);
    }

    /// Makes a range read as zeroes and gives its space back. A volume that gives no space back
    /// fails unless it is fast; others take the time they need: whoever is told once that holes
    /// cannot be punched, as a loop device, never asks again.
    void punch(long offsetBytes, long lengthBytes, Completion done) {
        zero(offsetBytes, lengthBytes, true, done);
    }

    /// Makes a range read as zeroes and keeps its space.
    void zero(long offsetBytes, long lengthBytes, Completion done) {
        zero(offsetBytes, lengthBytes, false, done);
    }

    private void zero(long offsetBytes, long lengthBytes, boolean punch, Completion done) {
        change();
        content.submit(
                new IoRequest.Zero(
                        tag(Operation.ZERO, offsetBytes, lengthBytes),
                        offsetBytes,
                        lengthBytes,
                        punch,
                        punch && !content.shape().can(Ability.DISCARD),
                        Durability.VOLATILE),
                done);
    }

    private void change() {
        if (!written) {
            written = true;
        }
        if (!dirty) {
            dirty = true;
        }
    }

    /// Makes everything durable that was acknowledged.
    void flush(Completion done) {
        dirty = false;
        content.submit(
                new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)),
                (request, outcome) -> {
                    if (!outcome.isSuccess()) {
                        dirty = true;
                    }
                    done.complete(request, outcome);
                });
    }

    /// Whether something was written here since the last flush.
    boolean isDirty() {
        return dirty;
    }

    boolean canLocate() {
        return content.shape().can(Ability.LOCATE);
    }

    void locate(long offsetBytes, long lengthBytes, Completion done) {
        content.submit(
                new IoRequest.Locate(
                        tag(Operation.LOCATE, offsetBytes, lengthBytes), offsetBytes, lengthBytes),
                done);
    }

    private IoTag tag(Operation operation, long offset, long length) {
        return volume.tag(operation, offset, length, client.id());
    }
}
