package org.unifiedvolume.raid.array;

import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.spi.LayoutMember;

/// The status of a member under the name by which commands know it.
public final class MemberStatus {
    private MemberStatus() {}

    /// The status of a member that is there.
    public static DeviceStatus of(LayoutMember member) {
        DeviceStatus own = member.device().status();
        return new DeviceStatus(
                member.name(),
                own.kind(),
                own.state(),
                own.reason(),
                own.since(),
                own.remedy(),
                own.locality(),
                own.sizeBytes(),
                own.children());
    }
}
