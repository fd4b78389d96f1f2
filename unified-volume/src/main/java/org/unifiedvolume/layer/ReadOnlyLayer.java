package org.unifiedvolume.layer;

import java.util.EnumSet;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Shows the device below as one that cannot be written, and refuses changes that come
/// nevertheless.
public final class ReadOnlyLayer extends Layer {
    private final DeviceShape shape;

    public ReadOnlyLayer(BlockDevice below) {
        super(below);
        Set<Ability> abilities = EnumSet.noneOf(Ability.class);
        if (below.shape().can(Ability.LOCATE)) {
            abilities.add(Ability.LOCATE);
        }
        this.shape = below.shape().withAbilities(abilities);
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        switch (request) {
            case IoRequest.Read _, IoRequest.Prefetch _, IoRequest.Locate _ ->
                    below.submit(request, done);
            case IoRequest.Flush _ -> done.complete(request, Outcome.Done.DONE);
            case IoRequest.Write _, IoRequest.Zero _, IoRequest.Discard _ ->
                    done.complete(
                            request,
                            Outcome.failed(
                                    DeviceFault.Kind.READ_ONLY,
                                    "%s at offset %d, %d bytes: %s is used read-only"
                                            .formatted(
                                                    request.tag().operation(),
                                                    request.offsetBytes(),
                                                    request.lengthBytes(),
                                                    below.status().name())));
        }
    }
}
