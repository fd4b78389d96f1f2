package org.unifiedvolume.service;

import java.util.List;
import java.util.stream.Stream;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.VolumeConfig;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.MemberPlan;

/// A volume as the user described it, with every part understood and none opened.
///
/// @param config what the file says
/// @param layout how the members make one device
/// @param members in the order in which they were written
/// @param spares members that wait for a role
/// @param exports in the order in which they were written
public record VolumePlan(
        VolumeConfig config,
        LayoutPlan layout,
        List<Placed<MemberPlan>> members,
        List<Placed<MemberPlan>> spares,
        List<Placed<ExportPlan>> exports) {
    /// A plan and where the user asked for it.
    public record Placed<T>(Place place, T plan) {}

    public VolumePlan {
        members = List.copyOf(members);
        spares = List.copyOf(spares);
        exports = List.copyOf(exports);
    }

    /// The members and the spares.
    List<Placed<MemberPlan>> all() {
        return Stream.concat(members.stream(), spares.stream()).toList();
    }

    public String name() {
        return config.name();
    }

    /// Which lane the volume takes as a member of another one: what needs the network for any part
    /// of it counts as remote.
    Locality locality() {
        return all().stream().allMatch(m -> m.plan().locality() == Locality.LOCAL)
                ? Locality.LOCAL
                : Locality.REMOTE;
    }
}
