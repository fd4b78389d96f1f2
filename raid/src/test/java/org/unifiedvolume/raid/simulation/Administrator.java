package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.redundant.SimulatedThreads;
import org.unifiedvolume.raid.simulation.SimulatedArray.Command;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;

/// Somebody who mends disks and gives commands, now and then, while clients go on.
final class Administrator {
    private final SimulatedHost host;
    private final SimulatedArray array;
    private final Random random;

    Administrator(SimulatedHost host, SimulatedArray array) {
        this.host = host;
        this.array = array;
        this.random = host.random();
    }

    /// Begins to work in one life.
    void begin(BlockDevice device, FaultPlan plan) {
        List<Command> commands = array.commands(device);
        if (commands.isEmpty()) {
            return;
        }
        SimulatedThreads threads = host.threads();
        int tries = random.nextInt(4);
        // Sometimes late enough to meet a leg that has not answered within its deadline.
        long patienceNanos = random.nextBoolean() ? 150_000_000 : 2_500_000_000L;
        threads.start(
                "administrator",
                () -> {
                    for (int i = 0; i < tries; i++) {
                        threads.await(
                                done ->
                                        host.rig()
                                                .time
                                                .after(random.nextLong(patienceNanos), done));
                        SimulatedDisk disk = plan.anyVictim();
                        if (disk != null) {
                            Command usual = commands.get(random.nextInt(commands.size()));
                            give(rareOr(usual, array.rareCommands(device)), disk);
                        }
                    }
                });
    }

    private Command rareOr(Command usual, List<Command> rare) {
        Random variety = host.variety();
        return rare.isEmpty() || variety.nextInt(3) > 0
                ? usual
                : rare.get(variety.nextInt(rare.size()));
    }

    private void give(Command command, SimulatedDisk disk) {
        if (command.mendsFirst()) {
            disk.setOffline(false);
            disk.setFaults(Faults.NONE);
        }
        host.log().note("admin", "%s %s", command.name(), disk.name());
        try {
            command.action().run(disk);
            host.log().note("admin", "%s %s: done", command.name(), disk.name());
        } catch (IOException e) {
            // In use, missing, or the last good one: the array is right to refuse.
            host.log().note("admin", "%s %s: %s", command.name(), disk.name(), e.getMessage());
        }
    }
}
