package org.unifiedvolume.raid.array;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// A linear array of one member: hands every request on as it is.
final class SoleMember implements BlockDevice {
    private final ArrayMembers members;
    private final BlockDevice member;

    SoleMember(ArrayMembers members) {
        this.members = members;
        this.member = members.members().getFirst().device();
    }

    @Override
    public DeviceShape shape() {
        return member.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return member.locality(operation, offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(long offsetBytes) {
        return member.localityRun(offsetBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        member.submit(request, done);
    }

    @Override
    public DeviceStatus status() {
        return members.status(member.shape().sizeBytes());
    }

    @Override
    public void close() {
        members.close();
    }
}
