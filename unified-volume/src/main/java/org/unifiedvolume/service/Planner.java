package org.unifiedvolume.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.ServiceConfig;
import org.unifiedvolume.config.Suggestion;
import org.unifiedvolume.config.VolumeConfig;
import org.unifiedvolume.config.Written;
import org.unifiedvolume.service.VolumePlan.Placed;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Holds a configuration against the kinds of members, exports and layouts that are present.
///
/// Without opening anything it finds what cannot be: unknown schemes and levels, options nobody
/// knows, a device that is used twice, exports in each other's way, volumes made of themselves.
public final class Planner {
    private final ServiceConfig config;
    private final VolumeKind volumeKind = new VolumeKind();
    private final Kinds kinds;
    private final Map<String, VolumeConfig> byName = new LinkedHashMap<>();
    private final Map<Object, Placed<String>> usedMembers = new HashMap<>();
    private final Map<Object, Placed<String>> usedExports = new HashMap<>();

    private Planner(ServiceConfig config, Kinds kinds) {
        this.config = config;
        this.kinds = kinds.with(volumeKind);
        config.volumes().forEach(volume -> byName.put(volume.name(), volume));
    }

    /// Plans everything that a configuration describes.
    public static ServicePlan plan(ServiceConfig config, Kinds kinds) throws ConfigFault {
        return new Planner(config, kinds).plan();
    }

    private ServicePlan plan() throws ConfigFault {
        Set<VolumeConfig> ordered = new LinkedHashSet<>();
        for (VolumeConfig volume : config.volumes()) {
            order(volume, new LinkedHashSet<>(), ordered);
        }
        List<VolumePlan> plans = new ArrayList<>();
        for (VolumeConfig volume : ordered) {
            VolumePlan plan = plan(volume);
            volumeKind.planned(plan);
            plans.add(plan);
        }
        return new ServicePlan(config, plans, volumeKind, kinds);
    }

    private DeviceUri uri(Written written) throws ConfigFault {
        return DeviceUri.parse(written.place(), config.baseFolder(), written.text());
    }

    /// Puts a volume behind those that it is made of.
    ///
    /// @param above the volumes on the way from the top to this one
    private void order(VolumeConfig volume, Set<String> above, Set<VolumeConfig> ordered)
            throws ConfigFault {
        if (ordered.contains(volume)) {
            return;
        }
        above.add(volume.name());
        for (Written member : volume.all()) {
            DeviceUri uri = uri(member);
            if (!uri.scheme().equals(VolumeKind.SCHEME)) {
                continue;
            }
            String name = VolumeKind.nameIn(uri);
            VolumeConfig below = byName.get(name);
            if (below == null) {
                throw new ConfigFault(
                        member.place(),
                        "there is no volume \"%s\"".formatted(name),
                        Suggestion.remedy(name, byName.keySet()));
            }
            if (above.contains(name)) {
                throw new ConfigFault(
                        member.place(),
                        "volume %s would be made of itself (%s)"
                                .formatted(name, String.join(" of ", above) + " of " + name),
                        "take one of them out");
            }
            if (!below.exports().isEmpty()) {
                throw new ConfigFault(
                        below.exports().getFirst().place(),
                        "volume %s is a member of volume %s, so nobody else may write to it"
                                .formatted(name, volume.name()),
                        "leave out its exports, or export volume %s".formatted(volume.name()));
            }
            order(below, above, ordered);
        }
        above.remove(volume.name());
        ordered.add(volume);
    }

    private VolumePlan plan(VolumeConfig volume) throws ConfigFault {
        Map<String, VolumeOptions.Value> values = new LinkedHashMap<>();
        volume.others()
                .forEach(
                        (key, written) ->
                                values.put(
                                        key,
                                        new VolumeOptions.Value(written.place(), written.text())));
        VolumeOptions options =
                new VolumeOptions(volume.place(), volume.name(), volume.level().text(), values);
        LayoutPlan layout =
                kinds.layout(volume.level().place(), volume.level().text())
                        .plan(options, volume.members().size());
        options.rejectUnknownKeys(VolumeConfig.KEYS);
        if (!volume.spares().isEmpty() && !layout.takesSpares()) {
            throw new ConfigFault(
                    volume.spares().getFirst().place(),
                    "spares: level %s has no roles that a spare could take"
                            .formatted(volume.level().text()),
                    "take them out");
        }
        return new VolumePlan(
                volume,
                layout,
                members(volume, volume.members()),
                members(volume, volume.spares()),
                exports(volume));
    }

    private List<Placed<MemberPlan>> members(VolumeConfig volume, List<Written> uris)
            throws ConfigFault {
        List<Placed<MemberPlan>> members = new ArrayList<>();
        for (Written written : uris) {
            DeviceUri uri = uri(written);
            if (volume.deadline() != null) {
                uri.setDefault("deadline", volume.deadline().text());
            }
            MemberPlan member = kinds.member(uri);
            claim(
                    usedMembers,
                    member.identity(),
                    written.place(),
                    volume.name(),
                    member.name() + " is a member already",
                    "use each device once");
            members.add(new Placed<>(written.place(), member));
        }
        return members;
    }

    private List<Placed<ExportPlan>> exports(VolumeConfig volume) throws ConfigFault {
        List<Placed<ExportPlan>> exports = new ArrayList<>();
        for (Written written : volume.exports()) {
            ExportPlan export = kinds.export(uri(written));
            claim(
                    usedExports,
                    export.identity(),
                    written.place(),
                    volume.name(),
                    export.name() + " is served already",
                    "give each export an address or a name of its own");
            exports.add(new Placed<>(written.place(), export));
        }
        return exports;
    }

    private static void claim(
            Map<Object, Placed<String>> used,
            Object identity,
            Place place,
            String volume,
            String problem,
            String remedy)
            throws ConfigFault {
        Placed<String> before = used.putIfAbsent(identity, new Placed<>(place, volume));
        if (before != null) {
            throw new ConfigFault(
                    place,
                    "%s, of volume %s at %s".formatted(problem, before.plan(), before.place()),
                    remedy);
        }
    }
}
