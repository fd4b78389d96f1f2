package org.unifiedvolume.service;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.cache.CacheOptions;
import org.unifiedvolume.cache.ReadCache;
import org.unifiedvolume.config.VolumeConfig;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.service.VolumePlan.Placed;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Volume;

/// Opens one volume: its members all at once, the layout over them, the cache above it.
final class VolumeOpener {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeOpener.class);

    private final VolumePlan plan;
    private final VolumeConfig config;
    private final StateFolder state;
    private final TargetContext context;
    private final Lanes lanes = new Lanes();
    private final Tracer tracer;
    private final MemberOpener opener;

    VolumeOpener(VolumePlan plan, StateFolder state, TargetContext context) {
        this.plan = plan;
        this.config = plan.config();
        this.state = state;
        this.context = context;
        this.tracer = new Tracer(context.io().timers());
        this.opener = new MemberOpener(context, config.order(), lanes, tracer);
    }

    /// Opens the volume.
    ///
    /// @throws ServiceFault naming every member that is the cause; nothing stays open
    OpenVolume open() throws ServiceFault {
        List<LayoutMember> all = openMembers();
        List<LayoutMember> members = all.subList(0, plan.members().size());
        BlockDevice array;
        try {
            array =
                    plan.layout()
                            .assemble(
                                    members,
                                    all.subList(members.size(), all.size()),
                                    new LayoutContext(
                                            plan.name(),
                                            state.volumeFolder(plan.name()),
                                            context.io()));
        } catch (IOException e) {
            String whose = "volume " + plan.name() + ": ";
            String problem = e.getMessage().startsWith(whose) ? "" : whose;
            throw new ServiceFault(config.place() + ": " + problem + e.getMessage());
        }
        Volume volume =
                new Volume(
                        plan.name(),
                        cached(array),
                        all.stream().filter(m -> !m.isMissing()).map(LayoutMember::device).toList(),
                        lanes,
                        tracer,
                        StackOptions.ofVolume(config.order(), config.depth()),
                        context.io());
        return new OpenVolume(plan, volume, array, opener);
    }

    private BlockDevice cached(BlockDevice array) {
        return config.cacheBytes() == 0
                ? array
                : new ReadCache(
                        array,
                        new CacheOptions(config.cacheBytes(), config.readaheadBytes()),
                        context.io());
    }

    /// Opens the members; some may be missing as far as the layout can do without them.
    private List<LayoutMember> openMembers() throws ServiceFault {
        List<LayoutMember> opened = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<LayoutMember>> futures = new ArrayList<>();
            for (Placed<MemberPlan> member : plan.all()) {
                Callable<LayoutMember> task = () -> opener.open(member.plan());
                futures.add(threads.submit(task));
            }
            for (Future<LayoutMember> future : futures) {
                opened.add(future.get());
            }
        } catch (ExecutionException | CancellationException e) {
            throw new AssertionError("opening a member failed otherwise than by IOException", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ServiceFault("interrupted while volume %s was opened".formatted(plan.name()));
        }
        List<String> problems = problemsOf(opened);
        if (!problems.isEmpty()) {
            opened.stream().filter(m -> !m.isMissing()).forEach(m -> m.device().close());
            throw new ServiceFault(problems);
        }
        return opened;
    }

    /// What keeps the volume from being opened: members that the layout cannot do without.
    private List<String> problemsOf(List<LayoutMember> opened) {
        List<String> problems = new ArrayList<>();
        int present = 0;
        for (int i = 0; i < opened.size(); i++) {
            LayoutMember member = opened.get(i);
            if (!member.isMissing()) {
                present += i < plan.members().size() ? 1 : 0;
                continue;
            }
            String problem =
                    "%s: volume %s: %s"
                            .formatted(
                                    plan.all().get(i).place(),
                                    plan.name(),
                                    nameFirst(member.name(), member.problem()));
            problems.add(problem);
        }
        if (present < plan.layout().leastMembers()) {
            return problems;
        }
        problems.forEach(problem -> LOG.warn("{}; going on without it", problem));
        return List.of();
    }

    private static String nameFirst(String name, String problem) {
        String bare = name.replaceFirst("^file:", "").replaceFirst("\\?.*$", "");
        return problem.contains(bare.replaceFirst("^\\./", "")) ? problem : name + ": " + problem;
    }
}
