package org.unifiedvolume.raid.spread;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.raid.superblock.MemberAreas;

/// Shows an array that needs all of its members as plain values, by the names that arrays with
/// redundancy use.
final class SpreadDetail {
    private final SpreadArray array;

    SpreadDetail(SpreadArray array) {
        this.array = array;
    }

    Map<String, Object> view() {
        SpreadRecord record = array.record();
        ArrayDescription description = record.array();
        DeviceStatus status = array.status();
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", array.volume());
        view.put("uuid", description.uuid().toString());
        view.put("level", description.levelName());
        view.put("chunk", description.chunkBytes());
        view.put("copies", description.copies());
        view.put("size", array.shape().sizeBytes());
        view.put("state", status.state().name());
        view.put("reason", status.reason());
        view.put("since", status.since().toString());
        view.put("remedy", status.remedy());
        Epoch epoch = record.origin().epoch();
        view.put("events", record.events());
        view.put("epoch", Map.of("number", epoch.number(), "id", "%016x".formatted(epoch.id())));
        MemberAreas areas = record.members().getFirst().areas();
        view.put("metadata", areas.place().name().toLowerCase(Locale.ROOT));
        view.put("legs", members(record, status.children()));
        view.put("replacements", List.of());
        view.put("spares", List.of());
        ReshapeJob job = array.job();
        view.put(
                "jobs",
                job == null
                        ? List.of()
                        : List.of(job.progress().view(job.hasEnded(), job.problem())));
        return view;
    }

    private static List<Object> members(SpreadRecord record, List<DeviceStatus> states) {
        List<Object> views = new ArrayList<>();
        for (int role = 0; role < states.size(); role++) {
            SpreadMember member = record.members().get(role);
            DeviceStatus own = states.get(role);
            Map<String, Object> view = new LinkedHashMap<>();
            view.put("role", role);
            view.put("name", member.name());
            view.put("member", member.uuid().toString());
            view.put("state", own.state().name());
            view.put("holds", "IN_SYNC");
            view.put("locality", own.locality().name());
            view.put("reason", own.reason());
            view.put("since", own.since().toString());
            view.put("remedy", own.remedy());
            view.put("used", member.rowBytes());
            view.put("known-events", record.knownEvents(member));
            views.add(view);
        }
        return views;
    }
}
