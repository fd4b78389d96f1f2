package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol attach NAME`: makes a volume a block device of this host.
@Command(
        name = "attach",
        description = "Makes a volume a block device, through FUSE and a loop device.",
        footer = {"", "Example:", "  dev=$(uvol attach media) && blockdev --getsize64 $dev"})
final class AttachCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Option(names = "--read-only", description = "Attach for reading only.")
    private boolean readOnly;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer =
                new Reply(
                        chosen.call(
                                Request.of("attach")
                                        .with("volume", volume)
                                        .with("readOnly", readOnly)));
        spec.commandLine().getOut().println(answer.text("device"));
        return Main.DONE;
    }
}
