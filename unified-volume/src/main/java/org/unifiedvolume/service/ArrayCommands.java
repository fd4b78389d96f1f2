package org.unifiedvolume.service;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.spi.MemberPlan;

/// Carries out the commands about the members of arrays and their jobs.
final class ArrayCommands {
    private static final Logger LOG = LoggerFactory.getLogger(ArrayCommands.class);

    private final Service service;

    ArrayCommands(Service service) {
        this.service = service;
    }

    Map<String, Object> handle(Request request) throws ControlFault {
        OpenVolume volume = service.volume(request.needText("volume"));
        ManagedArray array = Commands.array(volume);
        try {
            return switch (request.command()) {
                case "detail" -> array.detail();
                case "remove" -> remove(volume, array, request);
                case "replace" -> replace(volume, array, request);
                case "add" -> add(volume, array, request);
                case "grow" -> grow(volume, array, request);
                case "scrub" -> scrub(volume, array, request);
                default -> throw new AssertionError(request.command());
            };
        } catch (IOException e) {
            throw new ControlFault(e.getMessage());
        }
    }

    private static Map<String, Object> remove(
            OpenVolume volume, ManagedArray array, Request request)
            throws ControlFault, IOException {
        String member = Commands.member(volume, request.needText("member"));
        String remark = array.remove(member);
        LOG.warn("volume {}: {} was removed on demand", volume.name(), member);
        return Map.of("volume", volume.name(), "member", member, "remark", remark);
    }

    private Map<String, Object> replace(OpenVolume volume, ManagedArray array, Request request)
            throws ControlFault, IOException {
        String member = Commands.member(volume, request.needText("member"));
        LayoutMember fresh = open(volume, request.needText("uri"));
        handOver(fresh, () -> array.replace(member, fresh, request.flag("force")));
        LOG.info("volume {}: {} takes the place of {}", volume.name(), fresh.name(), member);
        return Map.of("volume", volume.name(), "member", member, "by", fresh.name());
    }

    private Map<String, Object> add(OpenVolume volume, ManagedArray array, Request request)
            throws ControlFault, IOException {
        LayoutMember fresh = open(volume, request.needText("uri"));
        boolean[] filled = new boolean[1];
        handOver(fresh, () -> filled[0] = array.add(fresh, request.flag("force")));
        LOG.info("volume {}: {} was added on demand", volume.name(), fresh.name());
        return Map.of("volume", volume.name(), "by", fresh.name(), "spare", !filled[0]);
    }

    private Map<String, Object> grow(OpenVolume volume, ManagedArray array, Request request)
            throws ControlFault, IOException {
        long legs = request.number("legs", 0, 0, Integer.MAX_VALUE);
        if (legs > 0) {
            return setLegs(volume, array, request, (int) legs);
        }
        if (!request.texts("added").isEmpty()) {
            return extend(volume, array, request);
        }
        long size = array.grow(request.number("size", 0, 0, Long.MAX_VALUE));
        return Map.of("volume", volume.name(), "size", size, "later", size);
    }

    private Map<String, Object> extend(OpenVolume volume, ManagedArray array, Request request)
            throws ControlFault, IOException {
        List<LayoutMember> added = new ArrayList<>();
        ManagedArray.Extended extended = null;
        try {
            for (String uri : request.texts("added")) {
                added.add(open(volume, uri));
            }
            long maxRate = request.number("maxRate", 0, 0, Long.MAX_VALUE);
            extended = array.extend(added, request.flag("force"), maxRate);
        } finally {
            if (extended == null) {
                added.forEach(ArrayCommands::close);
            }
        }
        long size = extended.sizeBytes();
        long later = extended.laterBytes();
        LOG.info("volume {}: {} more members on demand", volume.name(), added.size());
        return Map.of("volume", volume.name(), "size", size, "later", later);
    }

    private Map<String, Object> setLegs(
            OpenVolume volume, ManagedArray array, Request request, int count)
            throws ControlFault, IOException {
        List<String> gone = new ArrayList<>();
        for (String member : request.texts("gone")) {
            gone.add(Commands.member(volume, member));
        }
        List<LayoutMember> added = new ArrayList<>();
        String remark;
        boolean taken = false;
        try {
            for (String uri : request.texts("added")) {
                added.add(open(volume, uri));
            }
            remark = array.setLegs(count, added, gone, request.flag("force"));
            taken = true;
        } finally {
            if (!taken) {
                added.forEach(ArrayCommands::close);
            }
        }
        LOG.info("volume {}: has {} legs on demand", volume.name(), count);
        return Map.of("volume", volume.name(), "legs", count, "remark", remark);
    }

    private static void close(LayoutMember member) {
        if (!member.isMissing()) {
            member.device().close();
        }
    }

    private interface Taking {
        void run() throws ControlFault, IOException;
    }

    /// A member that the array does not take is closed again.
    private static void handOver(LayoutMember member, Taking taking)
            throws ControlFault, IOException {
        boolean taken = false;
        try {
            taking.run();
            taken = true;
        } finally {
            if (!taken) {
                close(member);
            }
        }
    }

    private LayoutMember open(OpenVolume volume, String text) throws ControlFault, IOException {
        try {
            DeviceUri uri =
                    DeviceUri.parse(Place.COMMAND_LINE, service.plan().config().baseFolder(), text);
            if (volume.plan().config().deadline() != null) {
                uri.setDefault("deadline", volume.plan().config().deadline().text());
            }
            MemberPlan plan = service.plan().kinds().member(uri);
            plan.check();
            LayoutMember member = volume.opener().open(plan);
            if (member.isMissing()) {
                throw new ControlFault(
                        "%s cannot be opened: %s".formatted(member.name(), member.problem()));
            }
            return member;
        } catch (ConfigFault e) {
            throw new ControlFault(e.getMessage());
        }
    }

    private static Map<String, Object> scrub(OpenVolume volume, ManagedArray array, Request request)
            throws ControlFault, IOException {
        if (request.flag("stop")) {
            array.stopScrub();
        } else {
            array.scrub(request.flag("repair"), request.number("maxRate", 0, 0, Long.MAX_VALUE));
        }
        return Map.of("volume", volume.name());
    }
}
