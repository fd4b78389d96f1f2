package org.unifiedvolume.service;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.volume.Member;
import org.unifiedvolume.volume.Volume;

/// Shows a service and its volumes as JSON: the form behind `uvol status --json`.
final class StatusView {
    private StatusView() {}

    /// The whole service, with the volumes that were asked for.
    static Map<String, Object> of(Service service, List<OpenVolume> volumes) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("pid", ProcessHandle.current().pid());
        view.put("config", service.plan().config().file().toAbsolutePath().toString());
        view.put("state", service.stateFolder().toAbsolutePath().toString());
        view.put("uptimeSeconds", Duration.between(service.started(), Instant.now()).toSeconds());
        view.put("bufferBytes", service.engine().pool().outstandingBytes());
        view.put("bufferCeilingBytes", service.engine().pool().ceilingBytes());
        view.put(
                "volumes",
                volumes.stream().map(v -> (Object) of(v, service.attachments())).toList());
        return view;
    }

    private static Map<String, Object> of(OpenVolume open, Attachments attachments) {
        Volume volume = open.volume();
        DeviceStatus status = volume.status();
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", open.name());
        view.put("level", open.plan().config().level().text());
        putState(view, status);
        view.put("readOnly", volume.shape().isReadOnly());
        view.put("members", members(open, status.children()));
        view.put("exports", open.exports().stream().map(Export::uri).toList());
        view.put("clients", volume.clients().stream().map(Volume.Client::name).toList());
        view.put("attachments", attachments.describe(open));
        view.put("underWay", volume.underWayCount());
        return view;
    }

    private static void putState(Map<String, Object> view, DeviceStatus status) {
        view.put("state", status.state().name());
        view.put("reason", status.reason());
        view.put("since", status.since().toString());
        view.put("remedy", status.remedy());
        view.put("locality", status.locality().name());
        view.put("sizeBytes", status.sizeBytes());
    }

    /// The members by the names that the user gave them; devices know themselves by others.
    private static List<Object> members(OpenVolume open, List<DeviceStatus> statuses) {
        List<String> names =
                open.plan().members().stream().map(member -> member.plan().name()).toList();
        // An array whose members change their roles calls them as users do.
        boolean isComplete = open.managedArray() == null && names.size() == statuses.size();
        List<Object> views = new ArrayList<>();
        for (int i = 0; i < statuses.size(); i++) {
            String name = isComplete ? names.get(i) : statuses.get(i).name();
            Map<String, Object> view = device(name, statuses.get(i));
            for (Member member : open.members()) {
                if (member.uri().equals(name)) {
                    view.put("underWay", member.underWayCount());
                    view.put("failures", member.meter().read().failures());
                }
            }
            views.add(view);
        }
        return views;
    }

    private static Map<String, Object> device(String name, DeviceStatus status) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", name);
        view.put("kind", status.kind());
        putState(view, status);
        view.put(
                "members",
                status.children().stream()
                        .map(child -> (Object) device(child.name(), child))
                        .toList());
        return view;
    }
}
