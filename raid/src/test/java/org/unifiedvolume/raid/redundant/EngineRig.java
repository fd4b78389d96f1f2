package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.stack.OrderPolicy.Named;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;

/// The real engine over given devices and a level under test, without superblocks and bitmap: the
/// states of the legs live in the test, and are durable at once.
public final class EngineRig implements AutoCloseable {
    private final SimulatedThreads threads;
    private final Legs legs;
    private final RedundantArray array;
    private LegState[] saved;
    private boolean isDead;

    /// @param devices by role; null for a missing one
    /// @param states by role
    /// @param measured whether the array was not stopped in step
    public EngineRig(
            VirtualTime time,
            IoContext io,
            List<? extends BlockDevice> devices,
            LegState[] states,
            Level level,
            long dataOffset,
            boolean measured) {
        this.threads = new SimulatedThreads(time);
        this.saved = states.clone();
        Tracer tracer = new Tracer(time);
        Lanes lanes = new Lanes();
        List<Leg> all = new ArrayList<>();
        List<ArrayState.Entry> entries = new ArrayList<>();
        BlockDevice any = null;
        for (int role = 0; role < devices.size(); role++) {
            BlockDevice device = devices.get(role);
            any = device == null ? any : device;
            String name = "m" + role;
            LayoutMember opened =
                    device == null
                            ? LayoutMember.missing(name, Locality.LOCAL, "gone")
                            : LayoutMember.of(
                                    new Member(
                                            name,
                                            device.locality(Operation.READ, 0, 1),
                                            device,
                                            StackOptions.ofMember(Named.FIFO, 64, 0),
                                            io,
                                            lanes,
                                            tracer));
            UUID uuid = new UUID(7, role);
            LegState state = states[role];
            all.add(
                    new Leg(
                            role,
                            new LegMember(opened, uuid, dataOffset, null, null, null),
                            state,
                            "",
                            Instant.EPOCH,
                            state.isComplete() ? level.rowBytes() : 0));
            entries.add(new ArrayState.Entry(uuid, role, name, state.recorded(), 0, 0, 0));
        }
        ArrayState start =
                new ArrayState(1, new Epoch(1, 1), List.of(), !measured, 0, 0, entries, List.of());
        StateKeeper keeper =
                new StateKeeper(
                        new StateStore() {
                            @Override
                            public String place() {
                                return "v";
                            }

                            @Override
                            public void save(ArrayState state) {
                                if (!isDead) {
                                    for (int i = 0; i < saved.length; i++) {
                                        saved[i] = LegState.of(state.legs().get(i).state());
                                    }
                                }
                            }
                        },
                        threads);
        this.legs = new Legs("v", level, start, all, measured, keeper, () -> 5);
        BlockingLegs blocking = new BlockingLegs(io, threads);
        DeviceShape shape = level.shape(any.shape().withSize(level.sizeBytes()));
        this.array =
                new RedundantArray(
                        "v",
                        level,
                        legs,
                        shape,
                        blocking,
                        null,
                        leg -> new LegReader.Returned(leg.member(), false),
                        ArrayOptions.DEFAULT);
    }

    /// Opens the level and starts what jobs there are.
    public EngineRig begin(boolean wasClean) throws IOException {
        array.begin(wasClean);
        return this;
    }

    public RedundantArray array() {
        return array;
    }

    /// What superblocks would say of the legs.
    public LegState[] savedStates() {
        return saved.clone();
    }

    public boolean isComplete(int role) {
        return array.roles().isComplete(role);
    }

    public boolean isMeasured() {
        return legs.isMeasured();
    }

    /// Drops a leg as if it had failed.
    public void drop(int role) {
        DeviceFault[] faults = new DeviceFault[legs.all().size()];
        faults[role] = new DeviceFault(DeviceFault.Kind.IO, "dropped by the test");
        legs.settle(faults);
    }

    /// Takes a dropped leg in again, in the background.
    public void readd(int role) {
        threads.start(
                "readd",
                () -> {
                    try {
                        array.readd("m" + role, false);
                    } catch (IOException e) {
                        // it is in use again already, or has failed again
                    }
                });
    }

    public long scrub(boolean repairs) throws DeviceFault, InterruptedException {
        return array.level().scrub(array, 0, array.level().rowBytes(), repairs);
    }

    /// The process is killed: nothing that it still does counts.
    public void kill() {
        isDead = true;
        threads.kill();
    }

    @Override
    public void close() {
        array.close();
    }
}
