package org.unifiedvolume.fuse;

import java.util.EnumSet;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;

/// The file has no grid although its volume has: blocks of 4 KiB and transfers of 64 KiB.
class FuseOnBlocksTest extends FuseFileContract {
    @Override
    String binding() {
        return "native";
    }

    @Override
    DeviceShape shape() {
        return new DeviceShape(
                SIZE_BYTES, 4096, 4096, 64 << 10, 4096, EnumSet.allOf(Ability.class));
    }
}
