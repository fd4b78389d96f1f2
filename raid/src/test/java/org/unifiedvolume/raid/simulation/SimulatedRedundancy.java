package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashSet;
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
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.redundant.RedundantArray;
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

    /// Short, so that arrays of a few windows are small.
    private static final long WINDOW_BYTES = 256 << 10;

    /// What some arrays use of their legs at first, so that they can grow.
    private static final long USED_BYTES = 32L * VolumeSimulation.BLOCK_BYTES;

    private final SimulatedHost host;

    /// How many of the disks are written as members.
    private int roles;

    /// The disks that are written as spares, those included that somebody has brought in by hand.
    private final Set<SimulatedDisk> spares = new LinkedHashSet<>();

    private final SimulatedWitness witness;
    private final ArrayOptions options;
    private final ResyncWatch watch = new ResyncWatch();
    private final PossibleLosses losses;
    private Level level;

    /// @param hasChecksums whether its data carry checksums
    SimulatedRedundancy(SimulatedHost host, boolean hasChecksums) {
        this.host = host;
        this.losses = new PossibleLosses(isParity());
        Random random = host.random();
        this.witness = new SimulatedWitness(host.rig().time, random);
        witness.setSlowestNanos(random.nextBoolean() ? 3_000_000 : 300_000_000);
        ArrayOptions usual = ArrayOptions.DEFAULT;
        this.options =
                new ArrayOptions(
                        random.nextInt(3) == 0 ? USED_BYTES : 0,
                        random.nextInt(4) == 0 ? MetadataPlace.END : MetadataPlace.START,
                        random.nextInt(8) > 0,
                        hasChecksums,
                        false,
                        null,
                        false,
                        "",
                        null,
                        random.nextLong(400_000_000),
                        new JobOptions(
                                0,
                                host.isLarge() ? CHECKPOINT_BYTES : usual.jobs().checkpointBytes(),
                                WINDOW_BYTES));
    }

    /// Brings in the disks: legs, sometimes a spare, sometimes one that is nobody's yet.
    final void addDisks(int legs, SimulatedDisk.Size size) {
        roles = legs;
        for (int i = 0; i < legs; i++) {
            host.addDisk(size);
        }
        if (host.isLarge()) {
            return;
        }
        if (host.random().nextInt(3) > 0) {
            spares.add(host.addDisk(size));
        }
        if (host.random().nextInt(3) > 0) {
            host.addDisk(size);
        }
    }

    final SimulatedHost host() {
        return host;
    }

    /// The level over members of these names.
    abstract LevelPlan plan(List<String> names);

    @Override
    public final long sizeBytes() {
        return sizeUsing(options.sizeBytes(), roles);
    }

    @Override
    public final long mostBytes() {
        return sizeUsing(0, mostRoles());
    }

    /// How many legs it can have whose bytes are its own.
    int mostRoles() {
        return roles;
    }

    /// @param usedBytes how much of each leg is used; 0 for all
    private long sizeUsing(long usedBytes, int legs) {
        long least = Long.MAX_VALUE;
        int block = 1;
        for (SimulatedDisk disk : host.disks()) {
            MemberLayout.Wishes wishes =
                    new MemberLayout.Wishes(
                            options.bitmap(),
                            plan(List.of()).hasJournal() ? -1 : 0,
                            options.integrity());
            MemberAreas areas =
                    MemberLayout.plan(disk.size().sizeBytes(), options.metadata(), wishes);
            least = Math.min(least, areas.data().length());
            block = disk.size().blockBytes();
        }
        least = usedBytes == 0 ? least : usedBytes;
        try {
            return plan(List.of()).describe(new UUID(0, 0), "v", legs, least, block, 0).sizeBytes();
        } catch (IOException e) {
            throw new AssertionError("the disks are too small for the simulation", e);
        }
    }

    final boolean hasChecksums() {
        return options.integrity();
    }

    /// What its disks may do beside failing requests.
    final Set<DiskFault> borne() {
        Set<DiskFault> borne =
                Promises.honestAnd(
                        DiskFault.MISSING, DiskFault.FORGET, DiskFault.SET_BACK, DiskFault.SWAP);
        if (hasChecksums()) {
            borne.addAll(Set.of(DiskFault.ROT, DiskFault.MISDIRECTED_WRITE, DiskFault.LOST_WRITE));
        }
        return borne;
    }

    @Override
    public final BlockDevice startDegraded(String word) throws IOException {
        return start(Set.of(), options.withDegraded(word));
    }

    @Override
    public BlockDevice start(Set<SimulatedDisk> missing, boolean isNew) throws IOException {
        return start(missing, options);
    }

    private BlockDevice start(Set<SimulatedDisk> missing, ArrayOptions chosen) throws IOException {
        witness.usedBy(host.threads());
        List<LayoutMember> members = opened(host.disks().subList(0, roles), missing);
        Random random = host.random();
        new DirtyOnDisk(options.metadata()).tell(host.disks(), watch);
        BlockDevice array =
                new ArrayStart(
                                members,
                                opened(spares, missing),
                                new DecoratedPlan(
                                        plan(members.stream().map(LayoutMember::name).toList()),
                                        this::decorated),
                                chosen,
                                host.rig().context(),
                                host.planting()
                                        .surroundings(
                                                new Surroundings(
                                                        host.threads(),
                                                        witness,
                                                        random::nextLong,
                                                        () ->
                                                                host.rig().time.nanoTime()
                                                                        / 1_000_000)))
                        .open();
        started(array);
        return array;
    }

    private Level decorated(Level real) {
        level = watch.over(host.planting().level(real));
        return level;
    }

    /// Whether rows of all legs belong together.
    boolean isParity() {
        return false;
    }

    @Override
    public final PossibleLosses losses() {
        return losses;
    }

    /// All copies of a block, or all of a row.
    @Override
    public final PossibleLosses.Stroke stroke(BlockDevice device) {
        Random misfortune = host.misfortune();
        List<String> names =
                device.status().children().stream()
                        .filter(child -> !child.kind().equals("spare"))
                        .filter(child -> !child.kind().equals("replacement"))
                        .map(DeviceStatus::name)
                        .toList();
        long block = VolumeSimulation.BLOCK_BYTES;
        long row = misfortune.nextLong(level.rowBytes() / block) * block;
        Level.Use hit = level.useOf(misfortune.nextInt(names.size()), row, block);
        if (hit == null || (hit.offsetBytes() < 0 && !isParity())) {
            return null;
        }
        BitSet sectors = new BitSet();
        List<PossibleLosses.Place> places = new ArrayList<>();
        for (int role = 0; role < names.size(); role++) {
            for (long at = 0; at < level.rowBytes(); at += block) {
                Level.Use use = level.useOf(role, at, block);
                boolean isMeant = isParity() ? at == row : use.offsetBytes() == hit.offsetBytes();
                if (isMeant && use.offsetBytes() >= 0) {
                    sectors.set((int) (use.offsetBytes() / block));
                }
                if (isMeant) {
                    addPlace(places, names.get(role), role, at);
                }
            }
        }
        return new PossibleLosses.Stroke(sectors, places);
    }

    private void addPlace(List<PossibleLosses.Place> places, String name, int role, long row) {
        for (SimulatedDisk disk : host.disks()) {
            if (disk.name().equals(name)) {
                long data = new DirtyOnDisk(options.metadata()).dataOffset(disk);
                if (data >= 0) {
                    places.add(new PossibleLosses.Place(disk, data + row, role, row));
                }
            }
        }
    }

    /// It has been started in a new process.
    void started(BlockDevice array) {
        // most levels stay as they are
    }

    /// A mirror is given one more leg: any disk that it does not use, or a spare.
    final void addLeg(ManagedArray array, int count, SimulatedDisk disk) throws IOException {
        if (host.variety().nextInt(3) == 0) {
            array.setLegs(count, List.of(), List.of(), true);
            return;
        }
        LayoutMember fresh =
                bringIn(array.memberNames().contains(disk.name()) ? someDisk(array) : disk);
        taking(fresh, () -> array.setLegs(count, List.of(fresh), List.of(), true));
    }

    private LayoutMember member(SimulatedDisk disk) {
        return host.isLarge()
                ? host.member(disk, watch.over(disk.name(), disk.open(host.rig().io)))
                : host.member(disk);
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

    private List<LayoutMember> opened(Collection<SimulatedDisk> disks, Set<SimulatedDisk> missing) {
        return disks.stream()
                .map(disk -> missing.contains(disk) ? host.missing(disk) : member(disk))
                .toList();
    }

    @Override
    public final boolean isWritten(SimulatedDisk disk) {
        return host.disks().indexOf(disk) < roles || spares.contains(disk);
    }

    /// Whoever brings in a disk by hand writes it into the configuration.
    private LayoutMember bringIn(SimulatedDisk disk) {
        if (host.disks().indexOf(disk) >= roles) {
            spares.add(disk);
        }
        return host.member(disk);
    }

    @Override
    public List<Command> commands(BlockDevice array) {
        ManagedArray managed = (ManagedArray) array;
        Command fail = new Command("fail", false, disk -> managed.fail(disk.name()));
        Command readd = new Command("re-add", true, disk -> managed.readd(disk.name(), false));
        Command scrub = new Command("scrub", false, _ -> managed.scrub(false, 0));
        Command repair = new Command("scrub --repair", false, _ -> managed.scrub(true, 0));
        Command replace = new Command("replace", true, disk -> replace(managed, disk, disk));
        Command renew =
                new Command(
                        "replace by another",
                        true,
                        disk -> replace(managed, disk, someDisk(managed)));
        Command remove = new Command("remove", false, disk -> managed.remove(disk.name()));
        Command add = new Command("add", true, disk -> add(managed, disk));
        Command grow = new Command("grow", false, _ -> managed.grow(0));
        Command afresh =
                new Command(
                        "replace",
                        true,
                        disk -> {
                            watch.replaced(disk.name());
                            LayoutMember fresh = newMember(disk);
                            taking(fresh, () -> managed.replace(disk.name(), fresh, true));
                        });
        if (host.isLarge()) {
            return List.of(fail, readd, afresh, afresh, afresh, scrub);
        }
        List<Command> all =
                new ArrayList<>(
                        List.of(
                                grow, fail, readd, readd, readd, replace, renew, renew, renew,
                                remove, add, add, scrub, repair));
        all.addAll(moreCommands(managed));
        return all;
    }

    /// What may be asked of arrays of this level only.
    List<Command> moreCommands(ManagedArray array) {
        return List.of();
    }

    /// Has the array laid out over one or two disks more, if there are any that it does not use.
    final void widen(ManagedArray array) throws IOException {
        List<SimulatedDisk> free =
                host.disks().stream()
                        .filter(disk -> !array.memberNames().contains(disk.name()))
                        .limit(1 + host.random().nextInt(2))
                        .toList();
        List<LayoutMember> fresh = new ArrayList<>();
        for (SimulatedDisk disk : free) {
            host.log().note("admin", "%s is to be one more member", disk.name());
            fresh.add(bringIn(disk));
        }
        boolean taken = false;
        try {
            array.extend(fresh, true, 0);
            taken = true;
        } finally {
            if (!taken) {
                fresh.forEach(member -> member.device().close());
            }
        }
    }

    @Override
    public BlockDevice forClients(BlockDevice array) {
        return watch.over(array);
    }

    @Override
    public void checkLife() {
        if (host.isLarge()) {
            watch.check();
        }
    }

    @Override
    public void checkAgreement(BlockDevice array) throws IOException {
        if (array.status().state() == State.RESHAPING) {
            throw new AssertionError("a reshape does not end: " + array.status().reason());
        }
        if (array.status().state() != State.ONLINE) {
            return; // a leg is away for good
        }
        ManagedArray managed = (ManagedArray) array;
        if (hasChecksums() || losses.wereAny()) {
            scrub(managed, true); // nobody may have read what has gone wrong
        }
        Map<?, ?> scrub = scrub(managed, false);
        if (!scrub.get("ended").equals(true) || !scrub.get("wrong").equals(0L)) {
            throw new AssertionError(
                    "sectors of legs do not agree, though nobody changes them: a scrub says "
                            + scrub);
        }
    }

    private Map<?, ?> scrub(ManagedArray array, boolean repairs) throws IOException {
        array.scrub(repairs, 0);
        host.rig().time.advance(SCRUB_NANOS);
        return ((List<?>) array.detail().get("jobs"))
                .stream()
                        .map(job -> (Map<?, ?>) job)
                        .filter(job -> job.get("name").equals("scrub"))
                        .findAny()
                        .orElseThrow();
    }

    @Override
    public ResyncWatch.Totals resynced() {
        return watch.totals();
    }

    /// A disk that the array does not use, if there is one.
    private SimulatedDisk someDisk(ManagedArray array) {
        List<SimulatedDisk> free =
                host.disks().stream()
                        .filter(disk -> !array.memberNames().contains(disk.name()))
                        .toList();
        List<SimulatedDisk> from = free.isEmpty() ? host.disks() : free;
        return from.get(host.random().nextInt(from.size()));
    }

    private void replace(ManagedArray array, SimulatedDisk old, SimulatedDisk by)
            throws IOException {
        host.log().note("admin", "%s is to be replaced by %s", old.name(), by.name());
        LayoutMember fresh = bringIn(by);
        taking(fresh, () -> array.replace(old.name(), fresh, true));
    }

    private void add(ManagedArray array, SimulatedDisk disk) throws IOException {
        LayoutMember fresh = bringIn(disk);
        taking(fresh, () -> array.add(fresh, true));
    }

    private interface Deed {
        void run() throws IOException;
    }

    /// Who is not taken in is closed again, as the service does.
    private static void taking(LayoutMember fresh, Deed deed) throws IOException {
        boolean taken = false;
        try {
            deed.run();
            taken = true;
        } finally {
            if (!taken) {
                fresh.device().close();
            }
        }
    }

    /// The blocks that somebody was changing have no checksum to tell which leg is right.
    @Override
    public final boolean isInDoubt(BlockDevice device) {
        return hasChecksums() && ((RedundantArray) device).roles().isMeasured();
    }

    @Override
    public boolean isComplete(DeviceStatus leg) {
        return leg.state() == State.ONLINE
                || leg.state() == State.DEGRADED
                || leg.state() == State.SPARE;
    }

    @Override
    public void processEnded() {
        witness.powerCut();
    }
}
