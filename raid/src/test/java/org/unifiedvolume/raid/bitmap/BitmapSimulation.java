package org.unifiedvolume.raid.bitmap;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.VirtualTime;

/// A bitmap over legs that fail, leave and come back, with power cuts, on virtual time; after each
/// step the model tells whether the bits on disk cover all that may differ.
final class BitmapSimulation implements BitmapStore {
    /// What is wrong around the bitmap, to show that the simulation finds it.
    enum Bug {
        NONE,
        SENT_BEFORE_THE_BIT_IS_DURABLE,
        CLEARED_WITHOUT_FLUSH,
        CLEARED_WHILE_A_CHANGE_IS_UNDER_WAY,
        CLEARED_WHILE_A_LEG_IS_AWAY,
        FAULT_OF_A_BITMAP_WRITE_OVERLOOKED,
        TORN_BLOCK_TRUSTED,
        RETURNED_LEG_NOT_GIVEN_THE_BITMAP
    }

    private static final long REGION = 1 << 20;
    private static final int HOT = 12;
    private static final int STEPS = 400;

    private static final class Landing {
        private final int leg;
        private final int drops;
        private final int firstBlock;
        private final byte[] blocks;

        Landing(int leg, int drops, int firstBlock, byte[] blocks) {
            this.leg = leg;
            this.drops = drops;
            this.firstBlock = firstBlock;
            this.blocks = blocks;
        }
    }

    private final Bug bug;
    private final RandomGenerator random;
    private final VirtualTime time = new VirtualTime();
    private final int regions;
    private final ModelLegs legs;
    private final List<Landing> flying = new ArrayList<>();
    private WriteIntentBitmap bitmap;
    private int life;
    private boolean mayFail = true;
    private boolean writeUnderWay;
    private boolean[] rebuilding;

    /// How often each leg was dropped: what was begun before does not count after.
    private final int[] drops;
    private int asked;
    private int told;
    int cleared;
    int crashes;
    int failures;

    BitmapSimulation(long seed, Bug bug) {
        this.bug = bug;
        this.random = Seeds.random(seed);
        this.regions = random.nextInt(16) == 0 ? BitmapBlocks.REGIONS + HOT / 2 : HOT;
        this.legs = new ModelLegs(2 + random.nextInt(2), regions);
        this.rebuilding = new boolean[legs.count];
        this.drops = new int[legs.count];
    }

    void run() {
        start(List.of());
        for (int step = 0; step < STEPS; step++) {
            act();
            for (int i = random.nextInt(6); i > 0; i--) {
                time.step();
                legs.check("step " + step);
            }
            legs.check("step " + step);
        }
        finish();
    }

    private void act() {
        int kind = random.nextInt(100);
        if (kind < 70) {
            change();
        } else if (kind < 80) {
            time.advance(random.nextLong(12_000_000_000L));
        } else if (kind < 85) {
            markOne();
        } else if (kind < 90) {
            bringBack();
        } else if (kind < 93) {
            drop(random.nextInt(legs.count));
        } else if (kind < 95) {
            bitmap.keepDirty(true);
            later(() -> bitmap.keepDirty(false));
        } else if (kind < 97) {
            crash();
        }
    }

    // ----------------------------------------------------------------------------- clients

    private void change() {
        int first = regions - 1 - random.nextInt(HOT);
        int last = Math.min(regions - 1, first + random.nextInt(3));
        long row = first * REGION + random.nextInt(1000);
        long length = last * REGION + 1000 + random.nextInt(1000) - row;
        waitFor(waiter -> bitmap.enter(row, length, waiter), () -> send(first, last, row, length));
    }

    private void markOne() {
        int region = regions - 1 - random.nextInt(HOT);
        waitFor(
                waiter -> bitmap.mark(region * REGION, 1, waiter),
                () -> {
                    for (int leg = 0; leg < legs.count; leg++) {
                        boolean isDirty = legs.dirtyOn(leg).get(region);
                        check(
                                isDirty || !legs.takesChanges[leg],
                                "legs may differ in a marked region, which is clean");
                    }
                });
    }

    private interface Asking {
        boolean ask(WriteIntentBitmap.Waiter waiter);
    }

    private void waitFor(Asking asking, Runnable entered) {
        int mine = life;
        boolean[] answered = new boolean[1];
        asked++;
        Consumer<DeviceFault> tell =
                fault -> {
                    check(!answered[0], "a waiter was told twice");
                    answered[0] = true;
                    if (mine == life) {
                        told++;
                        if (fault == null) {
                            entered.run();
                        }
                    }
                };
        if (asking.ask(tell::accept)) {
            tell.accept(null);
        }
    }

