package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.ArrayStart;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.redundant.SimulatedWitness;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.testkit.DiskFault;
import org.unifiedvolume.testkit.SimulatedDisk;

/// An array with redundancy, whatever its level: superblocks and bitmap on its disks, a witness on
/// its host.
abstract class SimulatedRedundancy implements SimulatedArray {
    private static final long SCRUB_NANOS = 20_000_000_000L;
    private static final long CHECKPOINT_BYTES = 256 << 10;

    private final SimulatedHost host;
    private final SimulatedWitness witness;
    private final ArrayOptions options;
    private final ResyncWatch watch = new ResyncWatch();

    SimulatedRedundancy(SimulatedHost host) {
        this.host = host;
        Random random = host.random();
        this.witness = new SimulatedWitness(host.rig().time, random);
        witness.setSlowestNanos(random.nextBoolean() ? 3_000_000 : 300_000_000);
        ArrayOptions usual = ArrayOptions.DEFAULT;
        this.options =
                new ArrayOptions(
                        0,
                        random.nextInt(4) == 0 ? MetadataPlace.END : MetadataPlace.START,
                        random.nextInt(8) > 0,
                        false,
                        null,
                        false,
                        false,
                        null,
                        host.isLarge() ? new JobOptions(0, CHECKPOINT_BYTES) : usual.jobs());
    }

    final SimulatedHost host() {
        return host;
    }

    /// The level over members of these names.
    abstract LevelPlan plan(List<String> names);

    @Override
    public final long sizeBytes() {
        long least = Long.MAX_VALUE;
        int block = 1;
        for (SimulatedDisk disk : host.disks()) {
            MemberLayout.Wishes wishes =
                    new MemberLayout.Wishes(
                            options.bitmap(), plan(List.of()).hasJournal() ? -1 : 0);
            MemberAreas areas =
                    MemberLayout.plan(disk.size().sizeBytes(), options.metadata(), wishes);
            least = Math.min(least, areas.data().length());
            block = disk.size().blockBytes();
        }
        try {
            return plan(List.of())
                    .describe(new UUID(0, 0), "v", host.disks().size(), least, block, 0)
                    .sizeBytes();
        } catch (IOException e) {
            throw new AssertionError("the disks are too small for the simulation", e);
        }
    }

    /// What its disks may do beside failing requests.
    static Set<DiskFault> borne() {
        return Promises.honestAnd(
                DiskFault.MISSING, DiskFault.FORGET, DiskFault.SET_BACK, DiskFault.SWAP);
    }

    @Override
    public BlockDevice start(Set<SimulatedDisk> missing, boolean isNew) throws IOException {
        witness.usedBy(host.threads());
        List<LayoutMember> members =
                host.disks().stream()
                        .map(disk -> missing.contains(disk) ? host.missing(disk) : member(disk))
                        .toList();
        Random random = host.random();
        new DirtyOnDisk(options.metadata()).tell(host.disks(), watch);
        return new ArrayStart(
                        members,
                        new DecoratedPlan(
                                plan(members.stream().map(LayoutMember::name).toList()),
                                level -> watch.over(host.planting().level(level))),
                        options,
                        host.rig().context(),
                        host.planting()
                                .surroundings(
                                        new Surroundings(
                                                host.threads(),
                                                witness,
                                                random::nextLong,
                                                () -> host.rig().time.nanoTime() / 1_000_000)))
                .open();
    }

    private LayoutMember member(SimulatedDisk disk) {
        return host.member(disk, watch.over(disk.name(), disk.open(host.rig().io)));
    }

    /// Another disk in the place of one: it is there from the moment on in which the array, having
    /// done with the old one, writes to it.
    private LayoutMember newMember(SimulatedDisk disk) {
        boolean[] isNew = new boolean[1];
        TappedDevice device =
                new TappedDevice(
                        watch.over(disk.name(), disk.open(host.rig().io)),
                        (below, request, done) -> {
                            if (!isNew[0] && request.tag().operation().changesData()) {
                                isNew[0] = true;
                                disk.renew();
                            }
                            below.submit(request, done);
                        });
        return host.member(disk, device);
    }

    @Override
    public List<Command> commands(BlockDevice array) {
        ManagedArray managed = (ManagedArray) array;
        Command fail = new Command("fail", false, disk -> managed.fail(disk.name()));
        Command readd = new Command("re-add", true, disk -> managed.readd(disk.name(), false));
        Command scrub = new Command("scrub", false, _ -> managed.scrub(false, 0));
        Command repair = new Command("scrub --repair", false, _ -> managed.scrub(true, 0));
        Command replace =
                new Command(
                        "replace",
                        true,
                        disk -> {
                            watch.replaced(disk.name());
                            managed.replace(disk.name(), newMember(disk), true);
                        });
        return host.isLarge()
                ? List.of(fail, readd, replace, replace, replace, scrub)
                : List.of(fail, readd, readd, readd, replace, scrub, repair);
    }

    @Override
    public BlockDevice forClients(BlockDevice array) {
        return watch.over(array);
    }

    @Override
    public void checkLife() {
        watch.check();
    }

    @Override
    public void checkAgreement(BlockDevice array) throws IOException {
        if (array.status().state() != State.ONLINE) {
            return; // a leg is away for good
        }
        ManagedArray managed = (ManagedArray) array;
        managed.scrub(false, 0);
        host.rig().time.advance(SCRUB_NANOS);
        Map<?, ?> scrub =
                ((List<?>) managed.detail().get("jobs"))
                        .stream()
                                .map(job -> (Map<?, ?>) job)
                                .filter(job -> job.get("name").equals("scrub"))
                                .findAny()
                                .orElseThrow();
        if (!scrub.get("ended").equals(true) || !scrub.get("wrong").equals(0L)) {
            throw new AssertionError(
                    "sectors of legs do not agree, though nobody changes them: a scrub says "
                            + scrub);
        }
    }

    @Override
    public ResyncWatch.Totals resynced() {
        return watch.totals();
    }

    @Override
    public boolean isComplete(DeviceStatus leg) {
        return leg.state() == State.ONLINE || leg.state() == State.DEGRADED;
    }

    @Override
    public void processEnded() {
        witness.powerCut();
    }
}
