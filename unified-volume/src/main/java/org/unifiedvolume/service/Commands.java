package org.unifiedvolume.service;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.ControlServer;
import org.unifiedvolume.control.ControlServer.Events;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.spi.ManagedArray;

/// Carries out the commands that come through the control socket.
final class Commands implements ControlServer.Handler {
    private static final Logger LOG = LoggerFactory.getLogger(Commands.class);
    private static final long IDLE_NANOS = 1_000_000_000L;
    private static final long MOST_MILLIS = 3_600_000;

    private final Service service;

    Commands(Service service) {
        this.service = service;
    }

    @Override
    public Map<String, Object> handle(Request request, Events events)
            throws ControlFault, IOException {
        try {
            return switch (request.command()) {
                case "status" -> StatusView.of(service, chosen(request));
                case "iostat" -> iostat(request, events);
                case "trace" -> trace(request, events);
                case "mount" -> mount(request);
                case "umount" -> unmount(request);
                case "attach" -> attach(request);
                case "detach" -> detach(request);
                case "stop" -> stop(request);
                case "fail" -> fail(request);
                case "re-add" -> readd(request);
                case "detail", "remove", "replace", "add", "grow", "scrub" ->
                        new ArrayCommands(service).handle(request);
                default ->
                        throw new ControlFault(
                                "the service does not know the command \"%s\"; is it of an older"
                                                .formatted(request.command())
                                        + " release?");
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ControlFault("the service is being stopped");
        }
    }

    /// The volume that a request names, or all of them.
    private List<OpenVolume> chosen(Request request) throws ControlFault {
        String name = request.text("volume");
        return name == null ? List.copyOf(service.volumes()) : List.of(service.volume(name));
    }

    private Map<String, Object> iostat(Request request, Events events)
            throws ControlFault, IOException, InterruptedException {
        long periodNanos =
                TimeUnit.MILLISECONDS.toNanos(request.number("millis", 1000, 1, MOST_MILLIS));
        long count = request.number("count", Long.MAX_VALUE, 1, Long.MAX_VALUE);
        IostatSampler sampler = new IostatSampler(chosen(request));
        long due = System.nanoTime();
        for (long i = 0; i < count; i++) {
            due += periodNanos;
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                TimeUnit.NANOSECONDS.sleep(Math.min(left, IDLE_NANOS));
                events.idle();
            }
            events.send(sampler.sample());
        }
        return Map.of();
    }

    private Map<String, Object> trace(Request request, Events events)
            throws ControlFault, IOException, InterruptedException {
        OpenVolume volume = service.volume(request.needText("volume"));
        long count = request.number("count", Long.MAX_VALUE, 1, Long.MAX_VALUE);
        TraceAssembler assembler = new TraceAssembler();
        AutoCloseable watch = volume.volume().tracer().watch(assembler);
        try {
            assembler.begin(System.nanoTime());
            events.send(Map.of("watching", volume.name()));
            for (long seen = 0; seen < count; ) {
                Map<String, Object> traced = assembler.next(IDLE_NANOS);
                if (traced == null) {
                    events.idle();
                } else {
                    events.send(traced);
                    seen++;
                }
            }
            return Map.of();
        } finally {
            end(watch);
        }
    }

    private static void end(AutoCloseable watch) {
        try {
            watch.close();
        } catch (Exception e) {
            throw new IllegalStateException("a watch could not be ended", e);
        }
    }

    private Map<String, Object> mount(Request request) throws ControlFault {
        OpenVolume volume = service.volume(request.needText("volume"));
        Path folder = folder(request);
        String device =
                told(
                        () ->
                                service.attachments()
                                        .mount(
                                                volume,
                                                folder,
                                                request.text("mkfs"),
                                                request.flag("force"),
                                                request.flag("readOnly")));
        LOG.info("volume {}: {} is mounted on {}", volume.name(), device, folder);
        return Map.of("volume", volume.name(), "device", device, "folder", folder.toString());
    }

