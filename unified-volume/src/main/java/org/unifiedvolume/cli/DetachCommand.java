package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol detach NAME`: undoes `uvol attach`.
@Command(
        name = "detach",
        description = "Gives the block device of a volume back.",
        footer = {"", "Examples:", "  uvol detach media", "  uvol detach /dev/loop0"})
final class DetachCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME|DEVICE", description = "The volume, or the block device.")
    private String what;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer = new Reply(chosen.call(Request.of("detach").with("what", what)));
        spec.commandLine().getOut().printf("%s is given back%n", answer.text("device"));
        return Main.DONE;
    }
}
