package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.MemberAccess;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.request.DeviceFault;

/// Looks after the members of an array once requests have failed: who cannot be read, who is back,
/// and whether what is back is the member that was there.
final class MemberWatch {
    private static final Logger LOG = LoggerFactory.getLogger(MemberWatch.class);
    private static final long LOOK_NANOS = 1_000_000_000L;

    /// What is wrong with a member.
    ///
    /// @param state UNAVAIL if it may come back by itself, else FAULTED
    /// @param isStranger whether something else answers in its place
    record Trouble(State state, String reason, Instant since, boolean isStranger) {
        Trouble since(Instant earlier) {
            return new Trouble(state, reason, earlier, isStranger);
        }
    }

    private final String volume;
    private final SpreadRecord record;
    private final BlockingLegs blocking;
    private final Map<UUID, Trouble> troubles = new ConcurrentHashMap<>();
    private final AtomicBoolean looking = new AtomicBoolean();
    private final AtomicLong failures = new AtomicLong();
    private volatile DeviceFault last;
    private volatile Instant lastAt = Instant.EPOCH;
    private volatile boolean closed;
    private volatile DeviceFault refusal;

    MemberWatch(String volume, SpreadRecord record, BlockingLegs blocking) {
        this.volume = volume;
        this.record = record;
        this.blocking = blocking;
    }

    /// A request has failed. On any thread.
    void noticed(DeviceFault fault) {
        switch (fault.kind()) {
            case IO, TIMED_OUT, DISCONNECTED -> {
                last = fault;
                lastAt = Instant.now();
                failures.incrementAndGet();
                if (!closed && looking.compareAndSet(false, true)) {
                    blocking.threads().start("uvol-watch-" + volume, this::look);
                }
            }
            case NO_SPACE, NOT_SUPPORTED, BAD_RANGE, READ_ONLY, NO_MEMORY, STOPPING -> {
                // says nothing of the member
            }
        }
    }

    void close() {
        closed = true;
    }

    /// What is wrong with a member; null if nothing is known.
    Trouble troubleOf(SpreadMember member) {
        return troubles.get(member.uuid());
    }

    /// Why no request may go down: a member is another one now. Null if none is.
    DeviceFault refusal() {
        return refusal;
    }

    /// What users should know of requests that have failed; empty if none have.
    String remark() {
        DeviceFault fault = last;
        return fault == null
                ? ""
                : "%d requests failed, last at %s: %s"
                        .formatted(failures.get(), lastAt, fault.getMessage());
    }

    private void look() {
        try {
            long seen;
            do {
                seen = failures.get();
                while (!closed && !lookAtAll()) {
                    blocking.sleep(LOOK_NANOS);
                }
                looking.set(false);
            } while (seen != failures.get() && !closed && looking.compareAndSet(false, true));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// @return whether all is well
    private boolean lookAtAll() {
        Map<UUID, Trouble> found = new HashMap<>();
        DeviceFault stranger = null;
        for (SpreadMember member : record.members()) {
            Trouble trouble = lookAt(member);
            if (trouble == null) {
                continue;
            }
            Trouble before = troubles.get(member.uuid());
            if (before == null) {
                LOG.error("volume {}: {}", volume, trouble.reason);
            } else {
                trouble = trouble.since(before.since);
            }
            found.put(member.uuid(), trouble);
            if (trouble.isStranger) {
                stranger = new DeviceFault(DeviceFault.Kind.IO, trouble.reason);
            }
        }
        refusal = stranger;
        if (found.isEmpty() && !troubles.isEmpty()) {
            LOG.info("volume {}: all members are back", volume);
        }
        troubles.putAll(found);
        troubles.keySet().retainAll(found.keySet());
        return found.isEmpty();
    }

    private Trouble lookAt(SpreadMember member) {
        try {
            SuperblockSlots slots =
                    SuperblockSlots.read(
                            new MemberAccess(member.device(), blocking), member.areas().place());
            Superblock carried = slots.current();
            if (carried == null || !carried.member().equals(member.uuid())) {
                String what =
                        carried == null
                                ? "no superblock of this array"
                                : "another member, of array " + carried.array().name();
                return new Trouble(
                        State.FAULTED,
                        "%s carries %s now".formatted(member.name(), what),
                        Instant.now(),
                        true);
            }
            return null;
        } catch (IOException e) {
            boolean isAway =
                    e.getCause() instanceof DeviceFault fault
                            && fault.kind() != DeviceFault.Kind.IO;
            return new Trouble(
                    isAway ? State.UNAVAIL : State.FAULTED, e.getMessage(), Instant.now(), false);
        }
    }
}
