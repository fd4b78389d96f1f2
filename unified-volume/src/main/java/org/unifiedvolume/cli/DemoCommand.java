package org.unifiedvolume.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `uvol demo`: the main job, in a scratch folder.
@Command(
        name = "demo",
        description = "Shows the main job, in a scratch folder.",
        footer = {"", "Examples:", "  uvol demo"})
final class DemoCommand implements Callable<Integer> {

    @Option(names = "--once", description = "Check itself and exit.")
    private boolean once;

    @Override
    public Integer call() {
        return once ? Main.FAILED : Main.DONE;
    }
}