    private void send(int first, int last, long row, long length) {
        ModelLegs.Change change = legs.send(first, last);
        legs.check("sent");
        int[] pending = {1};
        Runnable answered =
                () -> {
                    if (--pending[0] == 0) {
                        change.underWay = false;
                        if (bug != Bug.CLEARED_WHILE_A_CHANGE_IS_UNDER_WAY) {
                            bitmap.leave(row, length);
                        }
                    }
                };
        for (int leg = 0; leg < legs.count; leg++) {
            if (change.sentTo[leg]) {
                pending[0]++;
                int target = leg;
                int then = drops[leg];
                long slow = random.nextInt(8) == 0 ? 30_000_000_000L : 20_000_000L;
                after(
                        random.nextLong(slow),
                        () -> {
                            if (drops[target] == then) {
                                change.landed(target);
                            }
                            answered.run();
                        });
            }
        }
        answered.run();
        if (bug == Bug.CLEARED_WHILE_A_CHANGE_IS_UNDER_WAY) {
            bitmap.leave(row, length);
        }
    }

    // ------------------------------------------------------------------------------- legs

    private boolean allInSync() {
        for (int leg = 0; leg < legs.count; leg++) {
            if (!legs.takesChanges[leg] || rebuilding[leg]) {
                return false;
            }
        }
        return true;
    }

    private int here() {
        int here = 0;
        for (boolean one : legs.takesChanges) {
            here += one ? 1 : 0;
        }
        return here;
    }

    /// The last leg is never dropped.
    private boolean drop(int leg) {
        if (here() == 1 && legs.takesChanges[leg]) {
            return false;
        }
        legs.leave(leg);
        rebuilding[leg] = false;
        drops[leg]++;
        return true;
    }

    /// A leg that is back gets the bitmap, then changes, then the dirty regions.
    private void bringBack() {
        for (int leg = 0; leg < legs.count; leg++) {
            if (!legs.takesBitmap[leg]) {
                int back = leg;
                int now = drops[leg];
                legs.takesBitmap[leg] = true;
                rebuilding[leg] = true;
                Runnable rebuild =
                        () -> {
                            if (drops[back] == now) {
                                legs.takesChanges[back] = true;
                                rebuild(back, 0, now);
                            }
                        };
                if (bug == Bug.RETURNED_LEG_NOT_GIVEN_THE_BITMAP) {
                    rebuild.run();
                } else {
                    waitFor(
                            waiter -> {
                                bitmap.save(waiter);
                                return false;
                            },
                            rebuild);
                }
                return;
            }
        }
    }

    private void rebuild(int leg, long fromRow, int mine) {
        long row = bitmap.nextDirty(fromRow);
        if (drops[leg] != mine) {
            return;
        }
        if (row >= regions * REGION) {
            rebuilding[leg] = false;
            bitmap.mayClearAgain();
        } else if (legs.copy(leg, (int) (row / REGION))) {
            long next = Math.min(regions * REGION, (row / REGION + 1) * REGION);
            if (regions > HOT && row < (regions - 2 * HOT) * REGION) {
                next = (regions - 2 * HOT) * REGION;
            }
            long on = next;
            later(() -> rebuild(leg, on, mine));
        } else {
            later(() -> rebuild(leg, row, mine));
        }
    }

    // ------------------------------------------------------------------------------ store

    @Override
    public void write(int firstBlock, byte[] blocks, Consumer<DeviceFault> done) {
        check(!writeUnderWay, "a write of the bitmap did not wait for the one before");
        writeUnderWay = true;
        DeviceFault[] fault = new DeviceFault[1];
        int[] pending = {1};
        boolean early = bug == Bug.SENT_BEFORE_THE_BIT_IS_DURABLE;
        Runnable answered =
                () -> {
                    if (--pending[0] == 0) {
                        writeUnderWay = false;
                        if (!early) {
                            done.accept(fault[0]);
                        }
                    }
                };
        for (int leg = 0; leg < legs.count; leg++) {
            if (legs.takesBitmap[leg]) {
                pending[0]++;
                Landing landing = new Landing(leg, drops[leg], firstBlock, blocks);
                flying.add(landing);
                if (random.nextInt(4) == 0) {
                    land(landing, fault, answered);
                } else {
                    later(() -> land(landing, fault, answered));
                }
            }
        }
        answered.run();
        if (early) {
            writeUnderWay = false;
            done.accept(null);
        }
    }

    /// A leg that fails is dropped, if another one is left.
    private void land(Landing landing, DeviceFault[] fault, Runnable answered) {
        flying.remove(landing);
        int leg = landing.leg;
        boolean isHere = landing.drops == drops[leg];
        if (mayFail && isHere && random.nextInt(12) == 0) {
            failures++;
            if (random.nextBoolean()) {
                legs.tear(leg, landing.firstBlock, landing.blocks, random);
            }
            boolean isOverlooked = bug == Bug.FAULT_OF_A_BITMAP_WRITE_OVERLOOKED;
            if (!isOverlooked && (random.nextBoolean() || !drop(leg))) {
                fault[0] = new DeviceFault(DeviceFault.Kind.IO, "a leg lacks the bitmap");
            }
        } else if (isHere) {
            legs.write(leg, landing.firstBlock, landing.blocks);
        }
        answered.run();
    }

