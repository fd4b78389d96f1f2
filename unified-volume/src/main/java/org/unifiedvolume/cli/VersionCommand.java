package org.unifiedvolume.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `uvol version`: which release this is, and on what it runs.
@Command(
        name = "version",
        description = "Says which release this is.",
        footer = {"", "Example:", "  uvol version"})
final class VersionCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().getOut().println(text());
        return Main.DONE;
    }

    static String text() {
        String version = Main.class.getPackage().getImplementationVersion();
        return "uvol %s, Java %s, %s %s"
                .formatted(
                        version == null ? "(not packaged)" : version,
                        Runtime.version(),
                        System.getProperty("os.name"),
                        System.getProperty("os.version"));
    }
}
