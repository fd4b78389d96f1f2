package org.unifiedvolume.service;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.MemberKind;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.volume.Volume;

/// `volume:name`: another volume of this process as a member.
final class VolumeKind implements MemberKind {
    static final String SCHEME = "volume";
    private static final int DEPTH = 256;

    private final Map<String, VolumePlan> planned = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<Volume>> opened = new ConcurrentHashMap<>();

    @Override
    public Set<String> schemes() {
        return Set.of(SCHEME);
    }

    /// The name of the volume that a URI means.
    static String nameIn(DeviceUri uri) throws ConfigFault {
        if (!uri.authority().isEmpty() || uri.path().isEmpty()) {
            throw uri.fault("names no volume", "write volume:name");
        }
        return uri.path();
    }

    /// Says that a volume is understood; those made of it come later.
    void planned(VolumePlan plan) {
        planned.put(plan.name(), plan);
        opened.put(plan.name(), new CompletableFuture<>());
    }

    /// Hands a volume to those that are made of it.
    void opened(Volume volume) {
        opened.get(volume.name()).complete(volume);
    }

    /// Tells those that are made of a volume that it cannot be had.
    void failed(String name) {
        opened.get(name)
                .completeExceptionally(
                        new IOException("volume %s could not be opened".formatted(name)));
    }

    /// The volume that a member is; null if it is something else.
    static String nameOf(MemberPlan member) {
        return member instanceof Plan plan ? plan.volume : null;
    }

    @Override
    public MemberPlan plan(DeviceUri uri) throws ConfigFault {
        String name = nameIn(uri);
        uri.rejectUnknownKeys();
        VolumePlan plan = planned.get(name);
        if (plan == null) {
            throw uri.fault("names a volume that is not described", "describe it, or correct it");
        }
        return new Plan(uri.toString(), name, plan.locality());
    }

    private final class Plan implements MemberPlan {
        private final String uri;
        private final String volume;
        private final Locality locality;

        Plan(String uri, String volume, Locality locality) {
            this.uri = uri;
            this.volume = volume;
            this.locality = locality;
        }

        @Override
        public String name() {
            return uri;
        }

        @Override
        public Object identity() {
            return List.of(SCHEME, volume);
        }

        @Override
        public Locality locality() {
            return locality;
        }

        @Override
        public int depth() {
            return DEPTH;
        }

        /// None: the members of that volume have theirs.
        @Override
        public long deadlineNanos() {
            return 0;
        }

        @Override
        public BlockDevice open(TargetContext context) throws IOException {
            try {
                return new VolumeDevice(opened.get(volume).join(), locality, context.io());
            } catch (CompletionException e) {
                throw new IOException(e.getCause().getMessage(), e.getCause());
            }
        }
    }
}
