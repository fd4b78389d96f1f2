package org.unifiedvolume.service;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Suggestion;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.ControlServer;
import org.unifiedvolume.service.VolumePlan.Placed;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.MemberPlan;

/// Everything that one configuration describes, at work.
///
/// Opened in this order: checks of every plan, state folder, engine, volumes (those that do not
/// depend on each other at the same time), exports, control socket. Closed in the reverse order.
public final class Service implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Service.class);

    private final ServicePlan plan;
    private final Instant started = Instant.now();

    /// Those that are open, by name; replaced as a whole.
    private volatile Map<String, OpenVolume> volumes = Map.of();

    /// What undoes each step of the opening, the last one first.
    private final Deque<Runnable> undo = new ArrayDeque<>();

    private StateFolder state;
    private Engine engine;
    private Attachments attachments;

    private Service(ServicePlan plan) {
        this.plan = plan;
    }

    /// Starts everything that is planned; returns when all exports answer.
    ///
    /// @param registry where to list the service for commands
    /// @throws ServiceFault if anything cannot be had; nothing stays open
    public static Service start(ServicePlan plan, Registry registry) throws ServiceFault {
        Service service = new Service(plan);
        boolean started = false;
        try {
            service.check();
            service.open(registry);
            started = true;
            return service;
        } finally {
            if (!started) {
                service.close();
            }
        }
    }

    private void check() throws ServiceFault {
        List<String> problems = new ArrayList<>();
        for (VolumePlan volume : plan.volumes()) {
            List<String> bad = new ArrayList<>();
            for (Placed<MemberPlan> member : volume.members()) {
                try {
                    member.plan().check();
                } catch (IOException e) {
                    bad.add(problem(member, volume, e));
                }
            }
            // What the layout can do without is said when it is opened, by the layout if need be.
            if (volume.members().size() - bad.size() < volume.layout().leastMembers()) {
                problems.addAll(bad);
            }
            for (Placed<ExportPlan> export : volume.exports()) {
                try {
                    export.plan().check();
                } catch (IOException e) {
                    problems.add(problem(export, volume, e));
                }
            }
        }
        if (!problems.isEmpty()) {
            throw new ServiceFault(problems);
        }
    }

    private static String problem(Placed<?> placed, VolumePlan volume, IOException e) {
        return "%s: volume %s: %s".formatted(placed.place(), volume.name(), e.getMessage());
    }

    private void open(Registry registry) throws ServiceFault {
        state = StateFolder.open(plan.config().stateFolder());
        undo.push(state::close);
        engine = new Engine(plan.config().buffersBytes(), cacheBytes());
        undo.push(engine::close);
        openVolumes();
        openExports();
        attachments =
                new Attachments(
                        plan.kinds(),
                        engine.context(),
                        state,
                        plan.config().baseFolder(),
                        this::volumes);
        undo.push(attachments::close);
        attachments.clearLeftovers();
        try {
            Path socket = state.socket(registry.socketFor(state.folder()));
            ControlServer control =
                    ControlServer.listen(socket, new Commands(this), engine.timers());
            undo.push(control::close);
            state.record(socket, plan.config().file(), List.copyOf(volumes.keySet()));
        } catch (IOException e) {
            throw new ServiceFault(
                    "%s: cannot take commands: %s".formatted(state.folder(), e.getMessage()));
        }
        registry.add(state.folder());
        undo.push(() -> registry.remove(state.folder()));
    }

    private long cacheBytes() {
        return plan.volumes().stream().mapToLong(volume -> volume.config().cacheBytes()).sum();
    }

    /// Opens all volumes at the same time; one that is made of others waits for them.
    private void openVolumes() throws ServiceFault {
        List<String> problems = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Map<VolumePlan, Future<OpenVolume>> opening = new LinkedHashMap<>();
            for (VolumePlan volume : plan.volumes()) {
                Callable<OpenVolume> task = () -> open(volume);
                opening.put(volume, threads.submit(task));
            }
            for (Map.Entry<VolumePlan, Future<OpenVolume>> entry : opening.entrySet()) {
                try {
                    OpenVolume volume = entry.getValue().get();
                    Map<String, OpenVolume> more = new LinkedHashMap<>(volumes);
                    more.put(volume.name(), volume);
                    volumes = Collections.unmodifiableMap(more);
                    undo.push(volume::close);
                } catch (ExecutionException e) {
                    problems.addAll(problemsOf(entry.getKey(), e.getCause()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problems.add("interrupted while the volumes were opened");
        }
        if (!problems.isEmpty()) {
            throw new ServiceFault(problems);
        }
    }

    private OpenVolume open(VolumePlan volume) throws ServiceFault {
        OpenVolume opened = null;
        try {
            opened = new VolumeOpener(volume, state, engine.context()).open();
            plan.volumeKind().opened(opened.volume());
            return opened;
        } finally {
            if (opened == null) {
                plan.volumeKind().failed(volume.name());
            }
        }
    }

    private static List<String> problemsOf(VolumePlan volume, Throwable cause) {
        if (cause instanceof ServiceFault fault) {
            return fault.problems();
        }
        LOG.error("volume {}: opening failed within the service", volume.name(), cause);
        return List.of(
                "%s: volume %s: %s".formatted(volume.config().place(), volume.name(), cause));
    }

    private void openExports() throws ServiceFault {
        for (VolumePlan above : plan.volumes()) {
            for (Placed<MemberPlan> member : above.all()) {
                String below = VolumeKind.nameOf(member.plan());
                if (below != null) {
                    volumes.get(below).becomePartOfAnother(true);
                }
            }
        }
        undo.push(this::closeExports);
        for (VolumePlan volumePlan : plan.volumes()) {
            OpenVolume volume = volumes.get(volumePlan.name());
            for (Placed<ExportPlan> export : volumePlan.exports()) {
                try {
                    volume.add(export.plan().open(volume.volume(), engine.context()));
                } catch (IOException e) {
                    throw new ServiceFault(problem(export, volumePlan, e));
                }
            }
        }
    }

    /// Closes the exports of all volumes at the same time: each may have to wait for its clients.
    private void closeExports() {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            volumes.values().forEach(volume -> threads.execute(volume::closeExports));
        }
    }

    public ServicePlan plan() {
        return plan;
    }

    public Instant started() {
        return started;
    }

    public Engine engine() {
        return engine;
    }

    public Path stateFolder() {
        return state.folder();
    }

    Attachments attachments() {
        return attachments;
    }

    public Collection<OpenVolume> volumes() {
        return volumes.values();
    }

    /// A volume by its name.
    ///
    /// @throws ControlFault if there is none, with what there is
    OpenVolume volume(String name) throws ControlFault {
        OpenVolume volume = volumes.get(name);
        if (volume == null) {
            throw new ControlFault(
                    "there is no volume \"%s\"; %s"
                            .formatted(name, Suggestion.remedy(name, volumes.keySet())));
        }
        return volume;
    }

    /// Stops serving one volume, makes everything durable and closes it; the others go on.
    ///
    /// @param force whether those who use it may lose it
    /// @throws ControlFault if it is in use
    void stop(OpenVolume volume, boolean force) throws ControlFault {
        if (volume.isPartOfAnother()) {
            throw new ControlFault(
                    "volume %s is a member of another volume; stop that one first"
                            .formatted(volume.name()));
        }
        attachments.stop(
                volume,
                force,
                () -> {
                    Map<String, OpenVolume> others = new LinkedHashMap<>(volumes);
                    if (others.remove(volume.name()) == null) {
                        throw new ControlFault(
                                "volume %s is being stopped already".formatted(volume.name()));
                    }
                    volumes = Collections.unmodifiableMap(others);
                });
        volume.closeExports();
        volume.close();
        for (Placed<MemberPlan> member : volume.plan().all()) {
            OpenVolume below = volumes.get(VolumeKind.nameOf(member.plan()));
            if (below != null) {
                below.becomePartOfAnother(false);
            }
        }
    }

    /// Stops serving, makes everything durable and closes it.
    @Override
    public void close() {
        while (!undo.isEmpty()) {
            try {
                undo.pop().run();
            } catch (RuntimeException e) {
                LOG.error("closing goes on after a failure within the service", e);
            }
        }
    }
}
