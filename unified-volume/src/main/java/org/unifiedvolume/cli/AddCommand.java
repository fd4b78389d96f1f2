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

/// `uvol add NAME URI`: fills an empty role.
@Command(
        name = "add",
        description = "Gives a role that no good member has to a new one, which is filled.",
        footer = {"", "Example:", "  uvol add media /srv/c.img?size=10GiB"})
final class AddCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Parameters(index = "1", paramLabel = "URI", description = "The new member.")
    private String uri;

    @Option(names = "--force", description = "Give up what the new member carries.")
    private boolean force;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer =
                new Reply(
                        chosen.call(
                                Request.of("add")
                                        .with("volume", volume)
                                        .with("uri", OfflineMembers.absolute(uri))
                                        .with("force", force)));
        spec.commandLine()
                .getOut()
                .printf(
                        "%s: %s is being filled; change the configuration too%n",
                        volume, answer.text("by"));
        return Main.DONE;
    }
}