    private Map<String, Object> unmount(Request request) throws ControlFault {
        Path folder = folder(request);
        String name = request.text("what");
        List<Path> folders = told(() -> service.attachments().unmount(name, folder));
        LOG.info("{} unmounted", folders);
        return Map.of("folders", folders.stream().map(Path::toString).toList());
    }

    private static Path folder(Request request) throws ControlFault {
        try {
            Path folder = Path.of(request.needText("folder"));
            if (folder.isAbsolute()) {
                return folder.normalize();
            }
        } catch (InvalidPathException e) {
            throw new ControlFault("the folder cannot be one: " + e.getMessage());
        }
        throw new ControlFault("the folder's path is not absolute");
    }

    private Map<String, Object> attach(Request request) throws ControlFault {
        OpenVolume volume = service.volume(request.needText("volume"));
        boolean readOnly = request.flag("readOnly");
        String device = told(() -> service.attachments().attach(volume, readOnly));
        LOG.info("volume {}: attached as {}", volume.name(), device);
        return Map.of("volume", volume.name(), "device", device);
    }

    private Map<String, Object> detach(Request request) throws ControlFault {
        String what = request.needText("what");
        String device = told(() -> service.attachments().detach(what));
        LOG.info("{} is given back", device);
        return Map.of("device", device);
    }

    private interface Deed<T> {
        T run() throws ControlFault, IOException;
    }

    /// Runs what may fail for the system's reasons, so that the client is told of these.
    private static <T> T told(Deed<T> deed) throws ControlFault {
        try {
            return deed.run();
        } catch (IOException e) {
            throw new ControlFault(e.getMessage());
        }
    }

    static ManagedArray array(OpenVolume volume) throws ControlFault {
        ManagedArray array = volume.managedArray();
        if (array == null) {
            throw new ControlFault(
                    "volume %s is of level %s, whose members cannot be taken out or put back"
                            .formatted(volume.name(), volume.plan().config().level().text()));
        }
        return array;
    }

    /// The name of a member of the volume: what the user wrote, or a part of it that only one has.
    static String member(OpenVolume volume, String text) throws ControlFault {
        List<String> names = array(volume).memberNames();
        if (names.contains(text)) {
            return text;
        }
        List<String> alike = names.stream().filter(name -> name.contains(text)).toList();
        if (alike.size() == 1) {
            return alike.getFirst();
        }
        throw new ControlFault(
                "\"%s\" is %s of volume %s; its members are %s"
                        .formatted(
                                text,
                                alike.isEmpty() ? "no member" : "more than one member",
                                volume.name(),
                                String.join(", ", names)));
    }

    private Map<String, Object> stop(Request request) throws ControlFault {
        OpenVolume volume = service.volume(request.needText("volume"));
        service.stop(volume, request.flag("force"));
        LOG.warn("volume {}: stopped on demand", volume.name());
        return Map.of("volume", volume.name());
    }

    private Map<String, Object> fail(Request request) throws ControlFault {
        OpenVolume volume = service.volume(request.needText("volume"));
        String member = member(volume, request.needText("member"));
        try {
            array(volume).fail(member);
        } catch (IOException e) {
            throw new ControlFault(e.getMessage());
        }
        LOG.warn("volume {}: {} was taken out on demand", volume.name(), member);
        return Map.of("volume", volume.name(), "member", member);
    }

    private Map<String, Object> readd(Request request) throws ControlFault {
        OpenVolume volume = service.volume(request.needText("volume"));
        String member = member(volume, request.needText("member"));
        try {
            array(volume).readd(member, request.flag("assumeClean"));
        } catch (IOException e) {
            throw new ControlFault(e.getMessage());
        }
        LOG.info("volume {}: {} was put back on demand", volume.name(), member);
        return Map.of("volume", volume.name(), "member", member);
    }
}
