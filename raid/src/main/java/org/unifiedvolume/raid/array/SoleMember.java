package org.unifiedvolume.raid.array;

import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;

/// A linear array of one member: hands every request on as it is.
final class SoleMember extends Layer {
    private final ArrayMembers members;

    SoleMember(ArrayMembers members) {
        super(members.members().getFirst().device());
        this.members = members;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        below.submit(request, done);
    }

    @Override
    public DeviceStatus status() {
        return members.status(shape().sizeBytes());
    }

    @Override
    public void close() {
        members.close();
    }
}