    @Override
    public void prepareClear(Consumer<Boolean> go) {
        boolean may = bug == Bug.CLEARED_WHILE_A_LEG_IS_AWAY || allInSync();
        if (!may) {
            if (random.nextBoolean()) {
                go.accept(false);
            } else {
                later(() -> go.accept(false));
            }
            return;
        }
        List<Runnable> flushed = new ArrayList<>();
        for (int leg = 0; leg < legs.count; leg++) {
            if (bug != Bug.CLEARED_WITHOUT_FLUSH && legs.takesChanges[leg]) {
                flushed.addAll(legs.flush(leg));
            }
        }
        later(
                () -> {
                    boolean still = bug == Bug.CLEARED_WHILE_A_LEG_IS_AWAY || allInSync();
                    if (still) {
                        flushed.forEach(Runnable::run);
                        cleared++;
                    }
                    go.accept(still);
                });
    }

    // --------------------------------------------------------------------------- lives

    private void start(List<byte[]> blocks) {
        writeUnderWay = false;
        flying.clear();
        bitmap =
                new WriteIntentBitmap(
                        ModelLegs.ARRAY, regions * REGION, REGION, this, timers(), 5_000_000_000L);
        bitmap.load(blocks);
        boolean mayFailLater = mayFail;
        mayFail = false;
        waitFor(
                waiter -> {
                    bitmap.save(waiter);
                    return false;
                },
                () -> {});
        int before = told;
        while (told == before && asked > told) {
            time.step();
        }
        mayFail = mayFailLater;
        bitmap.mayClearAgain();
    }

    private void crash() {
        crashes++;
        for (Landing landing : flying) {
            switch (random.nextInt(3)) {
                case 0 -> {}
                case 1 -> legs.write(landing.leg, landing.firstBlock, landing.blocks);
                default -> legs.tear(landing.leg, landing.firstBlock, landing.blocks, random);
            }
        }
        life++;
        asked = 0;
        told = 0;
        rebuilding = new boolean[legs.count];
        for (int leg = 0; leg < legs.count; leg++) {
            legs.takesBitmap[leg] = legs.takesChanges[leg];
            drops[leg]++;
        }
        BitSet dirty = new BitSet();
        List<byte[]> blocks = new ArrayList<>();
        for (int leg = 0; leg < legs.count; leg++) {
            if (legs.takesChanges[leg]) {
                if (bug == Bug.TORN_BLOCK_TRUSTED) {
                    trust(leg);
                }
                blocks.add(legs.bitmaps[leg].clone());
                dirty.or(legs.dirtyOn(leg));
            }
        }
        legs.check("after a power cut");
        legs.resync(dirty);
        start(blocks);
    }

    /// Takes whatever bits are there for good.
    private void trust(int leg) {
        byte[] area = legs.bitmaps[leg];
        for (int at = 0; at < area.length; at += BitmapBlocks.BLOCK_BYTES) {
            int block = at / BitmapBlocks.BLOCK_BYTES;
            byte[] bits = new byte[BitmapBlocks.BLOCK_BYTES - 8];
            System.arraycopy(area, at + 8, bits, 0, bits.length);
            BitSet dirty = new BitSet();
            BitSet here = BitSet.valueOf(bits);
            here.stream().forEach(region -> dirty.set(block * BitmapBlocks.REGIONS + region));
            legs.write(leg, block, BitmapBlocks.encode(ModelLegs.ARRAY, block, 1, dirty));
        }
    }

    /// When all goes well again, everything becomes clean and nothing is left to do.
    private void finish() {
        mayFail = false;
        bitmap.keepDirty(false);
        time.advance(100_000_000_000L);
        for (int i = 0; i < legs.count; i++) {
            drainReturning();
            bringBack();
            time.advance(100_000_000_000L);
        }
        bitmap.mayClearAgain();
        time.advance(100_000_000_000L);
        legs.check("at the end");
        check(asked == told, "%d waiters were told of %d".formatted(told, asked));
        check(allInSync(), "a leg is away");
        check(bitmap.dirtyBytes() == 0, "dirty at the end: " + bitmap.dirtyBytes());
        check(!time.step(), "an idle bitmap still has something to do");
        for (int leg = 0; leg < legs.count; leg++) {
            check(legs.dirtyOn(leg).isEmpty(), "dirty on disk at the end: leg " + leg);
        }
    }

    /// A leg whose return failed half way is away again.
    private void drainReturning() {
        for (int leg = 0; leg < legs.count; leg++) {
            if (!legs.takesChanges[leg] && legs.takesBitmap[leg]) {
                drop(leg);
            }
        }
    }

    // ----------------------------------------------------------------------------- time

    private void later(Runnable task) {
        after(random.nextLong(30_000_000L), task);
    }

    private void after(long nanos, Runnable task) {
        timers().after(nanos, task);
    }

    /// Time as one life of the array sees it: what it has planned dies with it.
    private Timers timers() {
        int mine = life;
        return new Timers() {
            @Override
            public long nanoTime() {
                return time.nanoTime();
            }

            @Override
            public Cancellable after(long delayNanos, Runnable task) {
                return time.after(
                        delayNanos,
                        () -> {
                            if (mine == life) {
                                task.run();
                            }
                        });
            }
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
