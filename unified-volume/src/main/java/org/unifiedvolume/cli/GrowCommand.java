package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `uvol grow NAME --size max`: uses more of the members.
@Command(
        name = "grow",
        description = {
            "Lets an array use more of its members while it works, after these were replaced by"
                    + " larger ones, or enlarged while the service was stopped.",
            "",
            "FUSE clients see the new size within a second, NBD clients when they connect anew. What"
                    + " stands on the volume has to be grown after that: a loop device by losetup -c,"
                    + " a filesystem by resize2fs."
        },
        footer = {
            "",
            "Examples:",
            "  uvol grow media --size max",
            "  uvol grow media --size 20GiB"
        })
final class GrowCommand implements Callable<Integer> {
    private static final String MAX = "max";

    @Mixin private ChosenVolume chosen;
    @Spec private CommandSpec spec;

    @Option(
            names = "--size",
            required = true,
            paramLabel = "max|SIZE",
            description =
                    "How large the volume shall be: as large as its members allow, or a size.")
    private String size;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        long bytes = size.equals(MAX) ? 0 : Units.parseSize(Place.COMMAND_LINE, size);
        Reply answer = chosen.call(Request.of("grow").with("size", bytes));
        spec.commandLine()
                .getOut()
                .printf("%s: %s now%n", chosen.name(), Units.size(answer.number("size")));
        return Main.DONE;
    }
}
