package org.unifiedvolume.raid.simulation;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/// The program behind `./uvol-sim`: runs any number of seeds on several threads and tells what came
/// of them.
///
/// Exit status: 0 if all promises were kept, 1 if one was broken, 2 for wrong usage.
public final class Simulator {
    private final PrintStream out;
    private final Set<Level> levels = EnumSet.noneOf(Level.class);
    private long seeds = 1000;
    private long from;
    private int threads = Runtime.getRuntime().availableProcessors();
    private int events = 120;
    private boolean keepsGoing;
    private final Set<PlantedBug> bugs = EnumSet.noneOf(PlantedBug.class);

    private Simulator(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Simulator simulator = new Simulator(System.out);
        int status;
        try {
            status = simulator.parse(arguments) ? simulator.run() : 0;
        } catch (IllegalArgumentException e) {
            System.err.println("uvol-sim: " + e.getMessage());
            System.err.print(usage());
            status = 2;
        }
        System.exit(status);
    }

    private static String usage() {
        List<String> names = List.of(Level.values()).stream().map(Level::toString).toList();
        return """
            usage: ./uvol-sim [--seeds N] [--from S] [--level LEVEL]... [--threads T] [--keep-going]
                   ./uvol-sim --bugs | --bug NAME... [--seeds N] [--from S]

            Runs volumes over simulated disks that do everything disks may do, one run for each seed,
            and checks what docs/safety.md promises. Prints for each level: seeds per second, lives,
            requests, faults by kind; on failure the seed, the broken promise, the last events of that
            run, and the command that repeats it.

              --seeds N      how many seeds (1000)
              --from S       the first seed (0)
              --level LEVEL  only this level: %s
              --threads T    so many at once (one for each processor)
              --keep-going   go on after a failure, and count them
              --trace N      how many events of a failed run are shown (120)
              --bugs         plant bugs and tell how many seeds it takes to find each
              --bug NAME     only this one: %s
            """
                .formatted(
                        String.join(", ", names),
                        List.of(PlantedBug.values()).stream()
                                .map(PlantedBug::toString)
                                .collect(Collectors.joining(", ")));
    }

    /// @return whether there is something to run
    private boolean parse(String[] arguments) {
        for (int i = 0; i < arguments.length; i++) {
            String option = arguments[i];
            switch (option) {
                case "--seeds" -> seeds = number(arguments, ++i, 1);
                case "--from" -> from = number(arguments, ++i, 0);
                case "--threads" -> threads = (int) number(arguments, ++i, 1);
                case "--trace" -> events = (int) number(arguments, ++i, 1);
                case "--level" -> levels.add(level(value(arguments, ++i)));
                case "--keep-going" -> keepsGoing = true;
                case "--bugs" -> bugs.addAll(EnumSet.allOf(PlantedBug.class));
                case "--bug" -> bugs.add(bug(value(arguments, ++i)));
                case "--help", "-h", "help" -> {
                    out.print(usage());
                    return false;
                }
                default -> throw new IllegalArgumentException("what is " + option + "?");
            }
        }
        if (levels.isEmpty()) {
            levels.addAll(EnumSet.allOf(Level.class));
        }
        return true;
    }

    private static String value(String[] arguments, int at) {
        if (at == arguments.length) {
            throw new IllegalArgumentException(arguments[at - 1] + " needs a value");
        }
        return arguments[at];
    }

    private static long number(String[] arguments, int at, long least) {
        String text = value(arguments, at);
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= Integer.MAX_VALUE * 1000L) {
                return number;
            }
        } catch (NumberFormatException e) {
            // is told below
        }
        throw new IllegalArgumentException(
                "%s needs a number, %d or more, not '%s'"
                        .formatted(arguments[at - 1], least, text));
    }

    private static Level level(String name) {
        for (Level level : Level.values()) {
            if (level.toString().equals(name)) {
                return level;
            }
        }
        throw new IllegalArgumentException("there is no level " + name);
    }

    private static PlantedBug bug(String name) {
        for (PlantedBug bug : PlantedBug.values()) {
            if (bug.toString().equals(name)) {
                return bug;
            }
        }
        throw new IllegalArgumentException("there is no bug " + name);
    }

    private int run() throws InterruptedException {
        // Simulated processes run on virtual threads, and a seed on one of its own: turns are
        // handed over without the operating system.
        System.setProperty("jdk.virtualThreadScheduler.parallelism", Integer.toString(threads));
        System.setProperty("jdk.virtualThreadScheduler.maxPoolSize", Integer.toString(threads));
        return bugs.isEmpty() ? runLevels() : runBugs();
    }

    private int runLevels() throws InterruptedException {
        boolean isKept = true;
        for (Level level : levels) {
            Campaign campaign = new Campaign(level, from, seeds, keepsGoing);
            campaign.run(threads);
            out.print(campaign.report());
            if (campaign.firstFailure() != null) {
                isKept = false;
                explain(campaign.firstFailure());
            }
        }
        return isKept ? 0 : 1;
    }

    /// Repeats a failed run to see what led to it.
    private void explain(SimulationRun failed) throws InterruptedException {
        List<SimulationRun> again = new ArrayList<>();
        Thread.ofVirtual().start(() -> again.add(repeat(failed))).join();
        SimulationRun run = again.getFirst();
        out.printf("  the first one was seed %d:%n", failed.seed());
        if (run.isKept() || !run.broken().getMessage().equals(failed.broken().getMessage())) {
            out.printf(
                    "  the repetition went another way: %s%n",
                    run.isKept() ? "all promises kept" : run.broken().getMessage());
        }
        out.printf("  the last events:%n");
        run.trace().forEach(event -> out.printf("    %s%n", event));
        failed.broken().printStackTrace(out);
        out.printf("  to see it again: %s%n", failed.command());
    }

    private SimulationRun repeat(SimulationRun failed) {
        return SimulationRun.traced(failed.level(), failed.seed(), Planting.Seed.NONE, events);
    }

    private int runBugs() throws InterruptedException {
        boolean allFound = true;
        for (PlantedBug bug : bugs) {
            int[] found = new int[1];
            int atMost = (int) Math.min(seeds, Integer.MAX_VALUE);
            Thread.ofVirtual().start(() -> found[0] = bug.seedsUntilFound(from, atMost)).join();
            out.printf(
                    Locale.ROOT,
                    "%-7s %-20s %-60s %s%n",
                    bug.level(),
                    bug,
                    bug.what(),
                    found[0] == 0 ? "NOT FOUND" : found[0] + (found[0] == 1 ? " seed" : " seeds"));
            allFound &= found[0] > 0;
        }
        return allFound ? 0 : 1;
    }
}
